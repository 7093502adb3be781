//! What is chosen on the validation users once training is done.

use burn::module::Module;
use burn::tensor::Device;

use crate::meta::ServingLearner;
use crate::model::PreferenceTransformer;
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

    /// The model with the share that ranks best for the validation users; as it is where there are none, or where the settings say what to trust.
    ///
    /// The mean over neighbouring shares is compared, so that one lucky share among few users is not taken.
    pub(crate) fn of(
        self,
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
        let best = (0..ranked.len()).max_by(|&a, &b| smooth(a).total_cmp(&smooth(b)));
        let share = best.map_or(1.0, |place| Self::SHARES[place]);
        Trained { model: trained.model.with_trust(share), ..trained }
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
