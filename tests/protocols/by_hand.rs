//! One small case for each protocol.

use metarec::baseline::PersonalFrequency;
use metarec::data::{ColdSplit, Dataset, ItemRule, RepeatRule, SplitRule, TimeRule, UserSplit};
use metarec::evaluate::{
    ColdProtocol, EvaluateError, Part, ProtocolKind, ProtocolOptions, ProtocolRules, RepeatPurchase, Report, Shots,
    UserCold,
};

use super::{Told, purchases};

/// Of a hundred, the digests of the items are: tea 71, milk 46, rice 74 (training); jam 31 (validation); oats 15, leek 19 (test); kiwi is for training. Of ten, those of
/// the users are: ann 4, bob 2 (training); gil 1 (validation); eva 0 (test).
fn pantry() -> Dataset {
    let did: [(&str, &[&str]); 4] = [
        ("ann", &["oats", "tea", "milk", "jam", "tea", "rice"]),
        ("bob", &["milk", "leek", "plum"]),
        ("gil", &["tea", "plum", "oats", "milk"]),
        ("eva", &["tea", "leek", "milk", "jam", "oats", "kiwi"]),
    ];
    purchases(did.iter().flat_map(|(user, items)| (0..).zip(*items).map(|(time, item)| (*user, *item, time))))
}

fn item_rule() -> ItemRule {
    ItemRule::default().with_percent(20, 20).with_support(2)
}

/// The two old items that someone has not had, then the two new ones.
fn old_before_new(item: &str) -> f32 {
    ["leek", "oats", "rice", "kiwi"].iter().position(|known| *known == item).map_or(0.0, |place| place as f32 + 1.0)
}

/// Each user's value, by external id.
fn values(data: &Dataset, report: &Report, k: Shots, metric: &str) -> Vec<(String, f64)> {
    let found = report.find("told", k, metric).unwrap();
    found.values().iter().map(|(user, value)| (data.users().id(*user).to_owned(), *value)).collect()
}

fn assert_values(found: &[(String, f64)], expected: &[(&str, f64)]) {
    let same =
        |((user, value), (id, wanted)): (&(String, f64), &(&str, f64))| user == id && (value - wanted).abs() < 1e-12;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(same), "{found:?}");
}

/// Gain of a hit at a position, from 0.
fn gain(position: f64) -> f64 {
    1.0 / (position + 2.0).log2()
}

#[test]
fn new_items_are_ranked_among_all_that_a_known_user_has_not_had() {
    let data = pantry();
    let split = ColdSplit::by_item(&data, &item_rule()).unwrap();
    let told = Told::new(&data, old_before_new);
    let mut report = Report::new();
    ColdProtocol::item_cold(&data, &split).unwrap().run(&told, &mut report).unwrap();
    assert_eq!(told.seen(), ["ann: tea milk rice", "eva: tea milk kiwi", "gil: tea milk"]);
    // Ann: kiwi, oats, leek. Eva: rice, oats, leek. Gil: kiwi, rice, oats, leek.
    let both = (gain(1.0) + gain(2.0)) / (gain(0.0) + gain(1.0));
    let expected = [("ann", gain(1.0)), ("eva", both), ("gil", gain(2.0))];
    assert_values(&values(&data, &report, Shots::All, "ndcg@10"), &expected);
    // Among oats and leek alone oats is first.
    let all_first = [("ann", 1.0), ("eva", 1.0), ("gil", 1.0)];
    assert_values(&values(&data, &report, Shots::All, "cold:ndcg@10"), &all_first);
    assert_eq!(report.mean("told", Shots::All, "cold:coverage@10"), Some(1.0));
}

#[test]
fn known_users_can_be_shown_by_less_than_their_history() {
    let data = pantry();
    let split = ColdSplit::by_item(&data, &item_rule()).unwrap();
    let told = Told::new(&data, old_before_new);
    let protocol = ColdProtocol::item_cold(&data, &split).unwrap().with_shots([Shots::First(1), Shots::Last(2)]);
    let mut report = Report::new();
    protocol.run(&told, &mut report).unwrap();
    assert_eq!(told.seen()[..3], ["ann: tea", "eva: tea", "gil: tea"]);
    assert_eq!(told.seen()[3..], ["ann: milk rice", "eva: milk kiwi", "gil: tea milk"]);
    assert_eq!(report.mean("told", 1, "ndcg@10"), report.mean("told", Shots::Last(2), "ndcg@10"), "the same question");
    let error = protocol.with_shots([Shots::First(3)]).run(&told, &mut Report::new()).unwrap_err();
    assert!(matches!(error, EvaluateError::TooManyShots { shots: 3, pool: 2, part: Part::Test }), "{error}");
}

#[test]
fn new_items_are_ranked_for_new_users_too() {
    let data = pantry();
    let split = ColdSplit::by_user_and_item(&data, &item_rule()).unwrap();
    let told = Told::new(&data, old_before_new);
    let mut report = Report::new();
    ColdProtocol::both_cold(&data, &split).unwrap().run(&told, &mut report).unwrap();
    assert_eq!(told.seen(), ["eva: ", "eva: tea"]);
    // Rice, oats, leek: no training user has kiwi, and jam, which she had, is passed over.
    let both = (gain(1.0) + gain(2.0)) / (gain(0.0) + gain(1.0));
    assert_values(&values(&data, &report, Shots::First(1), "ndcg@10"), &[("eva", both)]);
    assert_values(&values(&data, &report, Shots::First(0), "cold:auc"), &[("eva", 0.5)]);
}

/// `a` has the highest score, `z` the lowest.
fn by_alphabet(item: &str) -> f32 {
    -f32::from(item.as_bytes()[0])
}

#[test]
fn the_last_event_is_ranked_among_all_that_was_not_there_before() {
    let histories = [("u0", "abcd"), ("u1", "befgh"), ("u2", "ac")];
    let letters = "abcdefgh";
    let events = histories.iter().flat_map(|(user, items)| {
        (0..).zip(items.chars()).map(|(time, item)| {
            let at = letters.find(item).unwrap();
            (*user, &letters[at..=at], time)
        })
    });
    let data = purchases(events);
    let split = ColdSplit::leave_last_out(&data).unwrap();
    let told = Told::new(&data, by_alphabet);
    let mut report = Report::new();
    let protocol = ColdProtocol::leave_last_out(&data, &split).unwrap();
    protocol.run(&told, &mut report).unwrap();
    assert_eq!(told.seen(), ["u0: a b c", "u1: b e f g"], "with the event of validation");
    // d e f g h, of which d; a c d h, of which h.
    assert_values(&values(&data, &report, Shots::All, "ndcg@10"), &[("u0", 1.0), ("u1", gain(3.0))]);
    assert!(report.find("told", Shots::All, "cold:ndcg@10").is_none(), "the last item may be an old one");
    protocol.with_shots([Shots::Last(2)]).on(Part::Valid).run(&told, &mut Report::new()).unwrap();
    assert_eq!(told.seen()[2..], ["u0: a b", "u1: e f"]);
}

#[test]
fn what_comes_after_a_time_is_ranked_for_known_and_for_new_users() {
    let data = purchases([
        ("u0", "a", 1),
        ("u0", "b", 2),
        ("u0", "c", 4),
        ("u0", "d", 6),
        ("u1", "e", 6),
        ("u1", "a", 7),
        ("u2", "b", 1),
        ("u2", "f", 2),
    ]);
    let split = ColdSplit::by_time(&data, &TimeRule::new(3, 5)).unwrap();
    let told = Told::new(&data, by_alphabet);
    let mut report = Report::new();
    ColdProtocol::by_time(&data, &split).unwrap().run(&told, &mut report).unwrap();
    assert_eq!(told.seen(), ["u0: a b c", "u1: "]);
    // d e f, of which d; a b c d e f, of which a and e.
    let two = (gain(0.0) + gain(4.0)) / (gain(0.0) + gain(1.0));
    assert_values(&values(&data, &report, Shots::All, "ndcg@10"), &[("u0", 1.0), ("u1", two)]);
}

/// Ann is for training, Eva for the test.
fn baskets() -> Dataset {
    purchases([
        ("ann", "milk", 1),
        ("ann", "tea", 2),
        ("ann", "jam", 3),
        ("ann", "bread", 4),
        ("ann", "oats", 12),
        ("eva", "milk", 1),
        ("eva", "tea", 2),
        ("eva", "milk", 3),
        ("eva", "jam", 4),
        ("eva", "kiwi", 5),
        ("eva", "milk", 11),
        ("eva", "bread", 12),
        ("eva", "tea", 13),
        ("eva", "tea", 14),
    ])
}

#[test]
fn what_is_bought_again_is_ranked_among_what_was_bought() {
    let data = baskets();
    let split = UserSplit::by_repeats(&data, &RepeatRule::default().with_from(10).with_min_events(3)).unwrap();
    let told = Told::new(&data, |item| if item == "tea" { 1.0 } else { 0.0 });
    let mut report = Report::new().of_protocol("repeat");
    let protocol = RepeatPurchase::new(&data, &split).unwrap();
    protocol.run(&told, &mut report).unwrap();
    protocol.run(&PersonalFrequency::new(&data), &mut report).unwrap();
    assert_eq!(told.seen(), ["eva: milk tea milk jam"], "no training user has kiwi");
    // Milk and tea are relevant, of milk, tea and jam. By frequency: milk, jam, which is later, tea.
    let expected = (gain(0.0) + gain(2.0)) / (gain(0.0) + gain(1.0));
    let found = report.mean("personal_frequency", Shots::All, "ndcg@10").unwrap();
    assert!((found - expected).abs() < 1e-12, "{found}");
    assert_eq!(report.mean("told", Shots::All, "mrr@100"), Some(1.0));
    assert_eq!(report.mean("told", Shots::All, "rmse"), None);
}

#[test]
fn new_to_the_household_is_the_user_cold_protocol_with_each_item_once() {
    let data = baskets();
    let split = UserSplit::by_digest(&data, &SplitRule::default().with_support(3).with_min_events(4)).unwrap();
    let told = Told::new(&data, |_| 0.0);
    let mut report = Report::new();
    UserCold::new(&data, &split).unwrap().with_shots([3]).run(&told, &mut report).unwrap();
    assert_eq!(told.seen(), ["eva: milk tea jam"]);
    // Oats and bread are ranked; bread is relevant, tea and milk are not new.
    assert_eq!(report.mean("told", 3, "recall@20"), Some(1.0));
    assert_eq!(report.find("told", 3, "ndcg@10").unwrap().users(), 1);
}

#[test]
fn a_pool_of_fifty_asks_the_same_at_each_number_of_shots() {
    let items: Vec<String> = (0..90).map(|item| format!("i{item}")).collect();
    let users: Vec<String> = (0..30).map(|user| user.to_string()).collect();
    // User 0 is for the test, and so is user 4, with 79 events: one too few.
    let count = |user: usize| if user == 4 { 79 } else { 90 };
    let events = users.iter().enumerate().flat_map(|(user, id)| {
        (0..).zip(&items[..count(user)]).map(move |(time, item)| (id.as_str(), item.as_str(), time))
    });
    let data = purchases(events);
    let split = UserSplit::by_digest(&data, &SplitRule::default().with_support(50).with_min_events(80)).unwrap();
    let shots = [0, 1, 5, 10, 20, 50];
    let told = Told::new(&data, |_| 0.0);
    let mut report = Report::new();
    UserCold::new(&data, &split).unwrap().with_shots(shots).run(&told, &mut report).unwrap();
    let tested = split.test.len();
    let seen = told.seen();
    assert!(tested > 0 && seen.len() == tested * shots.len() && !seen.iter().any(|seen| seen.starts_with("4:")));
    for (nth, k) in shots.into_iter().enumerate() {
        assert!(seen[nth * tested..][..tested].iter().all(|seen| seen.split_whitespace().count() == k + 1));
        for metric in ["ndcg@10", "auc"] {
            assert_eq!(
                report.find("told", k, metric).unwrap().values(),
                report.find("told", 0, metric).unwrap().values()
            );
        }
    }
}

#[test]
fn every_protocol_runs_by_its_name() {
    let data = metarec::data::synthetic::MarketConfig::default().with_users(150).generate().unwrap().into_dataset();
    for kind in ProtocolKind::ALL {
        let split = kind.split(&data, &ProtocolRules::default()).unwrap();
        let protocol = split.protocol(&data, &ProtocolOptions::default()).unwrap();
        assert_eq!(protocol.name(), kind.name());
        let (told, mut report) = (Told::new(&data, |item| item.len() as f32), Report::new());
        let outcome = protocol.run(&told, &mut report);
        if kind == ProtocolKind::Repeat {
            // In this market nobody does anything twice.
            assert!(outcome.is_ok() && report.find("told", Shots::All, "ndcg@10").unwrap().users() == 0);
            continue;
        }
        outcome.unwrap();
        let last = *protocol.shots().last().unwrap();
        assert!(report.mean("told", last, "ndcg@10").is_some(), "{kind}");
    }
}

#[test]
fn parts_and_shots_are_options_of_every_protocol() {
    let data = pantry();
    let mut rules = ProtocolRules::default();
    rules.items = item_rule();
    rules.users = Some(SplitRule::default().with_support(1).with_min_events(2));
    let both = ProtocolKind::BothCold.split(&data, &rules).unwrap();
    let told = Told::new(&data, |_| 0.0);
    let options = ProtocolOptions::default().on(Part::Valid).with_shots([Shots::First(2)]);
    both.protocol(&data, &options).unwrap().run(&told, &mut Report::new()).unwrap();
    assert_eq!(told.seen(), ["gil: tea milk"]);
    let users = ProtocolKind::UserCold.split(&data, &rules).unwrap();
    assert_eq!(users.protocol(&data, &options.clone().with_shots([0.into()])).unwrap().shots(), [Shots::First(0)]);
    let error = users.protocol(&data, &options.with_shots([Shots::All])).err().unwrap();
    assert!(matches!(error, EvaluateError::OnlyFirstEvents(Shots::All)), "{error}");
}
