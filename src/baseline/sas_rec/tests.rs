use super::*;
use crate::baseline::ConditionalPopularity;
use crate::baseline::tests::{all_train, on_threads, rated, scores, two_tastes};
use crate::model::NoiseSource;

/// Users who like the items of a ring one after the other, each beginning elsewhere; item 12 is disliked, 13 nobody has met.
fn ring() -> (Dataset, UserSplit) {
    let mut ratings = Vec::new();
    for user in 0..36 {
        ratings.extend((0..8).map(|nth| (user, (user + nth) % 12, 5.0)));
        ratings.push((user, 12, 1.0));
    }
    all_train(14, &ratings)
}

fn config() -> SasRecConfig {
    SasRecConfig::default().with_d_model(16).with_max_length(8).with_batch(12).with_learning_rate(0.005)
}

#[test]
fn what_comes_next_is_learned_from_what_came_before() {
    // Events without a time keep the order in which they came, so sequences run around the ring.
    let (data, split) = ring();
    let sasrec = SasRec::fit(&data, &split, &config().with_dropout(0.0).with_epochs(60)).unwrap();
    for start in 0..12 {
        let read: Vec<(u32, f32)> = (0..3).map(|nth| ((start + nth) % 12, 5.0)).collect();
        let scores = scores(&sasrec, &rated(&read));
        let unread = (0..14).filter(|&item| !read.iter().any(|&(one, _)| one as usize == item));
        let best = unread.max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        assert_eq!(best as u32, (start + 3) % 12, "{scores:?}");
        assert!(scores.iter().all(|score| *score >= scores[13]), "nobody has met item 13");
    }
}

#[test]
fn states_do_not_depend_on_what_comes_later() {
    let device = Device::default();
    let network = Network::new(9, &config(), &device);
    let states = |read: &[i32]| {
        let read = Tensor::<2, Int>::from_data(TensorData::new(read.to_vec(), [1, read.len()]), &device);
        network.states(read, 0.0, &mut NoiseSource::new(None)).into_data().try_into_vec::<f32>().unwrap()
    };
    let (short, long, other) = (states(&[3, 1]), states(&[3, 1, 4, 8]), states(&[3, 1, 5, 0]));
    for at in 0..2 * 16 {
        assert!((short[at] - long[at]).abs() < 1e-5 && (other[at] - long[at]).abs() < 1e-5, "{at}");
    }
    assert!((2 * 16..4 * 16).any(|at| (other[at] - long[at]).abs() > 1e-2), "and they do on what came");
    assert!((0..16).any(|at| (states(&[1, 3])[16 + at] - states(&[3, 3])[16 + at]).abs() > 1e-3));
}

#[test]
fn who_likes_nothing_is_ranked_for_by_conditional_popularity() {
    let (data, split) = two_tastes(30, 16);
    let sasrec = SasRec::fit(&data, &split, &config().with_epochs(1)).unwrap();
    let popular = ConditionalPopularity::fit(&data, &split);
    let order = |scores: Vec<f32>| {
        let mut items: Vec<usize> = (0..scores.len()).collect();
        items.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        items
    };
    assert_eq!(order(scores(&sasrec, &[])), order(scores(&popular, &[])));
    assert_eq!(scores(&sasrec, &[]), scores(&sasrec, &rated(&[(0, 1.0), (3, 2.0)])), "events that are no likes");
    assert_ne!(scores(&sasrec, &[]), scores(&sasrec, &rated(&[(0, 5.0)])));
}

#[test]
fn only_the_most_recent_likes_are_read() {
    let (data, split) = ring();
    let sasrec = SasRec::fit(&data, &split, &config().with_max_length(2).with_epochs(1)).unwrap();
    let (two, more) = (rated(&[(4, 5.0), (5, 5.0)]), rated(&[(9, 5.0), (1, 5.0), (4, 5.0), (5, 5.0)]));
    assert_eq!(scores(&sasrec, &two), scores(&sasrec, &more));
}

#[test]
fn the_same_seed_gives_the_same_scores_on_any_number_of_threads_and_for_whoever_else_is_asked() {
    let (data, split) = ring();
    let support = rated(&[(2, 5.0), (3, 5.0)]);
    let fit = |threads, seed| {
        let config = config().with_epochs(2).with_seed(seed);
        on_threads(threads, || SasRec::fit(&data, &split, &config).unwrap())
    };
    let (one, four) = (fit(1, 1), fit(4, 1));
    assert_eq!(scores(&one, &support), scores(&four, &support));
    assert_ne!(scores(&one, &support), scores(&fit(1, 2), &support));
    let user = crate::data::UserIndex(0);
    let supports = [&support[..], &[], &support[..1]].map(|events| Support { user, events });
    let together = one.scores(&supports).unwrap().unwrap();
    assert_eq!((&together[0], &together[2]), (&scores(&one, &support), &scores(&one, &support[..1])));
}

#[test]
fn going_on_for_more_epochs_is_the_same_as_having_started_with_them() {
    let (data, split) = ring();
    let sequences = Sequences::new(&data, &split).unwrap();
    let served = Arc::new(Served::new(&data, &split, &sequences));
    let mut training = Training::new(&sequences, &config(), &served.device);
    let at = |training: &mut Training<'_>, epochs| {
        SasRec::trained(training, &config().with_epochs(epochs), &served).unwrap()
    };
    let (early, late) = (at(&mut training, 1), at(&mut training, 3));
    let over = SasRec::fit(&data, &split, &config().with_epochs(3)).unwrap();
    let support = rated(&[(2, 5.0), (3, 5.0)]);
    assert_eq!(scores(&late, &support), scores(&over, &support));
    assert_ne!(scores(&late, &support), scores(&early, &support));
}

#[test]
fn a_rate_that_is_far_too_great_is_an_error() {
    let (data, split) = ring();
    let error = SasRec::fit(&data, &split, &config().with_learning_rate(1e30).with_epochs(5)).unwrap_err();
    assert!(error.to_string().starts_with("the loss of sasrec is no longer finite in epoch "), "{error}");
}

#[test]
fn a_split_of_another_data_set_is_an_error() {
    let (_, split) = all_train(4, &[(0, 3, 5.0)]);
    let (data, _) = all_train(2, &[(0, 1, 5.0)]);
    assert!(SasRec::fit(&data, &split, &SasRecConfig::default()).is_err());
}

#[test]
fn settings_out_of_bounds_are_named() {
    let base = SasRecConfig::default;
    for (config, expected) in [
        (base().with_d_model(0), "baseline setting `d_model` is 0: expected 1 to 1024"),
        (base().with_layers(17), "baseline setting `layers` is 17: expected 1 to 16"),
        (base().with_max_length(0), "baseline setting `max_length` is 0: expected 1 to 1000"),
        (base().with_dropout(0.95), "baseline setting `dropout` is 0.95: expected 0 to 0.9"),
        (base().with_epochs(0), "baseline setting `epochs` is 0: expected 1 to 10000"),
        (base().with_batch(0), "baseline setting `batch` is 0: expected 1 to 10000"),
        (
            base().with_learning_rate(f64::NAN),
            "baseline setting `learning_rate` is NaN: expected a finite number, more than 0",
        ),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
    }
    assert!(serde_json::from_str::<SasRecConfig>(r#"{"d": 3}"#).is_err());
}
