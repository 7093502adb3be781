use super::*;
use crate::data::{DatasetBuilder, Event, HeldOutUser, ItemVectors, TaskHistory, UserIndex, tie_order};
use crate::meta::{InContext, InContextConfig, Stateless};
use crate::model::initial::InitialValues;
use crate::model::{PreferenceModel, PreferenceSchema, PreferenceTransformerConfig, Supervision, TaskEvents};
use crate::train::Stop;

const KNOWN: u32 = 50;
const ITEMS: u32 = 60;

/// Who likes items of even numbers and who likes those of odd ones; nobody has met the last ten items.
struct Market {
    catalogue: Catalogue,
    users: Vec<Vec<IndexedEvent>>,
}

/// Categories say which numbers are even, as do vectors, and vectors also that small numbers are popular.
fn market() -> Market {
    let mut events = DatasetBuilder::new();
    for item in 0..ITEMS {
        events.catalogue_mut().describe(&item.to_string(), "", "", [["even", "odd"][item as usize % 2]]);
    }
    for user in 0..40 {
        for nth in 0..12 {
            // Of small numbers there are more.
            let item = (nth * nth / 4 + user % 5) % (KNOWN / 2) * 2 + user % 2;
            events.push(&user.to_string(), &Event::rating(item.to_string(), 5.0).at(i64::from(nth))).unwrap();
        }
    }
    let mut data = events.build();
    let vector = |item: u32| [1.0 - (item % 2) as f32 * 2.0, (item / 10) as f32 * -0.3];
    let values = (0..ITEMS).flat_map(vector).collect();
    data.catalogue_mut().set_vectors(Some(ItemVectors { width: 2, values }));
    let users = (0..40).map(|user| data.history(UserIndex(user)).to_vec()).collect();
    Market { catalogue: data.catalogue().clone(), users }
}

struct Fixture {
    market: Market,
    popularity: Vec<f32>,
    trained: Trained<PreferenceTransformer, Stateless>,
    learner: InContext,
}

fn fixture() -> Fixture {
    let market = market();
    let task =
        |(user, events): (u32, &Vec<IndexedEvent>)| TaskHistory { user: UserIndex(user), events: events.clone() };
    let tasks: Vec<TaskHistory> = (0..).zip(&market.users).map(task).collect();
    let config = PreferenceTransformerConfig { d_model: 8, ..PreferenceTransformerConfig::default() };
    let schema = PreferenceSchema::from_tasks(&market.catalogue, &tasks, &LikeRule::default());
    let mut initial = InitialValues::flat(ITEMS as usize);
    initial.popularity = (0..ITEMS).map(|item| -(item as f32) / 30.0).collect();
    let model =
        PreferenceTransformer::new(&config, &schema, &market.catalogue, &initial, 3, &Device::default()).unwrap();
    let trained = Trained { model, state: Stateless::default(), steps: 0, stop: Stop::Finished };
    Fixture { market, popularity: initial.popularity, trained, learner: InContextConfig::default().init() }
}

impl Fixture {
    /// Users who like items of their kind, of which they had four: those they have not met among `asked`.
    fn validation(&self, asked: std::ops::Range<u32>, candidates: u32) -> Validation {
        let held_out = |user: u32| {
            let events = &self.market.users[user as usize];
            let like = |item| IndexedEvent { item: ItemIndex(item), ..events[0] };
            let pool = events[..4].to_vec();
            let new = |item: &u32| item % 2 == user % 2 && pool.iter().all(|event| event.item.0 != *item);
            HeldOutUser { user: UserIndex(user), query: asked.clone().filter(new).map(like).collect(), pool }
        };
        let places = tie_order(self.market.catalogue.ids());
        let candidates = (0..candidates).map(ItemIndex).collect();
        Validation::new((0..40).map(held_out).collect(), candidates, LikeRule::default(), places, [0, 4])
    }

    fn fitted(&self, validation: &Validation) -> PreferenceTransformer {
        let told = (&self.market.catalogue, &self.popularity[..]);
        fitted(self.trained.clone(), &self.learner, told, validation, &Device::default()).model
    }

    /// What a model gives every item after these events.
    fn scores(&self, model: &PreferenceTransformer, events: &[IndexedEvent]) -> Vec<f32> {
        let batch = model.batch(&[TaskEvents::context(events)], Supervision::WholeContext, &Device::default());
        model.rank(&model.catalogue(), model.state(&batch)).into_data().iter().collect()
    }
}

#[test]
fn new_items_are_scored_by_what_a_user_likes_and_known_ones_as_before() {
    let fixture = fixture();
    for validation in [fixture.validation(0..KNOWN, KNOWN), fixture.validation(KNOWN..ITEMS, ITEMS)] {
        let model = fixture.fitted(&validation);
        for user in [0, 1] {
            let events = &fixture.market.users[user][..4];
            let (before, after) = (fixture.scores(&fixture.trained.model, events), fixture.scores(&model, events));
            assert_eq!(before[..KNOWN as usize], after[..KNOWN as usize]);
            let new = &after[KNOWN as usize..];
            let mean = |kind: usize| new.iter().skip(kind).step_by(2).sum::<f32>() / 5.0;
            assert!(mean(user) > mean(1 - user) + 0.5, "user {user}: {new:?}");
        }
        let nobody = fixture.scores(&model, &[]);
        let known = &nobody[..KNOWN as usize];
        let most = known.iter().copied().fold(f32::MIN, f32::max);
        assert!(nobody[KNOWN as usize..].iter().all(|&new| new < most), "new items are at the unpopular end");
    }
}

#[test]
fn known_items_would_be_worth_as_much_together_if_they_were_new() {
    let fixture = fixture();
    let model = fixture.fitted(&fixture.validation(0..KNOWN, KNOWN));
    // All popularity that the features explain is there: small numbers are popular, and new items come after them.
    let scores = fixture.scores(&model, &[]);
    let sum = |scores: &[f32]| log_sum_exp(&scores.iter().copied().map(f64::from).collect::<Vec<_>>());
    let (known, new) = (sum(&scores[..KNOWN as usize]) - 50_f64.ln(), sum(&scores[KNOWN as usize..]) - 10_f64.ln());
    assert!(new < known && new > known - 3.0, "{new} for {known}");
}

#[test]
fn the_model_scores_as_the_formula_says() {
    let fixture = fixture();
    let values = ColdItemValues {
        bias: 0.5,
        weights: vec![1.0, 2.0, 3.0, 4.0],
        mean: vec![0.5, 0.25, 0.1, -0.2],
        scale: vec![1.0, 1.0, 0.5, 0.5],
    };
    let model = fixture.trained.model.clone().with_cold_items(&values);
    let events = &fixture.market.users[0][..3];
    let features = Features::new(&fixture.market.catalogue);
    let of = |item: usize| {
        let mut all = [0.0; 4];
        features.of(item).for_each(|(at, value)| all[at] = value as f32);
        all
    };
    let scores = fixture.scores(&model, events);
    for (item, score) in scores.iter().enumerate().skip(KNOWN as usize) {
        let mut expected = values.bias;
        for at in 0..4 {
            let liked = |event: &IndexedEvent| of(event.item.position())[at] - values.mean[at];
            let content = events.iter().map(liked).sum::<f32>() / 3_f32.sqrt();
            expected += values.weights[at] * of(item)[at];
            expected += values.scale[at] * content * (of(item)[at] - values.mean[at]);
        }
        assert!((score - expected).abs() < 1e-4, "item {item}: {score} for {expected}");
    }
}

#[test]
fn where_there_is_nothing_to_choose_by_the_model_stays_as_it_is() {
    let fixture = fixture();
    let same = |model: &PreferenceTransformer| {
        let events = &fixture.market.users[0][..4];
        assert_eq!(fixture.scores(model, events), fixture.scores(&fixture.trained.model, events));
    };
    same(&fixture.fitted(&Validation::new(Vec::new(), Vec::new(), LikeRule::default(), Vec::new(), [4])));
    same(&fixture.fitted(&fixture.validation(0..0, KNOWN)));
}
