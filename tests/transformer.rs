//! What the Transformer sees, what it does not see, and what its loss is.
#![cfg(feature = "train")]

use burn::Tensor;
use burn::tensor::Device;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Action, Catalogue, Dataset, IndexedEvent, ItemIndex, TaskHistory, UserIndex};
use metarec::model::initial::InitialValues;
use metarec::model::{
    AdaptableModel, CandidateLoss, ModelError, PreferenceModel, PreferenceSchema, PreferenceTransformer,
    PreferenceTransformerConfig, Supervision, TaskBatch, TaskEvents,
};

fn config() -> PreferenceTransformerConfig {
    let mut config = PreferenceTransformerConfig::default();
    (config.d_model, config.d_feed_forward, config.layers) = (8, 12, 2);
    (config.rating_factors, config.max_context, config.rating_weight) = (2, 12, 0.0);
    // Plain likelihoods of what is served; discount and trust have tests of their own.
    (config.like_discount, config.trust) = (0.0, Some(1.0));
    config
}

fn rating(item: u32, value: f32) -> IndexedEvent {
    let at = Some(i64::from(item) * 1000);
    IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some(value), timestamp: at }
}

fn market() -> Dataset {
    let config = MarketConfig::default().with_users(40).with_items(24).with_events(18).with_genres(4);
    config.generate().unwrap().into_dataset()
}

fn histories(data: &Dataset) -> Vec<TaskHistory> {
    (0..40).map(UserIndex).map(|user| TaskHistory { user, events: data.history(user).to_vec() }).collect()
}

/// A model of the market in which `unknown` items have no event in training.
fn model_without(
    data: &Dataset,
    unknown: &[u32],
    config: &PreferenceTransformerConfig,
    initial: &InitialValues,
) -> PreferenceTransformer {
    let mut schema = PreferenceSchema::from_tasks(data.catalogue(), &histories(data), data.like_rule());
    unknown.iter().for_each(|&item| schema.known[item as usize] = false);
    PreferenceTransformer::new(config, &schema, data.catalogue(), initial, 3, &Device::default()).unwrap()
}

/// Popularities that differ, random vectors.
fn uneven(items: usize) -> InitialValues {
    let mut initial = InitialValues::flat(items);
    initial.popularity = (0..items).map(|item| (item as f32 * 0.7).sin()).collect();
    initial
}

fn model(data: &Dataset) -> PreferenceTransformer {
    model_without(data, &[], &config(), &uneven(24))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

fn assert_near(found: &[f64], expected: &[f64], within: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far <= within, "{what}: {far:.1e} apart, {found:?} and {expected:?}");
}

fn states(model: &PreferenceTransformer, contexts: &[&[IndexedEvent]]) -> Vec<Vec<f64>> {
    let tasks: Vec<_> = contexts.iter().map(|context| TaskEvents::support(context)).collect();
    let batch = model.batch(&tasks, Supervision::WholeContext, &Device::default());
    let state = model.state(&batch);
    let width = state.dims()[1];
    numbers(state).chunks(width).map(<[f64]>::to_vec).collect()
}

fn losses(model: &PreferenceTransformer, tasks: &[TaskEvents<'_>], supervision: Supervision) -> Vec<f64> {
    numbers(model.loss(&model.batch(tasks, supervision, &Device::default())))
}

#[test]
fn the_state_of_a_context_is_the_same_alone_and_padded() {
    let data = market();
    let model = model(&data);
    let long = &data.history(UserIndex(0))[..12];
    let contexts: Vec<&[IndexedEvent]> = [0, 12, 3, 1, 7].map(|shots| &long[..shots]).to_vec();
    let together = states(&model, &contexts);
    for (context, padded) in contexts.iter().zip(&together) {
        assert_near(&states(&model, &[context])[0], padded, 1e-6, &format!("{} events", context.len()));
    }
    assert!(together[2] != together[4], "the state does not depend on the context");
}

#[test]
fn of_a_longer_context_the_most_recent_events_are_read() {
    let data = market();
    let model = model(&data);
    let events = data.history(UserIndex(1));
    assert!(events.len() > 12);
    let whole = states(&model, &[events]);
    assert_near(&whole[0], &states(&model, &[&events[events.len() - 12..]])[0], 1e-6, "the last 12 events");
}

#[test]
fn later_events_do_not_change_what_is_said_of_earlier_prefixes() {
    let data = market();
    let model = model(&data);
    // Both last events come back in the query, so that candidates and targets are the same whatever the context.
    let query = [rating(5, 5.0), rating(6, 5.0), rating(7, 4.0)];
    let context = [rating(1, 5.0), rating(2, 1.0), rating(5, 4.0)];
    let changed = [rating(1, 5.0), rating(2, 1.0), rating(6, 2.0)];
    // Sums over all prefixes but the last.
    let earlier = |context: &[IndexedEvent]| {
        let task = [TaskEvents::query(context, &query)];
        let every = losses(&model, &task, Supervision::EveryPrefix)[0] * (context.len() + 1) as f64;
        every - losses(&model, &task, Supervision::WholeContext)[0]
    };
    let short = losses(&model, &[TaskEvents::query(&context[..2], &query)], Supervision::EveryPrefix)[0] * 3.0;
    assert_near(&[earlier(&context), earlier(&changed)], &[short, short], 1e-4, "earlier prefixes");
    let last = |context| losses(&model, &[TaskEvents::query(context, &query)], Supervision::WholeContext)[0];
    assert!((last(&context) - last(&changed)).abs() > 1e-4, "the last event says nothing");
}

#[test]
fn a_discount_lets_the_likes_of_a_task_count_by_a_power_of_their_number() {
    let data = market();
    let of = |like_discount| {
        let mut config = config();
        config.like_discount = like_discount;
        model_without(&data, &[], &config, &uneven(24))
    };
    let (busy, idle) =
        ([rating(1, 5.0), rating(2, 5.0), rating(3, 4.0), rating(4, 5.0), rating(9, 1.0)], [rating(5, 5.0)]);
    let tasks = [TaskEvents::query(&[], &busy), TaskEvents::query(&[], &idle)];
    let plain = losses(&of(0.0), &tasks, Supervision::EveryPrefix);
    let mean = f64::from(of(0.0).schema().likes_per_task);
    for discount in [0.5, 1.0] {
        let expected = [plain[0] * (4.0 / mean).powf(-discount), plain[1] * (1.0 / mean).powf(-discount)];
        assert_near(&losses(&of(discount), &tasks, Supervision::EveryPrefix), &expected, 1e-5, "discounted");
    }
    // Steps on a support set weigh each like that was left out as they did.
    let support = [TaskEvents::support(&busy)];
    let left_out = |discount| losses(&of(discount), &support, Supervision::EveryPrefix);
    assert_near(&left_out(0.5), &left_out(0.0), 0.0, "left out");
}

#[test]
fn trust_is_the_share_of_what_is_added_to_popularity() {
    let data = market();
    let context = data.history(UserIndex(0));
    let scores = |trust: f32, context: &[IndexedEvent]| {
        let model = model(&data).with_trust(trust);
        let batch = model.batch(&[TaskEvents::context(context)], Supervision::WholeContext, &Device::default());
        numbers(model.rank(&model.catalogue(), model.state(&batch)))
    };
    let (popularity, whole) = (scores(1.0, &[]), scores(1.0, context));
    let half: Vec<f64> = popularity.iter().zip(&whole).map(|(none, whole)| (none + whole) / 2.0).collect();
    assert_near(&scores(0.5, context), &half, 1e-5, "half trusted");
    assert_near(&scores(0.5, &[]), &popularity, 0.0, "nothing to trust");
    assert!(whole.iter().zip(&popularity).any(|(a, b)| (a - b).abs() > 1e-3), "the context says nothing");
}

#[test]
fn a_support_set_that_is_read_alone_predicts_nothing() {
    let data = market();
    let model = model(&data);
    let events = &data.history(UserIndex(2))[..6];
    for supervision in [Supervision::EveryPrefix, Supervision::WholeContext] {
        assert_eq!(losses(&model, &[TaskEvents::context(events)], supervision), [0.0]);
    }
    assert_eq!(states(&model, &[events]), {
        let batch = model.batch(&[TaskEvents::context(events)], Supervision::WholeContext, &Device::default());
        vec![numbers(model.state(&batch))]
    });
}

/// Scores of every item after a context, as they are served.
fn scores(model: &PreferenceTransformer, context: &[IndexedEvent]) -> Vec<f64> {
    let batch = model.batch(&[TaskEvents::support(context)], Supervision::WholeContext, &Device::default());
    numbers(model.rank(&model.catalogue(), model.state(&batch)))
}

/// `log sum exp` over some items minus the scores of the liked ones.
fn likelihood(scores: &[f64], candidates: &[usize], liked: &[usize]) -> f64 {
    let normaliser = candidates.iter().map(|&item| scores[item].exp()).sum::<f64>().ln();
    liked.iter().map(|&item| normaliser - scores[item]).sum()
}

#[test]
fn the_full_loss_is_the_likelihood_worked_out_from_the_scores() {
    let data = market();
    let model = model_without(&data, &[9], &config(), &uneven(24));
    let scale = f64::from(model.schema().likes_per_task);
    let context = [rating(3, 5.0), rating(8, 1.0)];
    // Likes: 1, 4 and 3, which comes back; 2 is no like; 9 is a like of an item that training does not know.
    let query = [rating(1, 5.0), rating(2, 1.0), rating(4, 4.0), rating(3, 5.0), rating(9, 5.0)];
    let liked = [1, 4, 3];
    // 8 is in the context only, 9 is unknown.
    let candidates: Vec<usize> = (0..24).filter(|item| ![8, 9].contains(item)).collect();
    let each: Vec<f64> =
        (0..=2).map(|shots| likelihood(&scores(&model, &context[..shots]), &candidates, &liked) / scale).collect();
    let task = [TaskEvents::query(&context, &query)];
    assert_near(&losses(&model, &task, Supervision::WholeContext), &each[2..], 1e-5, "whole context");
    let mean = each.iter().sum::<f64>() / 3.0;
    assert_near(&losses(&model, &task, Supervision::EveryPrefix), &[mean], 1e-5, "every prefix");
}

#[test]
fn of_a_support_set_each_like_is_predicted_from_all_the_other_events() {
    let data = market();
    let model = model_without(&data, &[9], &config(), &uneven(24));
    let scale = f64::from(model.schema().likes_per_task);
    // Likes: 3, 1 and 9, which training does not know. 8 is none.
    let events = [rating(3, 5.0), rating(8, 1.0), rating(1, 4.0), rating(9, 5.0)];
    let sum: f64 = [3, 1, 9]
        .into_iter()
        .map(|left_out| {
            let others: Vec<IndexedEvent> =
                events.iter().filter(|event| event.item != ItemIndex(left_out)).copied().collect();
            let read: Vec<usize> = others.iter().map(|event| event.item.position()).collect();
            // What training does not know is a candidate where it is what was liked.
            let candidate = |item: &usize| !read.contains(item) && (*item != 9 || left_out == 9);
            let candidates: Vec<usize> = (0..24).filter(candidate).collect();
            likelihood(&scores(&model, &others), &candidates, &[left_out as usize]) / scale
        })
        .sum();
    let support = TaskEvents::support(&events);
    assert_near(&losses(&model, &[support], Supervision::WholeContext), &[sum], 1e-5, "alone");
    // Beside tasks with more and with fewer likes, and cut out again.
    let long = [1, 2, 3, 4, 5, 6].map(|item| rating(item, 5.0));
    let tasks = [TaskEvents::support(&long), support, TaskEvents::support(&[])];
    let batch = model.batch(&tasks, Supervision::EveryPrefix, &Device::default());
    let together = numbers(model.loss(&batch));
    assert_near(&together[1..], &[sum, 0.0], 1e-5, "together");
    assert_near(&numbers(model.loss(&batch.narrow(1, 1))), &[sum], 1e-5, "cut out");
    let alone = &states(&model, &[&events])[0];
    let states = numbers(model.state(&batch));
    assert_near(&states[alone.len()..2 * alone.len()], alone, 1e-6, "the whole context");
}

#[test]
fn the_rating_loss_is_the_mean_squared_error_of_what_is_served() {
    let data = market();
    let rated = |weight: f64| {
        let mut config = config();
        config.rating_weight = weight;
        let schema = PreferenceSchema::from_tasks(data.catalogue(), &histories(&data), data.like_rule());
        let initial = InitialValues::fit(&histories(&data), 4, &config, &schema, 2);
        model_without(&data, &[], &config, &initial)
    };
    let query = [rating(1, 5.0), rating(2, 1.0), rating(7, 3.0)];
    let task = [TaskEvents::query(&[], &query)];
    let loss = |weight| losses(&rated(weight), &task, Supervision::WholeContext)[0];
    let model = rated(2.0);
    let served = numbers(model.rate(&model.catalogue()).unwrap());
    let mse = [(1, 5.0), (2, 1.0), (7, 3.0)]
        .iter()
        .map(|&(item, value): &(usize, f64)| (served[item] - value).powi(2))
        .sum::<f64>()
        / 3.0;
    assert!(mse > 0.1);
    assert_near(&[(loss(2.0) - loss(0.0)) / 2.0], &[mse], 1e-4, "mean squared error");
}

#[test]
fn the_sampled_loss_approaches_the_full_one_as_the_sample_grows() {
    let data = market();
    let of = |candidates| {
        let mut config = config();
        config.candidates = candidates;
        let model = model_without(&data, &[9, 10], &config, &uneven(24));
        let context = [rating(3, 5.0), rating(8, 1.0)];
        let query = [rating(1, 5.0), rating(4, 4.0), rating(6, 4.0)];
        let tasks = [TaskEvents::query(&context, &query), TaskEvents::query(&[], &query)];
        let mut found = losses(&model, &tasks, Supervision::EveryPrefix);
        found.extend(losses(&model, &[TaskEvents::support(&query)], Supervision::EveryPrefix));
        found
    };
    let full = of(CandidateLoss::Full);
    let far = |size| {
        let sampled = of(CandidateLoss::Sampled(size));
        sampled.iter().zip(&full).map(|(a, b)| (a - b).abs() / b).fold(0.0, f64::max)
    };
    let (small, large) = (far(30), far(100_000));
    println!("sampled loss: {small:.1e} away with 30 candidates, {large:.1e} with 100000");
    assert!(large < 0.005 && large < small, "{small} with 30 candidates, {large} with 100000");
}

#[test]
fn vectors_of_items_that_training_does_not_know_have_no_influence() {
    let data = market();
    let unknown = [4, 9];
    let mut initial = uneven(24);
    initial.item_vectors = Some((0..24 * 8).map(|at| (at as f32 * 1.3).sin() * 0.3).collect());
    let mut other = initial.clone();
    for item in unknown {
        other.popularity[item as usize] = 99.0;
        if let Some(vectors) = &mut other.item_vectors {
            vectors[item as usize * 8..(item as usize + 1) * 8].fill(7.0);
        }
    }
    let of = |initial: &InitialValues, unknown: &[u32]| {
        let model = model_without(&data, unknown, &config(), initial);
        // One unknown item in the context, one to be scored.
        let (context, query) = ([rating(4, 5.0), rating(1, 5.0)], [rating(2, 5.0), rating(9, 5.0)]);
        let mut found = scores(&model, &context);
        found.extend(losses(&model, &[TaskEvents::query(&context, &query)], Supervision::EveryPrefix));
        found
    };
    assert_eq!(of(&initial, &unknown), of(&other, &unknown));
    assert!(of(&initial, &[]) != of(&other, &[]), "the vectors of known items have no influence either");
}

#[test]
fn items_that_training_does_not_know_are_told_apart_by_their_features_alone() {
    let mut data = market();
    for (id, genre) in [("i4", "x"), ("i9", "x"), ("i10", "y")] {
        data.catalogue_mut().describe(id, "", "", [genre]);
    }
    let model = model_without(&data, &[4, 9, 10], &config(), &uneven(24));
    let found = scores(&model, &[rating(1, 5.0), rating(2, 1.0)]);
    let categories = |item| &data.catalogue().item(ItemIndex(item)).categories;
    assert!(categories(4) == categories(9) && categories(4) != categories(10));
    assert_eq!(found[4], found[9], "equal features, equal scores");
    assert!((found[4] - found[10]).abs() > 1e-6, "other features, other scores");
    // In a context as well.
    let state = |item| states(&model, &[&[IndexedEvent { timestamp: None, ..rating(item, 5.0) }]]);
    assert_eq!(state(4), state(9));
    assert!(state(4) != state(10));
}

#[test]
fn settings_out_of_bounds_are_named() {
    let with = |change: fn(&mut PreferenceTransformerConfig)| {
        let mut config = config();
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    for (error, expected) in [
        (with(|config| config.d_model = 1), "`d_model` is 1: expected 2 to 4096"),
        (with(|config| config.layers = 65), "`layers` is 65: expected 0 to 64"),
        (with(|config| config.heads = 0), "`heads` is 0: expected 1 to d_model"),
        (with(|config| config.heads = 3), "`heads` is 3: expected a divisor of d_model"),
        (with(|config| config.d_feed_forward = 0), "`d_feed_forward` is 0: expected 1 to 65536"),
        (with(|config| config.dropout = Some(0.95)), "`dropout` is 0.95: expected 0 to 0.9"),
        (with(|config| config.dropout = Some(f64::NAN)), "`dropout` is NaN: expected 0 to 0.9"),
        (with(|config| config.id_dropout = -0.1), "`id_dropout` is -0.1: expected 0 to 0.9"),
        (with(|config| config.max_context = 0), "`max_context` is 0: expected 1 to 4096"),
        (with(|config| config.rating_factors = 0), "`rating_factors` is 0: expected 1 to 512"),
        (with(|config| config.rating_weight = f64::INFINITY), "`rating_weight` is inf: expected a finite number"),
        (with(|config| config.candidates = CandidateLoss::Sampled(0)), "`candidates.sampled` is 0: expected 1 to"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_schema_of_another_catalogue_is_refused() {
    let data = market();
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &histories(&data), data.like_rule());
    let new = |catalogue: &Catalogue| {
        PreferenceTransformer::new(&config(), &schema, catalogue, &uneven(24), 1, &Device::default()).map(|_| ())
    };
    assert_eq!(new(&Catalogue::new()), Err(ModelError::Items { what: "the schema", found: 24, expected: 0 }));
    assert_eq!(new(data.catalogue()), Ok(()));
}
