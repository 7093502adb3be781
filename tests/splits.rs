//! Splits by item, by both and by time: nothing leaks, everything is accounted for, and nothing depends on the order of the input.

use std::collections::{BTreeMap, BTreeSet};

use metarec::data::{
    ColdSplit, DataError, Dataset, Event, HeldOutUser, IndexedEvent, ItemRule, SplitRule, TimeRule, UserIndex,
    UserSplit, from_events,
};
use proptest::prelude::*;

/// `(user, item, time)`.
type Raw = (u16, u16, Option<i64>);

fn dataset(raw: &[Raw]) -> Dataset {
    let event = |&(user, item, timestamp): &Raw| {
        let mut event = Event::click(format!("i{item}"));
        event.timestamp = timestamp;
        (format!("u{user}"), event)
    };
    from_events(raw.iter().map(event)).unwrap()
}

fn raw(known_times: bool) -> impl Strategy<Value = Vec<Raw>> {
    let time = (0i64..60).prop_map(Some);
    let time = if known_times { time.boxed() } else { prop_oneof![4 => time, 1 => Just(None)].boxed() };
    proptest::collection::vec((0u16..40, 0u16..30, time), 1..400)
}

/// Each user and item once, so that which of several events is kept does not depend on their order.
fn once(raw: Vec<Raw>) -> Vec<Raw> {
    let mut seen = BTreeSet::new();
    raw.into_iter().filter(|(user, item, _)| seen.insert((*user, *item))).collect()
}

const TIMES: (i64, i64) = (30, 45);

fn item_rule() -> ItemRule {
    ItemRule::default().with_percent(20, 20).with_support(2)
}

type Split = fn(&Dataset) -> Result<ColdSplit, DataError>;

const SPLITS: [(&str, Split); 4] = [
    ("item", |data| ColdSplit::by_item(data, &item_rule())),
    ("both", |data| ColdSplit::by_user_and_item(data, &item_rule())),
    ("time", |data| ColdSplit::by_time(data, &TimeRule::new(TIMES.0, TIMES.1))),
    ("last", ColdSplit::leave_last_out),
];

fn held_out(split: &ColdSplit) -> impl Iterator<Item = &HeldOutUser> {
    split.users.valid.iter().chain(&split.users.test)
}

fn train(split: &ColdSplit) -> impl Iterator<Item = (UserIndex, &IndexedEvent)> {
    split.users.train.iter().flat_map(|task| task.events.iter().map(|event| (task.user, event)))
}

/// What a split says of each user, all by external ids: pools and queries as lists of items.
fn by_ids(data: &Dataset, split: &ColdSplit) -> BTreeMap<(String, &'static str), Vec<String>> {
    let items =
        |events: &[IndexedEvent]| events.iter().map(|event| data.catalogue().id(event.item).to_owned()).collect();
    let id = |user| data.users().id(user).to_owned();
    let mut all = BTreeMap::new();
    split.users.train.iter().for_each(|task| _ = all.insert((id(task.user), "train"), items(&task.events)));
    for (users, pool, query) in
        [(&split.users.valid, "valid pool", "valid query"), (&split.users.test, "test pool", "test query")]
    {
        for user in users {
            all.insert((id(user.user), pool), items(&user.pool));
            all.insert((id(user.user), query), items(&user.query));
        }
    }
    all
}

/// Of a hundred, the digests of the items are: tea 71, milk 46, rice 74 (training); jam 31, plum 39 (validation); oats 15, leek 19 (test). Of ten, those of the users
/// are: ann 4, bob 2 (training); gil 1 (validation); eva 0 (test).
fn pantry() -> Dataset {
    let did: [(&str, &[&str]); 4] = [
        ("ann", &["oats", "tea", "milk", "jam", "tea", "rice"]),
        ("bob", &["milk", "leek", "plum"]),
        ("gil", &["tea", "plum", "oats", "milk"]),
        ("eva", &["tea", "leek", "milk", "jam", "oats", "kiwi"]),
    ];
    let events = did.iter().flat_map(|(user, items)| {
        (0i64..).zip(*items).map(|(at, item)| ((*user).to_owned(), Event::click(*item).at(at)))
    });
    from_events(events).unwrap()
}

/// `(user, part or pool and query) -> items`, as literals.
fn expected(rows: &[(&str, &'static str, &[&str])]) -> BTreeMap<(String, &'static str), Vec<String>> {
    let items = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    rows.iter().map(|(user, part, of)| (((*user).to_owned(), *part), items(of))).collect()
}

#[test]
fn by_item_all_users_train_and_those_with_a_pool_are_asked_for_new_items() {
    let data = pantry();
    let split = ColdSplit::by_item(&data, &item_rule()).unwrap();
    let rows = expected(&[
        ("ann", "train", &["tea", "milk", "rice"]),
        ("ann", "valid pool", &["tea", "milk"]),
        ("ann", "valid query", &["jam"]),
        ("ann", "test pool", &["tea", "milk"]),
        ("ann", "test query", &["oats"]),
        // Bob has one event on a training item, so no pool.
        ("bob", "train", &["milk"]),
        ("gil", "train", &["tea", "milk"]),
        ("gil", "valid pool", &["tea", "milk"]),
        ("gil", "valid query", &["plum"]),
        ("gil", "test pool", &["tea", "milk"]),
        ("gil", "test query", &["oats"]),
        ("eva", "train", &["tea", "milk", "kiwi"]),
        ("eva", "valid pool", &["tea", "milk"]),
        ("eva", "valid query", &["jam"]),
        ("eva", "test pool", &["tea", "milk"]),
        ("eva", "test query", &["leek", "oats"]),
    ]);
    assert_eq!(by_ids(&data, &split), rows);
    // Ann's second tea; Bob's leek and plum.
    assert_eq!((split.left_out.repeated, split.left_out.unknown_time, split.left_out.not_scored), (1, 0, 2));
}

#[test]
fn by_user_and_item_new_users_are_asked_for_new_items() {
    let data = pantry();
    let split = ColdSplit::by_user_and_item(&data, &item_rule()).unwrap();
    let rows = expected(&[
        ("ann", "train", &["tea", "milk", "rice"]),
        ("bob", "train", &["milk"]),
        ("gil", "valid pool", &["tea", "milk"]),
        ("gil", "valid query", &["plum"]),
        ("eva", "test pool", &["tea", "milk"]),
        ("eva", "test query", &["leek", "oats"]),
    ]);
    assert_eq!(by_ids(&data, &split), rows);
    // Ann's oats and jam, Bob's leek and plum, Gil's oats, and of the test user jam, which is for validation, and kiwi, which no training user has.
    assert_eq!((split.left_out.repeated, split.left_out.not_scored), (1, 7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_cold_has_no_training_event(raw in raw(false)) {
        let data = dataset(&raw);
        for (name, split) in SPLITS {
            let Ok(split) = split(&data) else { continue };
            for part in [&split.valid, &split.test] {
                let leak = train(&split).find(|(user, event)| part.items.contains(&event.item) || part.users.contains(user));
                prop_assert_eq!(leak, None, "{}", name);
                prop_assert!(part.items.is_sorted() && part.users.is_sorted());
            }
        }
    }

    #[test]
    fn queries_by_item_are_of_held_out_items_and_pools_of_training_items(raw in raw(false)) {
        let data = dataset(&raw);
        for split in [ColdSplit::by_item(&data, &item_rule()), ColdSplit::by_user_and_item(&data, &item_rule())] {
            let Ok(split) = split else { continue };
            let known = split.users.candidates();
            for (users, cold) in [(&split.users.valid, &split.valid), (&split.users.test, &split.test)] {
                for user in users {
                    prop_assert!(user.query.iter().all(|event| cold.items.contains(&event.item)));
                    prop_assert!(user.pool.iter().all(|event| known.contains(&event.item)));
                    prop_assert!(user.pool.len() == 2 && !user.query.is_empty());
                }
            }
            prop_assert!(split.valid.items.iter().all(|item| !split.test.items.contains(item)));
        }
    }

    #[test]
    fn new_users_are_those_of_the_user_cold_protocol(raw in raw(false)) {
        let data = dataset(&raw);
        let everyone = SplitRule::default().with_support(0).with_min_events(1);
        let (Ok(split), Ok(users)) = (ColdSplit::by_user_and_item(&data, &item_rule()), UserSplit::by_digest(&data, &everyone)) else {
            return Ok(());
        };
        let trained: BTreeSet<UserIndex> = users.train.iter().map(|task| task.user).collect();
        prop_assert!(split.users.train.iter().all(|task| trained.contains(&task.user)));
        prop_assert!(held_out(&split).all(|user| !trained.contains(&user.user)));
        prop_assert_eq!(split.test.users.len(), split.users.test.len());
    }

    #[test]
    fn no_training_event_is_at_or_behind_the_boundary_and_no_pool_behind_its_query(raw in raw(false)) {
        let data = dataset(&raw);
        let Ok(split) = ColdSplit::by_time(&data, &TimeRule::new(TIMES.0, TIMES.1)) else { return Ok(()) };
        let (valid, test) = (Some(TIMES.0), Some(TIMES.1));
        prop_assert!(train(&split).all(|(_, event)| event.timestamp.is_some() && event.timestamp < valid));
        for (users, from, until) in [(&split.users.valid, valid, test), (&split.users.test, test, Some(i64::MAX))] {
            for user in users {
                prop_assert!(user.pool.iter().all(|event| event.timestamp.is_some() && event.timestamp < from));
                prop_assert!(user.query.iter().all(|event| event.timestamp >= from && event.timestamp < until));
                prop_assert!(!user.query.is_empty());
            }
        }
        let was_there: BTreeSet<UserIndex> = split.users.train.iter().map(|task| task.user).collect();
        let cold: Vec<UserIndex> = split.users.test.iter().map(|user| user.user).filter(|user| !was_there.contains(user)).collect();
        prop_assert_eq!(split.test.users.iter().collect::<BTreeSet<_>>(), cold.iter().collect());
    }

    #[test]
    fn every_event_is_in_a_part_or_counted_as_left_out(raw in raw(false)) {
        let data = dataset(&raw);
        for (name, split) in SPLITS {
            let Ok(split) = split(&data) else { continue };
            let mut used: BTreeSet<_> = train(&split).map(|(user, event)| (user, event.item, event.timestamp)).collect();
            for user in held_out(&split) {
                used.extend(user.pool.iter().chain(&user.query).map(|event| (user.user, event.item, event.timestamp)));
            }
            let left_out = split.left_out;
            let all = used.len() as u64 + left_out.repeated + left_out.unknown_time + left_out.not_scored;
            prop_assert_eq!(all, data.events().len() as u64, "{} {:?}", name, left_out);
        }
    }

    #[test]
    fn another_order_of_the_input_changes_nothing(raw in raw(true).prop_map(once), seed: u64) {
        let mut shuffled = raw.clone();
        shuffled.sort_by_key(|(user, item, _)| (u64::from(*user) * 7919 + u64::from(*item) + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (data, other) = (dataset(&raw), dataset(&shuffled));
        for (name, split) in SPLITS {
            match (split(&data), split(&other)) {
                (Ok(one), Ok(two)) => prop_assert_eq!(by_ids(&data, &one), by_ids(&other, &two), "{}", name),
                (one, two) => prop_assert!(one.is_err() && two.is_err()),
            }
        }
    }

    #[test]
    fn more_users_change_nothing_for_those_who_are_there(raw in raw(true)) {
        let more: Vec<Raw> = raw.iter().map(|(user, item, time)| (user + 1000, item + 1000, *time)).chain(raw.clone()).collect();
        let (data, other) = (dataset(&raw), dataset(&more));
        for (name, split) in SPLITS {
            let (Ok(one), Ok(two)) = (split(&data), split(&other)) else { continue };
            let mut theirs = by_ids(&other, &two);
            theirs.retain(|(user, _), _| data.users().find(user).is_some());
            prop_assert_eq!(by_ids(&data, &one), theirs, "{}", name);
        }
    }
}

#[test]
fn each_last_event_is_for_the_test_and_the_one_before_for_validation() {
    let raw: Vec<Raw> =
        (0..5).map(|time| (0, time as u16, Some(time))).chain([(1, 0, Some(1)), (1, 1, Some(2))]).collect();
    let data = dataset(&raw);
    let split = ColdSplit::leave_last_out(&data).unwrap();
    let all = by_ids(&data, &split);
    let of = |user: &str, part| all.get(&(user.to_owned(), part)).map(|items| items.join(" "));
    assert_eq!(of("u0", "train").as_deref(), Some("i0 i1 i2"));
    assert_eq!((of("u0", "valid pool").as_deref(), of("u0", "valid query").as_deref()), (Some("i0 i1 i2"), Some("i3")));
    assert_eq!(
        (of("u0", "test pool").as_deref(), of("u0", "test query").as_deref()),
        (Some("i0 i1 i2 i3"), Some("i4"))
    );
    assert_eq!((of("u1", "train").as_deref(), of("u1", "test query")), (Some("i0 i1"), None));
    assert_eq!(split.test.items.len(), 2, "the last two of u0 are new to training");
}

#[test]
fn an_event_of_unknown_time_takes_no_other_with_it() {
    let data = dataset(&[(0, 0, None), (0, 0, Some(50)), (0, 1, Some(1))]);
    let split = ColdSplit::by_time(&data, &TimeRule::new(TIMES.0, TIMES.1)).unwrap();
    assert_eq!((split.left_out.unknown_time, split.left_out.repeated), (1, 0));
    assert_eq!(split.users.test[0].query[0].timestamp, Some(50));
}

#[test]
fn rules_that_cannot_be_followed_are_errors() {
    let data = dataset(&[(0, 0, None), (0, 1, Some(1))]);
    assert!(matches!(
        ColdSplit::by_time(&data, &TimeRule::new(5, 4)),
        Err(DataError::Setting { field: "test_from", .. })
    ));
    assert!(matches!(ColdSplit::by_time(&data, &TimeRule::new(0, 4)), Err(DataError::NoTrainingUsers { users: 1 })));
    assert!(matches!(TimeRule::of_shares(&data, 0.5, 0.5), Err(DataError::Setting { .. })));
    assert!(matches!(TimeRule::of_shares(&dataset(&[(0, 0, None)]), 0.1, 0.1), Err(DataError::NoTimes)));
    assert!(matches!(ColdSplit::leave_last_out(&dataset(&[])), Err(DataError::NoTrainingUsers { users: 0 })));
    let text = serde_json::to_string(&ColdSplit::leave_last_out(&data).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<ColdSplit>(&text).unwrap(), ColdSplit::leave_last_out(&data).unwrap());
}

#[test]
fn shares_put_the_boundaries_where_the_events_are() {
    let data = dataset(&(0..100).map(|time| (0, time as u16, Some(time / 10))).collect::<Vec<_>>());
    assert_eq!(TimeRule::of_shares(&data, 0.1, 0.15).unwrap(), TimeRule::new(7, 8));
    assert_eq!(TimeRule::of_shares(&data, 0.0, 0.0).unwrap(), TimeRule::new(10, 10));
}
