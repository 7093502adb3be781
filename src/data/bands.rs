//! How many know each item, and which items are the long tail.

use crate::data::ids::ItemIndex;
use crate::data::split::TaskHistory;

/// Where an item stands by popularity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// The few items that together have the first third of what all have.
    Head,
    /// The second third.
    Middle,
    /// The many items of the last third, and those that nobody has: the long tail.
    Tail,
}

impl Band {
    /// All of them, the most popular first.
    pub const ALL: [Self; 3] = [Self::Head, Self::Middle, Self::Tail];

    /// The name in reports: `head`, `middle` or `tail`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Middle => "middle",
            Self::Tail => "tail",
        }
    }
}

/// Which share of the training users has each item, and the three bands that follow: thirds of all pairs of a user and an item they have,
/// by popularity.
///
/// An item counts once for each user. It is in the band in which its pairs begin when items are laid end to end, the most popular first;
/// items that equally many users have begin together, so that no order of a file decides.
///
/// ```
/// use metarec::data::{Action, Band, IndexedEvent, ItemIndex, PopularityBands, TaskHistory, UserIndex};
///
/// let event = |item| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
/// let user = |user, items: &[u32]| TaskHistory { user: UserIndex(user), events: items.iter().copied().map(event).collect() };
/// let train = [user(0, &[0, 1]), user(1, &[0, 1]), user(2, &[0, 2]), user(3, &[0, 3])];
/// let bands = PopularityBands::of(&train, 5);
/// assert_eq!([0, 1, 2, 3, 4].map(|item| bands.band(ItemIndex(item)).name()), ["head", "middle", "tail", "tail", "tail"]);
/// assert_eq!(bands.share(ItemIndex(1)), 0.5);
/// assert_eq!(bands.self_information(ItemIndex(1)), 1.0, "in bits");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PopularityBands {
    users: usize,
    counts: Vec<usize>,
    bands: Vec<Band>,
}

impl PopularityBands {
    /// Counts the training users of each of `items` items.
    ///
    /// # Panics
    /// If an event's item is not below `items`.
    #[must_use]
    pub fn of(train: &[TaskHistory], items: usize) -> Self {
        let mut counts = vec![0; items];
        let mut last = vec![usize::MAX; items];
        for (user, task) in train.iter().enumerate() {
            for event in &task.events {
                let item = event.item.position();
                if last[item] != user {
                    last[item] = user;
                    counts[item] += 1;
                }
            }
        }
        let bands = thirds(&counts);
        Self { users: train.len(), counts, bands }
    }

    /// The band of an item; the tail for an item that was not there.
    #[must_use]
    pub fn band(&self, item: ItemIndex) -> Band {
        self.bands.get(item.position()).copied().unwrap_or(Band::Tail)
    }

    /// The items of a band, ascending.
    pub fn items(&self, band: Band) -> impl Iterator<Item = ItemIndex> {
        (0..).map(ItemIndex).zip(&self.bands).filter(move |(_, of)| **of == band).map(|(item, _)| item)
    }

    /// The share of the training users who have an item; 0 for one that was not there.
    #[must_use]
    pub fn share(&self, item: ItemIndex) -> f64 {
        self.counts.get(item.position()).map_or(0.0, |&count| count as f64 / self.users.max(1) as f64)
    }

    /// `-log2` of the share of users who have an item, in bits: how much of a surprise it is (Vargas and Castells, 2011, "Rank and
    /// Relevance in Novelty and Diversity Metrics for Recommender Systems"). What nobody has is taken to be had by one.
    #[must_use]
    pub fn self_information(&self, item: ItemIndex) -> f64 {
        let users = self.users.max(1) as f64;
        // Not less than 0, and not -0.
        (users.log2() - (self.share(item) * users).max(1.0).log2()).max(0.0)
    }
}

/// The band of each count.
fn thirds(counts: &[usize]) -> Vec<Band> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_unstable_by_key(|&item| std::cmp::Reverse(counts[item]));
    let total: usize = counts.iter().sum();
    let mut bands = vec![Band::Tail; counts.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| counts[*a] == counts[*b]) {
        let count = counts[equal[0]];
        let band = match 3 * before {
            _ if count == 0 => Band::Tail,
            begins if begins < total => Band::Head,
            begins if begins < 2 * total => Band::Middle,
            _ => Band::Tail,
        };
        equal.iter().for_each(|&item| bands[item] = band);
        before += count * equal.len();
    }
    bands
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Action, IndexedEvent, UserIndex};

    fn task(user: u32, items: &[u32]) -> TaskHistory {
        let event =
            |&item: &u32| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
        TaskHistory { user: UserIndex(user), events: items.iter().map(event).collect() }
    }

    #[test]
    fn bands_are_thirds_of_what_users_have() {
        use Band::{Head, Middle, Tail};
        // 12 pairs in all: the one of 4 begins at 0, those of 2 at 4, those of 1 at 10.
        assert_eq!(thirds(&[2, 4, 2, 2, 1, 1, 0]), [Middle, Head, Middle, Middle, Tail, Tail, Tail]);
        assert_eq!(thirds(&[5, 5, 5]), [Head; 3], "equal counts are never parted");
        assert_eq!(thirds(&[0, 0]), [Tail; 2]);
        assert_eq!(thirds(&[4, 3, 5]), [Middle, Tail, Head], "these begin at 5, 9 and 0 of 12");
        assert_eq!(thirds(&[2, 3, 1]), [Middle, Head, Tail], "at 3, 0 and 5 of 6");
    }

    #[test]
    fn a_user_who_has_an_item_twice_counts_once() {
        let bands = PopularityBands::of(&[task(0, &[0, 1, 0]), task(1, &[1])], 3);
        assert_eq!([0, 1, 2, 9].map(|item| bands.share(ItemIndex(item))), [0.5, 1.0, 0.0, 0.0]);
        assert_eq!([0, 1, 2].map(|item| bands.self_information(ItemIndex(item))), [1.0, 0.0, 1.0]);
        assert!(bands.self_information(ItemIndex(1)).is_sign_positive());
    }

    #[test]
    fn nobody_has_everything_in_the_tail() {
        let bands = PopularityBands::of(&[], 2);
        assert_eq!(bands.items(Band::Tail).collect::<Vec<_>>(), [0, 1].map(ItemIndex));
        assert_eq!((bands.share(ItemIndex(0)), bands.self_information(ItemIndex(0))), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn a_more_popular_item_is_in_no_later_band(counts in prop::collection::vec(0usize..20, 1..40)) {
            let bands = thirds(&counts);
            for (a, first) in counts.iter().zip(&bands) {
                for (b, second) in counts.iter().zip(&bands) {
                    prop_assert!(a < b || first <= second);
                }
            }
            let head: usize = counts.iter().zip(&bands).filter(|(_, band)| **band == Band::Head).map(|(c, _)| c).sum();
            prop_assert!(3 * head >= counts.iter().sum());
        }
    }
}
