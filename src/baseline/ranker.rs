//! A method as a recommender of its own.

use crate::baseline::error::BaselineError;
use crate::data::{Catalogue, Event, IndexedEvent, ItemIndex, UserIndex, tie_order};
use crate::evaluate::metric::top_items;
use crate::evaluate::{EvaluateError, Method, Support};

/// Whom a host serves is in no data set: no user has this index.
const NOBODY: UserIndex = UserIndex(u32::MAX);

/// Any [`Method`] as a recommender: takes a new user's events by the external ids of items, and gives the best items.
///
/// A method that looks up what else is known of a user finds nobody: the index it is given is in no data set. Events count
/// in time order, wherever they stand in the slice; one without a time comes after those that stand before it.
///
/// Memory besides the method's: a copy of the catalogue's ids. Costs besides the method's: a pass over the items.
///
/// ```
/// use metarec::baseline::{Ease, EaseConfig, Ranker, everyone};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().generate()?.into_dataset();
/// let ease = Ease::fit(&data, &everyone(&data), &EaseConfig::default().with_ridge(50.0))?;
/// let ranker = Ranker::new(ease, data.catalogue());
/// for (item, score) in ranker.top_k(&[Event::rating("i3", 5.0), Event::click("i8")], 10)? {
///     println!("{item} {score:.3}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Ranker<M> {
    method: M,
    catalogue: Catalogue,
    places: Vec<u32>,
}

impl<M: Method> Ranker<M> {
    /// The method must be of this catalogue: fitted on its data set.
    #[must_use]
    pub fn new(method: M, catalogue: &Catalogue) -> Self {
        Self { method, places: tie_order(catalogue.ids()), catalogue: catalogue.clone() }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &M {
        &self.method
    }

    /// The `k` best items without those of the events, best first, each with its score; fewer if there are no more.
    ///
    /// Equal scores are ordered by a digest of the item's id, which means nothing; scores that are not finite come last.
    ///
    /// # Errors
    /// [`BaselineError::UnknownItem`] and [`BaselineError::Event`] if an event is not of the catalogue, its value not
    /// finite or its time negative; [`BaselineError::NoAnswer`] if the method does not rank; else what it fails with.
    pub fn top_k(&self, events: &[Event], k: usize) -> Result<Vec<(String, f32)>, BaselineError> {
        let events = self.index(events)?;
        let scores = self.answer("scores", &events, |method, supports| method.scores(supports))?;
        let mut unseen = vec![true; self.catalogue.len()];
        events.iter().for_each(|event| unseen[event.item.position()] = false);
        let items = (0..).map(ItemIndex).zip(unseen);
        let unseen: Vec<ItemIndex> = items.filter(|(_, unseen)| *unseen).map(|(item, _)| item).collect();
        let best = top_items(&scores, &unseen, &self.places, k);
        Ok(best.into_iter().map(|item| (self.catalogue.id(item).to_owned(), scores[item.position()])).collect())
    }

    /// What the user is expected to give each of these items, in the scale of the data; not clipped to its range.
    ///
    /// # Errors
    /// As [`Ranker::top_k`]; [`BaselineError::NoAnswer`] if the method predicts no ratings.
    pub fn rate<S: AsRef<str>>(&self, events: &[Event], items: &[S]) -> Result<Vec<f32>, BaselineError> {
        let items = items.iter().map(|item| self.find(item.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let events = self.index(events)?;
        let ratings = self.answer("ratings", &events, |method, supports| method.ratings(supports))?;
        Ok(items.into_iter().map(|item| ratings[item.position()]).collect())
    }

    /// The one row that the method answers.
    fn answer(
        &self,
        what: &'static str,
        events: &[IndexedEvent],
        ask: impl Fn(&M, &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError>,
    ) -> Result<Vec<f32>, BaselineError> {
        let rows = ask(&self.method, &[Support { user: NOBODY, events }])?;
        let method = || self.method.name().to_owned();
        let rows = rows.ok_or_else(|| BaselineError::NoAnswer { method: method(), what })?;
        let wrong = |what, expected, found| EvaluateError::WrongShape { method: method(), what, expected, found };
        let [row]: [Vec<f32>; 1] = rows.try_into().map_err(|rows: Vec<_>| wrong("rows", 1, rows.len()))?;
        let (expected, found) = (self.catalogue.len(), row.len());
        if found == expected { Ok(row) } else { Err(wrong("numbers in a row", expected, found).into()) }
    }

    fn find(&self, item: &str) -> Result<ItemIndex, BaselineError> {
        self.catalogue.find(item).ok_or_else(|| BaselineError::UnknownItem { item: item.to_owned() })
    }

    /// The events by index, in time order.
    fn index(&self, events: &[Event]) -> Result<Vec<IndexedEvent>, BaselineError> {
        let mut indexed = Vec::with_capacity(events.len());
        let mut time = None;
        for event in events {
            time = event.timestamp.or(time);
            indexed.push((time, self.index_one(event)?));
        }
        indexed.sort_by_key(|&(time, _)| time);
        Ok(indexed.into_iter().map(|(_, event)| event).collect())
    }

    fn index_one(&self, event: &Event) -> Result<IndexedEvent, BaselineError> {
        let item = self.find(&event.item)?;
        let wrong = |field, value, expected| BaselineError::Event { item: event.item.clone(), field, value, expected };
        if let Some(value) = event.value.filter(|value| !value.is_finite()) {
            return Err(wrong("value", value.to_string(), "a finite number"));
        }
        if let Some(time) = event.timestamp.filter(|&time| time < 0) {
            return Err(wrong("timestamp", time.to_string(), "seconds since the epoch, 0 or more"));
        }
        Ok(IndexedEvent { item, action: event.action, value: event.value, timestamp: event.timestamp })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::baseline::tests::two_tastes;
    use crate::baseline::{OffsetRidge, Offsets, Popularity};

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::new();
        ["a", "b", "c", "d"].iter().for_each(|id| _ = catalogue.insert(id));
        catalogue
    }

    /// Scores of four items; remembers the items of the events it was shown.
    #[derive(Default)]
    struct Watching(Vec<f32>, Mutex<Vec<u32>>);

    impl Method for Watching {
        fn name(&self) -> &str {
            "watching"
        }

        fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
            if let Ok(mut seen) = self.1.lock() {
                seen.extend(supports[0].events.iter().map(|event| event.item.0));
            }
            Ok(Some(vec![self.0.clone()]))
        }
    }

    fn watching(scores: &[f32]) -> Ranker<Watching> {
        Ranker::new(Watching(scores.to_vec(), Mutex::default()), &catalogue())
    }

    #[test]
    fn the_best_unseen_items_come_first_with_their_scores() {
        let ranker = watching(&[0.5, 4.0, f32::NAN, 2.0]);
        let best = |events: &[Event], k| ranker.top_k(events, k).unwrap();
        assert_eq!(best(&[Event::click("b")], 2), [("d".to_owned(), 2.0), ("a".to_owned(), 0.5)]);
        assert_eq!(best(&[], 1), [("b".to_owned(), 4.0)]);
        let all = best(&[], 9);
        assert_eq!(all.iter().map(|(item, _)| item.as_str()).collect::<Vec<_>>(), ["b", "d", "a", "c"], "NaN is last");
        // The order of the digests of "tie|a" to "tie|d" is d, a, b, c.
        let equal = watching(&[1.0; 4]).top_k(&[Event::click("a")], 2).unwrap();
        assert_eq!(equal.into_iter().map(|(item, _)| item).collect::<Vec<_>>(), ["d", "b"]);
    }

    #[test]
    fn events_are_shown_in_time_order() {
        let ranker = watching(&[0.0; 4]);
        let events = [Event::click("a").at(30), Event::click("b").at(10), Event::click("c"), Event::click("d").at(20)];
        ranker.top_k(&events, 1).unwrap();
        assert_eq!(*ranker.method().1.lock().unwrap(), [1, 2, 3, 0]);
    }

    #[test]
    fn events_that_are_wrong_are_told() {
        let ranker = watching(&[0.0; 4]);
        for (event, expected) in [
            (Event::click("z"), r#"unknown item "z": expected one of the catalogue"#),
            (Event::rating("a", f32::NAN), r#"event on item "a": value is NaN: expected a finite number"#),
            (
                Event::click("a").at(-5),
                r#"event on item "a": timestamp is -5: expected seconds since the epoch, 0 or more"#,
            ),
        ] {
            assert_eq!(ranker.top_k(&[event], 1).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn what_a_method_does_not_give_is_an_error() {
        let (data, split) = two_tastes(10, 8);
        let offsets = Offsets::fit(&data, &split, OffsetRidge::default()).unwrap();
        let offsets = Ranker::new(offsets, data.catalogue());
        assert_eq!(
            offsets.top_k(&[], 3).unwrap_err().to_string(),
            "bias has no scores: expected a method that gives them"
        );
        let popular = Ranker::new(Popularity::fit(&data, &split), data.catalogue());
        assert!(matches!(popular.rate(&[], &["1"]), Err(BaselineError::NoAnswer { what: "ratings", .. })));
        assert_eq!(popular.top_k(&[], 3).unwrap().len(), 3);
        let short = watching(&[1.0; 3]).top_k(&[], 1).unwrap_err();
        assert_eq!(short.to_string(), "watching returned 3 numbers in a row: expected 4");
    }

    #[test]
    fn ratings_follow_what_the_user_gave() {
        let (data, split) = two_tastes(10, 8);
        let ranker = Ranker::new(Offsets::fit(&data, &split, OffsetRidge::default()).unwrap(), data.catalogue());
        let rate = |value| ranker.rate(&[Event::rating("1", value)], &["2", "5"]).unwrap();
        let (low, high) = (rate(1.0), rate(5.0));
        // One rating at a ridge of 3 moves the user's offset by a quarter of it.
        assert!(low.iter().zip(&high).all(|(low, high)| (high - low - 1.0).abs() < 1e-5), "{low:?} {high:?}");
        assert!(ranker.rate(&[], &["99"]).is_err());
    }
}
