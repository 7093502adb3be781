//! Shares of the places of a list that are promised to groups of items.

use crate::data::ItemIndex;

/// A share of the places for a group of items.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Floor {
    pub(super) name: String,
    /// By item.
    members: Vec<bool>,
    pub(super) share: f64,
}

impl Floor {
    pub(super) fn new(name: String, items: impl IntoIterator<Item = ItemIndex>, share: f64) -> Self {
        let mut members = Vec::new();
        for item in items {
            if members.len() <= item.position() {
                members.resize(item.position() + 1, false);
            }
            members[item.position()] = true;
        }
        Self { name, members, share }
    }

    pub(super) fn holds(&self, item: ItemIndex) -> bool {
        self.members.get(item.position()).copied().unwrap_or(false)
    }

    /// How many of the first `places` are the group's, of whose items there are `most`.
    pub(super) fn owed(&self, places: usize, most: usize) -> usize {
        // Shares such as 0.29 of 100 fall short of a whole by rounding.
        let owed = (self.share * places as f64 + 1e-9).floor() as usize;
        owed.min(most)
    }
}

/// What the floors are owed as places are given out.
pub(super) struct Debts<'a> {
    floors: &'a [Floor],
    /// How many items of each floor the list has.
    most: Vec<usize>,
    /// How many of them have a place.
    paid: Vec<usize>,
    n: usize,
}

impl<'a> Debts<'a> {
    pub(super) fn new(floors: &'a [Floor], ranked: &[(ItemIndex, f32)], n: usize) -> Self {
        let most = floors.iter().map(|floor| ranked.iter().filter(|(item, _)| floor.holds(*item)).count()).collect();
        Self { floors, most, paid: vec![0; floors.len()], n }
    }

    fn short(&self, floor: usize, places: usize) -> usize {
        self.floors[floor].owed(places, self.most[floor]).saturating_sub(self.paid[floor])
    }

    /// The floors one of which the next place must go to, if as many items are owed up to some place as there are places until then.
    ///
    /// Whoever is owed by the first such place is owed by every later one, so one item serves them all.
    pub(super) fn due(&self, given: usize) -> Option<Vec<usize>> {
        let all = || 0..self.floors.len();
        let tight = |until: &usize| all().map(|floor| self.short(floor, *until)).sum::<usize>() >= until - given;
        let until = (given + 1..=self.n).find(tight)?;
        Some(all().filter(|&floor| self.short(floor, until) > 0).collect())
    }

    pub(super) fn pays(&self, item: ItemIndex, floors: &[usize]) -> bool {
        floors.iter().any(|&floor| self.floors[floor].holds(item))
    }

    pub(super) fn pay(&mut self, item: ItemIndex) {
        for (paid, floor) in self.paid.iter_mut().zip(self.floors) {
            *paid += usize::from(floor.holds(item));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_the_share_of_the_places_rounded_down() {
        let floor = |share| Floor::new(String::new(), [], share);
        let owed = |share, places: [usize; 5]| places.map(|places| floor(share).owed(places, 99));
        assert_eq!(owed(0.3, [1, 3, 4, 6, 10]), [0, 0, 1, 1, 3]);
        assert_eq!(owed(1.0, [0, 1, 2, 3, 4]), [0, 1, 2, 3, 4]);
        assert_eq!(owed(0.29, [100, 200, 99, 0, 7]), [29, 58, 28, 0, 2], "0.29 * 100 is 28.999...");
        assert_eq!(floor(0.5).owed(10, 3), 3, "as far as there are any");
    }

    #[test]
    fn a_debt_is_due_when_no_place_is_left_to_put_it_off() {
        let ranked: Vec<(ItemIndex, f32)> = (0..8).map(|item| (ItemIndex(item), 0.0)).collect();
        let floors = [(&[6u32, 7][..], 0.5), (&[4, 5], 0.5)];
        let floors =
            floors.map(|(items, share)| Floor::new(String::new(), items.iter().copied().map(ItemIndex), share));
        let mut debts = Debts::new(&floors, &ranked, 4);
        // Of the first two places one is owed to each, so nothing else may have the first.
        assert_eq!(debts.due(0), Some(vec![0, 1]));
        debts.pay(ItemIndex(4));
        assert_eq!(debts.due(1), Some(vec![0]));
        debts.pay(ItemIndex(7));
        assert_eq!(debts.due(2), Some(vec![0, 1]));
        let alone = Debts::new(&floors[..1], &ranked, 4);
        assert_eq!((alone.due(0), alone.due(1)), (None, Some(vec![0])));
    }
}
