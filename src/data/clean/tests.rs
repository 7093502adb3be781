use proptest::prelude::*;

use super::*;
use crate::data::catalogue::ItemVectors;
use crate::data::{Action, Event, UserIndex, from_events};

/// `(user, item, action, time)`.
type Raw = (u8, u8, Action, Option<i64>);

fn dataset(raw: &[Raw]) -> Dataset {
    let events = raw.iter().map(|&(user, item, action, timestamp)| {
        (format!("u{user}"), Event { timestamp, ..Event::new(format!("i{item}"), action) })
    });
    from_events(events).unwrap()
}

fn raw() -> impl Strategy<Value = Vec<Raw>> {
    let action = proptest::sample::select(&[Action::Click, Action::Purchase, Action::Browse][..]);
    proptest::collection::vec((0u8..6, 0u8..6, action, proptest::option::of(0i64..40)), 0..80)
}

fn rules() -> impl Strategy<Value = CleaningRules> {
    let keep = proptest::sample::select(&[Keep::All, Keep::First, Keep::Last, Keep::Strongest][..]);
    let same = proptest::sample::select(&[SameAs::Item, SameAs::ItemAndAction][..]);
    let go = proptest::sample::select(&[Emptied::Stay, Emptied::Go][..]);
    let time = (proptest::option::of(0i64..10), proptest::option::of(10i64..40));
    let most = proptest::option::of(5u32..15);
    let bots = proptest::option::of((2u32..6, 1u32..10));
    (keep, same, time, most, 0u32..5, 0u32..5, bots, (go.clone(), go)).prop_map(
        |(keep, of, (from, until), most, user, item, bots, (items, users))| {
            let mut rules = CleaningRules::default()
                .with_duplicates(Duplicates::keep(keep).of(of))
                .with_time(TimeRange { from, until })
                .with_min_user_events(user)
                .with_min_item_events(item)
                .with_emptied(items, users);
            rules.max_user_events = most;
            rules.bots.burst = bots.map(|(events, seconds)| Burst { events, seconds });
            rules
        },
    )
}

/// All events by their ids, sorted.
fn ids(data: &Dataset) -> Vec<(String, String, Action, Option<i64>)> {
    let mut all = Vec::new();
    for user in (0..).map(UserIndex).take(data.users().len()) {
        for event in data.history(user) {
            let item = data.catalogue().id(event.item).to_owned();
            all.push((data.users().id(user).to_owned(), item, event.action, event.timestamp));
        }
    }
    all.sort();
    all
}

fn amounts(data: &Dataset) -> Amounts {
    let count = |some: &[bool]| some.iter().filter(|some| **some).count() as u64;
    let (users, items) = data.with_events();
    Amounts { events: data.events().len() as u64, users: count(&users), items: count(&items) }
}

proptest! {
    #[test]
    fn what_there_was_is_what_is_left_and_what_was_dropped(raw in raw(), rules in rules()) {
        let data = dataset(&raw);
        let before = data.clone();
        let (after, report) = data.clean(&rules).unwrap();
        prop_assert_eq!(report.before, amounts(&before));
        prop_assert_eq!(report.after, amounts(&after));
        let total = |of: fn(&Amounts) -> u64| {
            (of(&report.before), of(&report.after) + report.dropped.iter().map(|dropped| of(&dropped.amounts)).sum::<u64>())
        };
        for (before, accounted) in [total(|a| a.events), total(|a| a.users), total(|a| a.items)] {
            prop_assert_eq!(before, accounted);
        }
        let (kept, all) = (ids(&after), ids(&before));
        prop_assert!(kept.iter().all(|event| all.contains(event)));
        let text = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<CleaningReport>(&text).unwrap(), report);
    }

    #[test]
    fn nothing_is_left_below_the_bounds_and_cleaning_again_drops_nothing(raw in raw(), mut rules in rules()) {
        rules.max_user_events = None;
        let (once, _) = dataset(&raw).clean(&rules).unwrap();
        for user in (0..).map(UserIndex).take(once.users().len()) {
            let events = once.history(user).len();
            prop_assert!(events == 0 || events >= rules.min_user_events as usize);
        }
        let mut items = vec![0; once.catalogue().len()];
        once.events().iter().for_each(|event| items[event.item.position()] += 1);
        prop_assert!(items.iter().all(|&events| events == 0 || events >= rules.min_item_events));
        let (twice, report) = once.clone().clean(&rules).unwrap();
        prop_assert_eq!(report.dropped, []);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn the_core_is_the_greatest_set_that_keeps_both_bounds(raw in raw(), user in 0u32..4, item in 0u32..4) {
        let rules = CleaningRules::default().with_min_user_events(user).with_min_item_events(item);
        let (core, _) = dataset(&raw).clean(&rules).unwrap();
        // Taking one event away at a time, in another order, must end at the same set.
        let mut left = ids(&dataset(&raw));
        let few = |left: &[(String, String, Action, Option<i64>)]| left.iter().rposition(|event| {
            let users = left.iter().filter(|other| other.0 == event.0).count();
            let items = left.iter().filter(|other| other.1 == event.1).count();
            users < user as usize || items < item as usize
        });
        while let Some(place) = few(&left) {
            left.remove(place);
        }
        prop_assert_eq!(ids(&core), left);
    }

    #[test]
    fn each_item_that_is_left_has_one_event_that_does_not_repeat(raw in raw(), rules in rules()) {
        let (data, _) = dataset(&raw).clean(&rules).unwrap();
        for user in (0..).map(UserIndex).take(data.users().len()) {
            let arrived = data.history(user).iter().zip(data.repeats(user));
            let mut first: Vec<_> = arrived.filter(|(_, repeats)| !**repeats).map(|(event, _)| event.item).collect();
            let mut all: Vec<_> = data.history(user).iter().map(|event| event.item).collect();
            first.sort_unstable();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(first, all);
        }
    }
}

#[test]
fn without_rules_the_data_stay_what_they_are() {
    let data = dataset(&[(0, 0, Action::Click, None), (0, 0, Action::Click, Some(3)), (1, 1, Action::Purchase, None)]);
    let (same, report) = data.clone().clean(&CleaningRules::default()).unwrap();
    assert_eq!(same, data);
    assert_eq!((report.before, report.rounds), (report.after, 0));
}

#[test]
fn of_duplicates_the_one_that_is_asked_for_is_kept() {
    use Action::{Browse, Click, Purchase};
    let raw = [(0, 0, Click, Some(1)), (0, 0, Purchase, Some(2)), (0, 0, Purchase, Some(3)), (0, 0, Browse, Some(4))];
    let times = |duplicates: Duplicates| {
        let (data, _) = dataset(&raw).clean(&CleaningRules::default().with_duplicates(duplicates)).unwrap();
        data.events().iter().map(|event| event.timestamp.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(times(Duplicates::keep(Keep::All)), [1, 2, 3, 4]);
    assert_eq!(times(Duplicates::keep(Keep::First)), [1]);
    assert_eq!(times(Duplicates::keep(Keep::Last)), [4]);
    assert_eq!(times(Duplicates::keep(Keep::Strongest)), [3]);
    assert_eq!(times(Duplicates::keep(Keep::First).of(SameAs::ItemAndAction)), [1, 2, 4]);
}

#[test]
fn bots_are_told_before_their_other_events_are_filtered() {
    let mut raw: Vec<Raw> = (0..50).map(|time| (0, 0, Action::Browse, Some(time))).collect();
    raw.extend([(0, 1, Action::Purchase, Some(99)), (1, 1, Action::Purchase, Some(99))]);
    let rules = CleaningRules::default().with_actions([Action::Purchase]).with_bots(BotRule::new().with_burst(10, 60));
    let (data, report) = dataset(&raw).clean(&rules).unwrap();
    assert_eq!(data.events().len(), 1);
    assert_eq!((report.dropped[0].reason, report.dropped[0].amounts.events), (CleaningReason::Bot, 51));
}

#[test]
fn events_of_unknown_time_are_out_of_every_range_and_said_to_be() {
    let raw = [(0, 0, Action::Click, None), (0, 1, Action::Click, Some(5)), (0, 2, Action::Click, Some(50))];
    let rules = CleaningRules::default().with_time(TimeRange { from: None, until: Some(50) });
    let (data, report) = dataset(&raw).clean(&rules).unwrap();
    assert_eq!(data.events()[0].timestamp, Some(5));
    let reasons: Vec<_> = report.dropped.iter().map(|dropped| dropped.reason).collect();
    assert_eq!(reasons, [CleaningReason::Time, CleaningReason::UnknownTime]);
}

#[test]
fn items_and_users_without_events_stay_unless_they_are_to_go() {
    let raw = [(0, 0, Action::Click, None), (1, 1, Action::Browse, None), (2, 2, Action::Click, None)];
    let mut data = dataset(&raw);
    data.catalogue_mut().describe("cold", "Never seen", "", ["x"]);
    data.catalogue_mut().set_vectors(Some(ItemVectors { width: 1, values: vec![0.0, 1.0, 2.0, 3.0] }));
    let rules = CleaningRules::default().with_actions([Action::Click]);
    let (stay, report) = data.clone().clean(&rules).unwrap();
    assert_eq!((stay.users().ids(), stay.catalogue()), (data.users().ids(), data.catalogue()));
    assert_eq!(report.after, Amounts { events: 2, users: 2, items: 2 });
    let (gone, again) = data.clean(&rules.with_emptied(Emptied::Go, Emptied::Go)).unwrap();
    assert_eq!(again, report);
    assert_eq!(gone.users().ids(), ["u0", "u2"]);
    assert_eq!(gone.catalogue().ids(), ["i0", "i2", "cold"], "an item that never had an event loses nothing");
    assert_eq!(gone.catalogue().vectors().unwrap().values, [0.0, 2.0, 3.0]);
    assert_eq!(gone.catalogue().title(ItemIndex(2)), "Never seen");
    assert_eq!(gone.catalogue().id(gone.history(UserIndex(1))[0].item), "i2");
}

#[test]
fn a_pinned_split_is_never_left_behind_the_data() {
    let mut data = dataset(&[(0, 0, Action::Click, None)]);
    data.set_pinned_split(Some(Default::default()));
    let rules = CleaningRules::default();
    assert!(matches!(data.clone().clean(&rules), Err(DataError::PinnedSplit)));
    let (data, report) = data.clean(&rules.with_pinned_split(OnPinnedSplit::Drop)).unwrap();
    assert!(data.pinned_split().is_none() && report.pinned_split_dropped);
    assert!(report.to_string().contains("the pinned split was dropped"));
}
