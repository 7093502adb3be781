//! Interviews.

use std::sync::Mutex;

use super::*;
use crate::data::{Action, DatasetBuilder, Event, TaskHistory};
use crate::evaluate::policy::FixedOrder;

/// Predicts of every item the number of answers that it sees, and remembers them.
struct Counts(Mutex<Vec<Vec<IndexedEvent>>>);

impl Method for Counts {
    fn name(&self) -> &str {
        "counts"
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let mut seen = self.0.lock().map_err(|error| EvaluateError::method("counts", error.to_string()))?;
        seen.extend(supports.iter().map(|support| support.events.to_vec()));
        Ok(Some(supports.iter().map(|support| vec![support.events.len() as f32; 30]).collect()))
    }
}

fn market() -> (Dataset, UserSplit) {
    let mut events = DatasetBuilder::new();
    for user in 0..3u32 {
        for item in 0..30u32 {
            if user == 0 || item % 3 == user % 3 {
                let event = Event::rating(item.to_string(), 1.0 + (item % 5) as f32).at(i64::from(100 + item));
                events.push(&user.to_string(), &event).unwrap();
            }
        }
    }
    let data = events.build();
    let held_out = |user| {
        let (pool, query) = data.history(UserIndex(user)).split_at(3);
        HeldOutUser { user: UserIndex(user), pool: pool.to_vec(), query: query.to_vec() }
    };
    let train = vec![TaskHistory { user: UserIndex(0), events: data.history(UserIndex(0)).to_vec() }];
    let split = UserSplit { train, valid: Vec::new(), test: vec![held_out(1), held_out(2)] };
    (data, split)
}

#[test]
fn answers_come_from_the_book_in_the_order_of_the_questions_and_the_query_is_never_among_them() {
    let (data, split) = market();
    let order: Vec<ItemIndex> = (0..30).rev().map(ItemIndex).collect();
    let protocol = Elicitation::new(&data, &split).unwrap().with_counts([4, 30], [2, 5]);
    let method = Counts(Mutex::new(Vec::new()));
    let mut report = Report::new();
    protocol.run(&FixedOrder::new("backwards", order), &method, &mut report).unwrap();
    let seen = method.0.into_inner().unwrap();
    for (at, user) in split.test.iter().enumerate() {
        let newcomer = Newcomer::new(user, 1);
        assert_eq!((newcomer.book.len(), newcomer.query.len()), (6, 4));
        assert!(newcomer.query.iter().all(|event| newcomer.answer(event.item).is_none()));
        let (after_4, after_30) = (&seen[at], &seen[2 + at]);
        assert_eq!(after_30.len(), 6, "every item of the book was asked about");
        assert!(after_30.is_sorted_by(|a, b| a.item > b.item) && after_30.starts_with(after_4));
        assert!(after_4.iter().all(|event| event.item.0 >= 26), "the first four questions");
        assert!(after_30.iter().all(|event| event.timestamp == newcomer.book[0].timestamp));
    }
    assert_eq!(report.mean("backwards", 30, "answers/questions"), Some(6.0));
    assert_eq!(report.mean("backwards", 2, "ndcg@10/answers"), None, "the method does not rank");
    let asked = |k: usize| report.mean("backwards", k, "questions/answers").unwrap();
    assert!(asked(2) < asked(5) && asked(5) <= 30.0);
    assert!(report.mean("backwards", 2, "rmse/answers").is_some());
}

#[test]
fn what_a_user_repeats_is_answered_with_the_first_event_and_never_predicted() {
    let event = |item: u32, value: f32, time: i64| IndexedEvent {
        item: ItemIndex(item),
        action: Action::Rating,
        value: Some(value),
        timestamp: Some(time),
    };
    // Every item comes four times, the pool's as well: however halves are drawn, some are in both.
    let pool = vec![event(0, 1.0, 5), event(0, 2.0, 6)];
    let query: Vec<IndexedEvent> = (0..24).map(|at| event(at % 6, 1.0 + (at / 6) as f32, 7 + i64::from(at))).collect();
    let user = HeldOutUser { user: UserIndex(3), pool, query };
    let mut predicted = 0;
    for seed in 0..20 {
        let Newcomer { book, query, .. } = Newcomer::new(&user, seed);
        assert!(book.is_sorted_by(|a, b| a.item < b.item));
        assert_eq!(book[0], event(0, 1.0, 5), "the first of the two in the pool");
        assert!(query.iter().all(|event| book.iter().all(|known| known.item != event.item)));
        predicted += query.len();
    }
    assert!(predicted > 0, "an item all of whose events were drawn for the query stays");
}

#[test]
fn who_does_not_know_so_much_is_measured_with_what_there_is() {
    let (data, split) = market();
    let order: Vec<ItemIndex> = (0..30).map(ItemIndex).collect();
    let protocol = Elicitation::new(&data, &split).unwrap().with_counts([3], [9]).with_most(12);
    let mut report = Report::new();
    protocol.run(&FixedOrder::new("forwards", order), &Counts(Mutex::new(Vec::new())), &mut report).unwrap();
    assert_eq!(report.mean("forwards", 9, "questions/answers"), Some(12.0));
    assert_eq!(report.find("forwards", 9, "rmse/answers").unwrap().users(), 2);
}

/// Asks everybody about these, whatever is open.
struct Stubborn(Vec<u32>);

impl QuestionPolicy for Stubborn {
    fn name(&self) -> &str {
        "stubborn"
    }

    fn next(&self, interviews: &[Interview<'_>], _: usize) -> Result<Vec<Vec<ItemIndex>>, EvaluateError> {
        Ok(vec![self.0.iter().copied().map(ItemIndex).collect(); interviews.len()])
    }
}

#[test]
fn items_that_are_foreign_or_were_asked_about_before_are_errors() {
    let (data, split) = market();
    let protocol = Elicitation::new(&data, &split).unwrap();
    // Nobody knows item 0: it is closed when the policy is asked again.
    for (asked, wrong) in [(vec![30], 30), (vec![u32::MAX], u32::MAX), (vec![0, 0], 0), (vec![0], 0)] {
        let mut report = Report::new();
        let method = Counts(Mutex::new(Vec::new()));
        let error = protocol.run(&Stubborn(asked), &method, &mut report).unwrap_err();
        assert!(matches!(error, EvaluateError::NotOpen { item, items: 30, .. } if item == wrong), "{error}");
        assert_eq!(report, Report::new());
    }
}

#[test]
fn a_policy_that_has_nothing_left_to_ask_ends_the_interview() {
    let (data, split) = market();
    let protocol = Elicitation::new(&data, &split).unwrap().with_counts([5], [5]);
    let mut report = Report::new();
    let policy = FixedOrder::new("one", vec![ItemIndex(4)]);
    protocol.run(&policy, &Counts(Mutex::new(Vec::new())), &mut report).unwrap();
    assert_eq!(report.mean("one", 5, "questions/answers"), Some(1.0));
}
