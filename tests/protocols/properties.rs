//! What holds of every protocol, whatever the data.

use std::collections::BTreeSet;

use metarec::data::{Dataset, Event, HeldOutUser, ItemIndex, RepeatRule, TimeRule, UserIndex, UserSplit, from_events};
use metarec::data::{ItemRule, SplitRule};
use metarec::evaluate::{
    EvaluateError, Part, Predicted, PredictionSink, ProtocolKind, ProtocolOptions, ProtocolRules, ProtocolSplit,
    Report, Shots, TimeShares,
};
use proptest::prelude::*;

use super::Told;

const CUT: i64 = 40;

fn dataset() -> impl Strategy<Value = Dataset> {
    let event = (0u16..40, 0u16..30, 0i64..60, 1u8..6);
    proptest::collection::vec(event, 1..400).prop_map(|raw| {
        let event = |(user, item, time, value): (u16, u16, i64, u8)| {
            (format!("u{user}"), Event::rating(format!("i{item}"), f32::from(value)).at(time))
        };
        from_events(raw.into_iter().map(event)).unwrap()
    })
}

fn rules() -> ProtocolRules {
    let mut rules = ProtocolRules::default();
    rules.users = Some(SplitRule::default().with_support(2).with_min_events(4));
    rules.items = ItemRule::default().with_percent(20, 20).with_support(2);
    rules.time = TimeShares::Times(TimeRule::new(30, CUT));
    rules.repeats = RepeatRule::default().with_from(CUT).with_min_events(2);
    rules
}

fn parts(split: &ProtocolSplit) -> [(Part, &[HeldOutUser]); 2] {
    [(Part::Valid, &split.users().valid), (Part::Test, &split.users().test)]
}

/// Whose ranking had which items, in full.
#[derive(Default)]
struct Ranked(Vec<(UserIndex, Vec<ItemIndex>)>);

impl PredictionSink for Ranked {
    fn depth(&self) -> usize {
        usize::MAX
    }

    fn ranked(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
        self.0.push((predicted.user, predicted.items.iter().map(|(item, _)| *item).collect()));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_method_never_sees_what_it_is_asked_for(data in dataset()) {
        for kind in ProtocolKind::ALL {
            let Ok(split) = kind.split(&data, &rules()) else { continue };
            for (part, users) in parts(&split) {
                let told = Told::new(&data, |_| 0.0);
                let protocol = split.protocol(&data, &ProtocolOptions::default().on(part)).unwrap();
                if protocol.run(&told, &mut Report::new()).is_err() {
                    prop_assert!(users.is_empty(), "{}", kind);
                    continue;
                }
                for (user, shown) in told.seen.lock().unwrap().iter() {
                    let index = data.users().find(user).unwrap();
                    let held_out = users.iter().find(|held_out| held_out.user == index).unwrap();
                    let asked = |item| held_out.query.iter().any(|event| event.item == item);
                    if kind == ProtocolKind::Repeat {
                        prop_assert!(shown.iter().all(|event| event.timestamp < Some(CUT)));
                    } else {
                        prop_assert!(!shown.iter().any(|event| asked(event.item)), "{}", kind);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_that_was_shown_is_ranked_and_what_is_relevant_can_be_found(data in dataset()) {
        for kind in ProtocolKind::ALL.into_iter().filter(|kind| *kind != ProtocolKind::Repeat) {
            let Ok(split) = kind.split(&data, &rules()) else { continue };
            let (told, mut ranked, mut report) = (Told::new(&data, |_| 0.0), Ranked::default(), Report::new());
            let protocol = split.protocol(&data, &ProtocolOptions::default()).unwrap();
            if protocol.run_with(&told, &mut report, &mut ranked).is_err() {
                continue;
            }
            for ((user, shown), (index, items)) in told.seen.lock().unwrap().iter().zip(&ranked.0) {
                prop_assert_eq!(data.users().find(user), Some(*index));
                prop_assert!(!shown.iter().any(|event| items.contains(&event.item)), "{}", kind);
                let query = &split.users().test.iter().find(|held_out| held_out.user == *index).unwrap().query;
                let relevant: BTreeSet<_> = query.iter().filter(|event| data.like_rule().is_like(event)).map(|event| event.item).collect();
                prop_assert!(relevant.iter().all(|item| items.contains(item)), "{}", kind);
            }
        }
    }

    #[test]
    fn a_method_of_equal_scores_has_the_same_values_however_much_it_sees(data in dataset()) {
        let Ok(split) = ProtocolKind::LeaveLastOut.split(&data, &rules()) else { return Ok(()) };
        let shots = [Shots::All, Shots::Last(3), Shots::First(0)];
        let protocol = split.protocol(&data, &ProtocolOptions::default().with_shots(shots)).unwrap();
        let mut report = Report::new();
        if protocol.run(&Told::new(&data, |_| 0.0), &mut report).is_ok() {
            let of = |k: Shots| report.find("told", k, "auc").unwrap().values().to_vec();
            prop_assert_eq!(of(shots[0]), of(shots[1]));
            prop_assert_eq!(of(shots[0]), of(shots[2]));
        }
    }

    #[test]
    fn repeats_are_cut_at_one_time_and_nobody_is_in_two_parts(data in dataset()) {
        let Ok(split) = UserSplit::by_repeats(&data, &rules().repeats) else { return Ok(()) };
        let known = split.candidates();
        let mut users: Vec<UserIndex> = split.train.iter().map(|task| task.user).collect();
        for task in &split.train {
            prop_assert!(task.events.iter().all(|event| event.timestamp < Some(CUT)));
            let all = data.history(task.user).iter().filter(|event| event.timestamp < Some(CUT)).count();
            prop_assert_eq!(task.events.len(), all, "repeats stay");
        }
        for held_out in split.valid.iter().chain(&split.test) {
            users.push(held_out.user);
            prop_assert!(held_out.pool.len() >= 2 && !held_out.query.is_empty());
            prop_assert!(held_out.pool.iter().all(|event| event.timestamp < Some(CUT)));
            prop_assert!(held_out.query.iter().all(|event| event.timestamp >= Some(CUT)));
            prop_assert!(held_out.pool.iter().chain(&held_out.query).all(|event| known.contains(&event.item)));
        }
        let count = users.len();
        prop_assert_eq!(users.into_iter().collect::<BTreeSet<_>>().len(), count);
    }
}

#[test]
fn repeats_need_training_users_before_the_cut() {
    let data = from_events([("ann", Event::click("a").at(5))]).unwrap();
    let rule = RepeatRule::default();
    assert!(UserSplit::by_repeats(&data, &rule.clone().with_from(5)).is_err());
    assert!(UserSplit::by_repeats(&data, &rule.clone().with_from(6)).is_ok());
    assert!(UserSplit::by_repeats(&data, &rule.with_share(1.0)).is_err());
    let share = |share| UserSplit::by_repeats(&data, &RepeatRule::default().with_share(share));
    assert!(share(0.0).is_ok(), "nothing lies behind the cut");
}
