//! How far apart two items are.

use crate::data::catalogue::Catalogue;
use crate::data::ids::ItemIndex;
use crate::data::split::TaskHistory;

/// How far apart items are, from 0 to 1: what the variety of a list is measured by, and what a re-ranker spreads.
///
/// | made by | distance of two different items | cost of one |
/// |---|---|---|
/// | [`categories`](Self::categories) | 1 less the shared share of their categories (Jaccard): 1 where one of them has none, as nothing is known to be in common | their numbers of categories |
/// | [`co_occurrence`](Self::co_occurrence) | 1 less the cosine of who has them: `1 - both / sqrt(first * second)`, counts being of training users | their numbers of users |
///
/// An item is at 0 from itself. Both are symmetric. Memory: a number for each category of an item, or for each user of one.
///
/// ```
/// use metarec::data::{Catalogue, ItemDistance};
///
/// let mut catalogue = Catalogue::new();
/// let fargo = catalogue.describe("100", "Fargo (1996)", "", ["Crime", "Drama", "Thriller"]);
/// let heat = catalogue.describe("273", "Heat (1995)", "", ["Action", "Crime", "Thriller"]);
/// let distance = ItemDistance::categories(&catalogue);
/// assert_eq!(distance.between(fargo, heat), 0.5, "two of four");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemDistance {
    /// For each item its categories, or the users who have it, ascending.
    has: Vec<Vec<u32>>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Categories,
    CoOccurrence,
}

impl ItemDistance {
    /// By categories where an item of the catalogue has any, else by who has them among the training users.
    ///
    /// # Panics
    /// If an event's item is not in the catalogue.
    #[must_use]
    pub fn fit(catalogue: &Catalogue, train: &[TaskHistory]) -> Self {
        let by_categories = Self::categories(catalogue);
        let known = by_categories.has.iter().any(|categories| !categories.is_empty());
        if known { by_categories } else { Self::co_occurrence(train, catalogue.len()) }
    }

    /// By the categories of a catalogue.
    #[must_use]
    pub fn categories(catalogue: &Catalogue) -> Self {
        let sorted = |item| {
            let mut categories = catalogue.item(item).categories.clone();
            categories.sort_unstable();
            categories
        };
        let has = (0..catalogue.len() as u32).map(ItemIndex).map(sorted).collect();
        Self { has, kind: Kind::Categories }
    }

    /// By who has them among the training users, of `items` items.
    ///
    /// # Panics
    /// If an event's item is not below `items`.
    #[must_use]
    pub fn co_occurrence(train: &[TaskHistory], items: usize) -> Self {
        let mut has: Vec<Vec<u32>> = vec![Vec::new(); items];
        for (user, task) in (0..).zip(train) {
            for event in &task.events {
                let users = &mut has[event.item.position()];
                if users.last() != Some(&user) {
                    users.push(user);
                }
            }
        }
        Self { has, kind: Kind::CoOccurrence }
    }

    /// What it goes by, for the reader of a report: `categories` or `co-occurrence`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Categories => "categories",
            Kind::CoOccurrence => "co-occurrence",
        }
    }

    /// How far apart two items are; 1 if one of two different ones was not there.
    #[must_use]
    pub fn between(&self, first: ItemIndex, second: ItemIndex) -> f64 {
        if first == second {
            return 0.0;
        }
        let (Some(first), Some(second)) = (self.has.get(first.position()), self.has.get(second.position())) else {
            return 1.0;
        };
        if first.is_empty() || second.is_empty() {
            return 1.0;
        }
        let both = shared(first, second) as f64;
        let (first, second) = (first.len() as f64, second.len() as f64);
        let alike = match self.kind {
            Kind::Categories => both / (first + second - both),
            Kind::CoOccurrence => both / (first * second).sqrt(),
        };
        (1.0 - alike).clamp(0.0, 1.0)
    }
}

/// How many numbers are in both; they ascend.
fn shared(first: &[u32], second: &[u32]) -> usize {
    let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
    let mut both = 0;
    while let (Some(a), Some(b)) = (first.peek(), second.peek()) {
        let (a, b) = (**a, **b);
        both += usize::from(a == b);
        if a <= b {
            first.next();
        }
        if b <= a {
            second.next();
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Action, IndexedEvent, UserIndex};

    fn tasks(users: &[&[u32]]) -> Vec<TaskHistory> {
        let event =
            |&item: &u32| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
        let task = |(user, items): (u32, &&[u32])| TaskHistory {
            user: UserIndex(user),
            events: items.iter().map(event).collect(),
        };
        (0..).zip(users).map(task).collect()
    }

    fn between(distance: &ItemDistance, first: u32, second: u32) -> f64 {
        distance.between(ItemIndex(first), ItemIndex(second))
    }

    #[test]
    fn jaccard_is_that_counted_by_hand() {
        let mut catalogue = Catalogue::new();
        for (id, categories) in
            [("a", &["x", "y"][..]), ("b", &["y", "x"]), ("c", &["z", "x", "w"]), ("d", &["v"]), ("e", &[]), ("f", &[])]
        {
            catalogue.describe(id, "", "", categories.iter().copied());
        }
        let distance = ItemDistance::fit(&catalogue, &[]);
        assert_eq!(distance.name(), "categories");
        assert_eq!([1, 2, 3, 4].map(|other| between(&distance, 0, other)), [0.0, 0.75, 1.0, 1.0]);
        assert_eq!((between(&distance, 4, 5), between(&distance, 4, 4)), (1.0, 0.0), "nothing is known in common");
        assert_eq!(between(&distance, 0, 99), 1.0);
    }

    #[test]
    fn the_cosine_is_that_counted_by_hand() {
        let mut catalogue = Catalogue::new();
        ["a", "b", "c", "d"].iter().for_each(|id| _ = catalogue.insert(id));
        // Users of the items: 4, 1 (twice the same event), 2 and none.
        let train = tasks(&[&[0, 1, 1], &[0, 2], &[0, 2], &[0]]);
        let distance = ItemDistance::fit(&catalogue, &train);
        assert_eq!(distance.name(), "co-occurrence");
        assert_eq!(between(&distance, 0, 1), 1.0 - 1.0 / 2.0);
        assert!((between(&distance, 0, 2) - (1.0 - 2.0 / 8f64.sqrt())).abs() < 1e-12);
        assert_eq!((between(&distance, 1, 2), between(&distance, 0, 3)), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn distances_are_symmetric_and_bounded(
            users in prop::collection::vec(prop::collection::vec(0u32..8, 0..8), 1..12),
        ) {
            let slices: Vec<&[u32]> = users.iter().map(Vec::as_slice).collect();
            let by_users = ItemDistance::co_occurrence(&tasks(&slices), 8);
            // The same sets as if they were categories.
            let by_categories = ItemDistance { kind: Kind::Categories, ..by_users.clone() };
            for distance in [by_users, by_categories] {
                for (first, second) in (0..8).flat_map(|first| (0..8).map(move |second| (first, second))) {
                    let found = between(&distance, first, second);
                    prop_assert!((0.0..=1.0).contains(&found));
                    prop_assert_eq!(found, between(&distance, second, first));
                    prop_assert!(first != second || found == 0.0);
                }
            }
        }
    }
}
