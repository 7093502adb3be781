//! What one held-out user is scored on.

use std::collections::HashSet;

use crate::data::{HeldOutUser, ItemIndex, LikeRule, UserIndex};
use crate::evaluate::method::Support;

/// One user as the protocol sees them; the same at every number of shots.
pub(super) struct Scored<'a> {
    held_out: &'a HeldOutUser,
    /// Items of the pool, ascending: not ranked.
    excluded: Vec<ItemIndex>,
    /// Liked items of the query set that are ranked, each once.
    pub(super) relevant: Vec<ItemIndex>,
    /// Items of the query events with a value.
    pub(super) rated: Vec<ItemIndex>,
    /// Their values.
    pub(super) values: Vec<f32>,
}

impl<'a> Scored<'a> {
    /// `candidates` must be ascending.
    pub(super) fn new(held_out: &'a HeldOutUser, candidates: &[ItemIndex], likes: &LikeRule) -> Self {
        let mut excluded: Vec<ItemIndex> = held_out.pool.iter().map(|event| event.item).collect();
        excluded.sort_unstable();
        excluded.dedup();
        let known = || held_out.query.iter().filter(|event| candidates.binary_search(&event.item).is_ok());
        let mut once: HashSet<ItemIndex> = excluded.iter().copied().collect();
        let liked = known().filter(|event| likes.is_like(event)).map(|event| event.item);
        let relevant = liked.filter(|&item| once.insert(item)).collect();
        let (rated, values) = known().filter_map(|event| Some((event.item, event.rating()?))).unzip();
        Self { held_out, excluded, relevant, rated, values }
    }

    /// Who it is.
    pub(super) fn user(&self) -> UserIndex {
        self.held_out.user
    }

    /// What a method sees at `shots`; the pool must hold as many.
    pub(super) fn support(&self, shots: usize) -> Support<'a> {
        Support { user: self.held_out.user, events: &self.held_out.pool[..shots] }
    }

    /// The candidates less the pool.
    pub(super) fn ranked(&self, candidates: &[ItemIndex]) -> Vec<ItemIndex> {
        let mut excluded = self.excluded.iter().copied().peekable();
        let keep = |item: &ItemIndex| {
            while excluded.next_if(|skip| skip < item).is_some() {}
            excluded.peek() != Some(item)
        };
        candidates.iter().copied().filter(keep).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, IndexedEvent};

    fn rating(item: u32, value: f32) -> IndexedEvent {
        IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some(value), timestamp: None }
    }

    fn candidates(items: &[u32]) -> Vec<ItemIndex> {
        items.iter().copied().map(ItemIndex).collect()
    }

    #[test]
    fn the_pool_is_out_of_the_ranking_and_unknown_items_are_out_of_the_query() {
        let held_out = HeldOutUser {
            user: UserIndex(3),
            pool: vec![rating(5, 1.0), rating(2, 5.0)],
            query: vec![rating(1, 5.0), rating(4, 2.0), rating(9, 5.0), rating(2, 5.0), rating(1, 4.0)],
        };
        let likes = LikeRule { threshold: Some(4.0), ..LikeRule::default() };
        let all = candidates(&[0, 1, 2, 4, 5, 6]);
        let scored = Scored::new(&held_out, &all, &likes);
        assert_eq!(scored.ranked(&all), candidates(&[0, 1, 4, 6]));
        assert_eq!(scored.relevant, candidates(&[1]));
        assert_eq!(scored.rated, candidates(&[1, 4, 2, 1]));
        assert_eq!(scored.values, [5.0, 2.0, 5.0, 4.0]);
        assert_eq!(scored.support(1).events, &held_out.pool[..1]);
    }
}
