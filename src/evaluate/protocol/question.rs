//! What one user is asked: on what support, what is ranked, and what is relevant.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::data::{IndexedEvent, ItemIndex, LikeRule, Shots, UserIndex};

/// One user as a protocol sees them; the same at every number of shots.
pub(super) struct Question<'a> {
    /// Who it is.
    pub(super) user: UserIndex,
    /// What is known of them: at each number of shots a part of it is the support set.
    pub(super) known: &'a [IndexedEvent],
    /// What is ranked for them.
    ranked: Ranked,
    /// Liked items that are ranked, each once.
    pub(super) relevant: Vec<ItemIndex>,
    /// Items of the query events with a value.
    pub(super) rated: Vec<ItemIndex>,
    /// Their values.
    pub(super) values: Vec<f32>,
}

/// Which of the candidates are ranked for a user; ascending and distinct.
enum Ranked {
    /// All but these.
    AllBut(Vec<ItemIndex>),
    /// These, whatever the candidates are.
    Only(Vec<ItemIndex>),
}

impl<'a> Question<'a> {
    /// All candidates but `excluded` are ranked; relevant are the liked items of the query among them. `candidates` must be ascending.
    pub(super) fn all_but(
        user: UserIndex,
        (known, query): (&'a [IndexedEvent], &[IndexedEvent]),
        excluded: impl IntoIterator<Item = ItemIndex>,
        candidates: &[ItemIndex],
        likes: &LikeRule,
    ) -> Self {
        let excluded = ascending(excluded);
        let of_candidates = || query.iter().filter(|event| candidates.binary_search(&event.item).is_ok());
        let mut once: HashSet<ItemIndex> = excluded.iter().copied().collect();
        let liked = of_candidates().filter(|event| likes.is_like(event)).map(|event| event.item);
        let relevant = liked.filter(|&item| once.insert(item)).collect();
        let (rated, values) = of_candidates().filter_map(|event| Some((event.item, event.rating()?))).unzip();
        Self { user, known, ranked: Ranked::AllBut(excluded), relevant, rated, values }
    }

    /// Only `ranked` are ranked, of which `relevant` are relevant; no ratings are asked for.
    pub(super) fn only(
        user: UserIndex,
        known: &'a [IndexedEvent],
        ranked: impl IntoIterator<Item = ItemIndex>,
        relevant: Vec<ItemIndex>,
    ) -> Self {
        let ranked = Ranked::Only(ascending(ranked));
        Self { user, known, ranked, relevant, rated: Vec::new(), values: Vec::new() }
    }

    /// What a method sees of their events, in time order; all that is known where the first so many are asked for and there are fewer.
    ///
    /// What is known may be in another order, so that its first events are a random part of it; events without a time, or with the same, stay in that order.
    pub(super) fn support(&self, shots: Shots) -> Cow<'a, [IndexedEvent]> {
        let events = shots.of(self.known).unwrap_or(self.known);
        if events.is_sorted_by_key(|event| event.timestamp) {
            return Cow::Borrowed(events);
        }
        let mut events = events.to_vec();
        events.sort_by_key(|event| event.timestamp);
        Cow::Owned(events)
    }

    /// What is ranked of the candidates, which must be ascending.
    pub(super) fn ranked(&self, candidates: &[ItemIndex]) -> Vec<ItemIndex> {
        let mut excluded = match &self.ranked {
            Ranked::AllBut(excluded) => excluded.iter().copied().peekable(),
            Ranked::Only(ranked) => return ranked.clone(),
        };
        let keep = |item: &ItemIndex| {
            while excluded.next_if(|skip| skip < item).is_some() {}
            excluded.peek() != Some(item)
        };
        candidates.iter().copied().filter(keep).collect()
    }
}

/// Each once, in ascending order.
pub(super) fn ascending(items: impl IntoIterator<Item = ItemIndex>) -> Vec<ItemIndex> {
    let mut items: Vec<ItemIndex> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;

    fn rating(item: u32, value: f32) -> IndexedEvent {
        IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some(value), timestamp: None }
    }

    fn items(items: &[u32]) -> Vec<ItemIndex> {
        items.iter().copied().map(ItemIndex).collect()
    }

    #[test]
    fn the_pool_is_out_of_the_ranking_and_unknown_items_are_out_of_the_query() {
        let pool = [rating(5, 1.0), rating(2, 5.0)];
        let query = [rating(1, 5.0), rating(4, 2.0), rating(9, 5.0), rating(2, 5.0), rating(1, 4.0)];
        let likes = LikeRule { threshold: Some(4.0), ..LikeRule::default() };
        let all = items(&[0, 1, 2, 4, 5, 6]);
        let excluded = pool.iter().map(|event| event.item);
        let question = Question::all_but(UserIndex(3), (&pool, &query), excluded, &all, &likes);
        assert_eq!(question.ranked(&all), items(&[0, 1, 4, 6]));
        assert_eq!(question.relevant, items(&[1]));
        assert_eq!(question.rated, items(&[1, 4, 2, 1]));
        assert_eq!(question.values, [5.0, 2.0, 5.0, 4.0]);
    }

    #[test]
    fn a_support_set_is_in_time_order_whatever_the_order_of_what_is_known() {
        let at = |item, time| IndexedEvent { timestamp: Some(time), ..rating(item, 3.0) };
        let known = [at(4, 40), at(1, 10), at(3, 30), at(2, 20)];
        let question = Question::only(UserIndex(3), &known, items(&[5]), items(&[5]));
        let seen = |shots| question.support(shots).iter().map(|event| event.item.0).collect::<Vec<u32>>();
        assert_eq!(seen(Shots::First(3)), [1, 3, 4]);
        assert_eq!(seen(Shots::First(1)), [4]);
        assert_eq!(seen(Shots::All), [1, 2, 3, 4]);
    }

    #[test]
    fn a_list_of_ones_own_is_ranked_whatever_the_candidates() {
        let question = Question::only(UserIndex(3), &[], items(&[5, 2, 5]), items(&[5]));
        assert_eq!(question.ranked(&items(&[0, 2])), items(&[2, 5]));
    }
}
