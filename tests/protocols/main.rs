//! Protocols besides the user-cold one: each worked out by hand, and what holds of all of them.

mod by_hand;
mod predictions;
mod profile;
mod properties;
mod variety;

use std::sync::Mutex;

use metarec::data::{Dataset, Event, IndexedEvent, from_events};
use metarec::evaluate::{EvaluateError, Method, Support};

/// `(user, item, time)`, as purchases.
fn purchases<'a>(events: impl IntoIterator<Item = (&'a str, &'a str, i64)>) -> Dataset {
    from_events(events.into_iter().map(|(user, item, time)| (user, Event::purchase(item).at(time)))).unwrap()
}

fn ids<'a>(data: &'a Dataset, events: &[IndexedEvent]) -> Vec<&'a str> {
    events.iter().map(|event| data.catalogue().id(event.item)).collect()
}

/// Scores every item as told, and keeps what it was shown.
struct Told<'a> {
    data: &'a Dataset,
    scores: Vec<f32>,
    seen: Mutex<Vec<(String, Vec<IndexedEvent>)>>,
}

impl<'a> Told<'a> {
    fn new(data: &'a Dataset, score: impl Fn(&str) -> f32) -> Self {
        Self { data, scores: data.catalogue().ids().iter().map(|id| score(id)).collect(), seen: Mutex::default() }
    }

    /// `user: items`, in the order in which they were shown.
    fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(user, events)| format!("{user}: {}", ids(self.data, events).join(" "))).collect()
    }
}

impl Method for Told<'_> {
    fn name(&self) -> &str {
        "told"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let id = |support: &Support<'_>| self.data.users().id(support.user).to_owned();
        self.seen.lock().unwrap().extend(supports.iter().map(|support| (id(support), support.events.to_vec())));
        Ok(Some(vec![self.scores.clone(); supports.len()]))
    }
}
