//! What is chosen on the validation users once training is done.

use burn::module::Module;
use burn::tensor::Device;

use crate::meta::ServingLearner;
use crate::model::{PreferenceTransformer, RatingCalibration, RatingScale};
use crate::train::{Trained, Validation};

/// How far the validation users say that a model should trust what it adds to popularity.
pub(crate) struct Calibration<L> {
    validation: Validation,
    learner: L,
    device: Device,
}

impl<L: ServingLearner<PreferenceTransformer>> Calibration<L> {
    /// Looks at `validation` as training does; the model is on the autodiff device `device`.
    pub(crate) fn new(validation: Validation, learner: L, device: &Device) -> Self {
        Self { validation, learner, device: device.clone() }
    }

    /// Shares that are tried.
    const SHARES: [f32; 9] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2];

    /// The model with the share that ranks best for the validation users, of equals the nearest to what it trusts by itself; as it is where there are none,
    /// where none of them can tell shares apart, or where the settings say what to trust.
    ///
    /// The mean over neighbouring shares is compared, so that one lucky share among few users is not taken.
    pub(crate) fn of(
        &self,
        trained: Trained<PreferenceTransformer, L::State>,
    ) -> Trained<PreferenceTransformer, L::State> {
        if self.validation.is_empty() || trained.model.config().trust.is_some() {
            return trained;
        }
        let ranked = Self::SHARES.map(|share| self.ranking(&trained, share));
        let smooth = |place: usize| {
            let near = &ranked[place.saturating_sub(1)..ranked.len().min(place + 2)];
            near.iter().sum::<f64>() / near.len() as f64
        };
        if ranked.iter().all(|value| *value == ranked[0]) {
            return trained;
        }
        let moved = |place: usize| (Self::SHARES[place] - trained.model.trust()).abs();
        let order = |a: usize, b: usize| smooth(a).total_cmp(&smooth(b)).then(moved(b).total_cmp(&moved(a)));
        let best = (0..ranked.len()).max_by(|&a, &b| order(a, b));
        let share = best.map_or(1.0, |place| Self::SHARES[place]);
        Trained { model: trained.model.with_trust(share), ..trained }
    }

    /// What the model's variances of ratings are worth, over the values that training saw.
    pub(crate) fn of_ratings(
        &self,
        trained: &Trained<PreferenceTransformer, L::State>,
        scale: RatingScale,
    ) -> RatingCalibration {
        let plain = self.device.clone().inner();
        let outcomes = if self.learner.needs_autodiff() {
            self.validation.outcomes((&trained.model, &trained.state, &self.learner), &plain)
        } else {
            self.validation.outcomes((&trained.model.valid(), &trained.state.valid(), &self.learner), &plain)
        };
        RatingCalibration::fit(scale, &outcomes)
    }

    fn ranking(&self, trained: &Trained<PreferenceTransformer, L::State>, share: f32) -> f64 {
        let model = trained.model.clone().with_trust(share);
        let plain = self.device.clone().inner();
        let score = if self.learner.needs_autodiff() {
            self.validation.score((&model, &trained.state, &self.learner), &plain)
        } else {
            self.validation.score((&model.valid(), &trained.state.valid(), &self.learner), &plain)
        };
        score.ranking()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic::MarketConfig;
    use crate::data::{HeldOutUser, IndexedEvent, ItemIndex, TaskHistory, UserIndex, tie_order};
    use crate::meta::{InContextConfig, Stateless};
    use crate::model::initial::InitialValues;
    use crate::model::{PreferenceModel, PreferenceSchema, PreferenceTransformerConfig, Supervision, TaskEvents};
    use crate::train::Stop;

    const SHOTS: usize = 4;

    /// A model whose trust is to be chosen, and users who like what it ranks first if it is trusted by `share`.
    fn users_of(share: f32) -> (Trained<PreferenceTransformer, Stateless>, Validation) {
        let data =
            MarketConfig::default().with_users(40).with_items(60).with_events(30).generate().unwrap().into_dataset();
        let history = |user| TaskHistory { user: UserIndex(user), events: data.history(UserIndex(user)).to_vec() };
        let tasks: Vec<TaskHistory> = (0..40).map(history).collect();
        let mut config = PreferenceTransformerConfig::default();
        (config.d_model, config.trust) = (8, None);
        let schema = PreferenceSchema::from_tasks(data.catalogue(), &tasks, data.like_rule());
        let mut initial = InitialValues::flat(60);
        initial.popularity = (0..60).map(|item| (item as f32 * 0.7).sin()).collect();
        initial.item_vectors = Some((0..60 * 8).map(|at| (at as f32 * 1.3).cos() * 0.3).collect());
        let model =
            PreferenceTransformer::new(&config, &schema, data.catalogue(), &initial, 3, &Device::default()).unwrap();
        let trusted = model.clone().with_trust(share);
        let held_out = |user| {
            let pool = data.history(UserIndex(user))[..SHOTS].to_vec();
            let batch = trusted.batch(&[TaskEvents::context(&pool)], Supervision::WholeContext, &Device::default());
            let scores = trusted.rank(&trusted.catalogue(), trusted.state(&batch)).into_data();
            let scores: Vec<f32> = scores.iter().collect();
            let mut items: Vec<u32> = (0..60).filter(|&item| pool.iter().all(|event| event.item.0 != item)).collect();
            items.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
            let like = |&item: &u32| IndexedEvent { item: ItemIndex(item), value: Some(5.0), ..pool[0] };
            HeldOutUser { user: UserIndex(user), query: items[..10].iter().map(like).collect(), pool: pool.clone() }
        };
        let users = (0..40).map(held_out).collect();
        let candidates = (0..60).map(ItemIndex).collect();
        let places = tie_order(data.catalogue().ids());
        let validation = Validation::new(users, candidates, data.like_rule().clone(), places, vec![SHOTS]);
        (Trained { model, state: Stateless::default(), steps: 0, stop: Stop::Finished }, validation)
    }

    fn chosen(trained: Trained<PreferenceTransformer, Stateless>, validation: Validation) -> f32 {
        let learner = InContextConfig::default().init();
        let found = Calibration::new(validation, learner, &Device::default()).of(trained);
        found.model.trust()
    }

    #[test]
    fn the_share_by_which_the_validation_users_are_ranked_best_is_found() {
        for share in [0.5, 0.8, 1.1] {
            let (trained, validation) = users_of(share);
            let found = chosen(trained, validation);
            assert!((found - share).abs() < 0.11, "{found} for {share}");
        }
    }

    #[test]
    fn without_validation_users_trust_stays_as_it_is() {
        let (trained, validation) = users_of(0.5);
        let nobody = Validation::new(Vec::new(), Vec::new(), Default::default(), Vec::new(), vec![SHOTS]);
        assert_eq!(chosen(trained.clone(), nobody), 0.8);
        let indifferent = vec![HeldOutUser { user: UserIndex(0), pool: Vec::new(), query: Vec::new() }];
        let nothing_liked =
            Validation::new(indifferent, vec![ItemIndex(0)], Default::default(), vec![0; 60], vec![SHOTS]);
        assert_eq!(chosen(trained.clone(), nothing_liked), 0.8, "nobody likes a candidate");
        assert!(chosen(trained, validation) < 0.7);
    }
}
