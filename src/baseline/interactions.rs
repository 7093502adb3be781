//! Who did what with which item, as sparse rows and columns.

use crate::baseline::error::BaselineError;
use crate::data::{Dataset, IndexedEvent, TaskHistory, UserSplit};
use crate::evaluate::EvaluateError;

/// Sparse rows of `(column, weight)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sparse {
    /// `offsets[row]..offsets[row + 1]` are the entries of a row.
    offsets: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Sparse {
    /// From rows in their order.
    pub(super) fn from_rows(rows: impl IntoIterator<Item = Vec<(u32, f32)>>) -> Self {
        let mut sparse = Self { offsets: vec![0], entries: Vec::new() };
        for row in rows {
            sparse.entries.extend(row);
            sparse.offsets.push(sparse.entries.len());
        }
        sparse
    }

    /// The entries of a row, in the order in which they came.
    pub(super) fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.offsets[row]..self.offsets[row + 1]]
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Columns in place of rows, `columns` of them, each in ascending order.
    pub(super) fn transposed(&self, columns: usize) -> Self {
        let mut offsets = vec![0; columns + 1];
        for &(column, _) in &self.entries {
            offsets[column as usize + 1] += 1;
        }
        for column in 0..columns {
            offsets[column + 1] += offsets[column];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows() {
            for &(column, weight) in self.row(row) {
                entries[next[column as usize]] = (row as u32, weight);
                next[column as usize] += 1;
            }
        }
        Self { offsets, entries }
    }
}

/// The weights of training users' items, and how events of others are weighed in the same way.
///
/// Items without any weight are left out: the others have *places*, dense and in the order of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Interactions {
    /// A row for each training user, of `(place, weight)`, ascending.
    pub(super) by_user: Sparse,
    /// A row for each place, of `(user, weight)`, ascending.
    pub(super) by_item: Sparse,
    /// The catalogue's index of each place, ascending.
    pub(super) items: Vec<usize>,
    /// The place of each item of the catalogue.
    places: Vec<Option<u32>>,
}

impl Interactions {
    /// The items of the training users by the weights of their events; of several events on one item the greatest
    /// counts, and weights of 0 are no entries.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if an event's item is not in the catalogue.
    pub(super) fn new(
        data: &Dataset,
        split: &UserSplit,
        weight: impl Fn(&IndexedEvent) -> f32,
    ) -> Result<Self, BaselineError> {
        let total = data.catalogue().len();
        check_items(total, &split.train)?;
        let mut places = vec![None; total];
        let weighed = |task: &TaskHistory| greatest(task.events.iter().map(|event| (event.item.0, weight(event))));
        let mut rows: Vec<Vec<(u32, f32)>> = split.train.iter().map(weighed).collect();
        for &(item, _) in rows.iter().flatten() {
            places[item as usize] = Some(0);
        }
        let mut items = Vec::new();
        for (item, place) in places.iter_mut().enumerate().filter(|(_, place)| place.is_some()) {
            *place = Some(items.len() as u32);
            items.push(item);
        }
        for (item, _) in rows.iter_mut().flatten() {
            *item = places[*item as usize].unwrap_or_default();
        }
        let by_user = Sparse::from_rows(rows);
        let by_item = by_user.transposed(items.len());
        Ok(Self { by_user, by_item, items, places })
    }

    /// The places and weights of a support set, as those of a training user; items without a place are left out.
    pub(super) fn weigh(&self, events: &[IndexedEvent], weight: impl Fn(&IndexedEvent) -> f32) -> Vec<(u32, f32)> {
        let placed = |event: &IndexedEvent| Some(((*self.places.get(event.item.position())?)?, weight(event)));
        greatest(events.iter().filter_map(placed))
    }

    /// How many items of the catalogue there are.
    pub(super) fn catalogue(&self) -> usize {
        self.places.len()
    }

    /// How many items have a place.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Numbers of places as numbers of the catalogue's items, 0 for those without a place.
    pub(super) fn spread(&self, of_places: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.catalogue()];
        self.items.iter().zip(of_places).for_each(|(&item, &value)| all[item] = value);
        all
    }
}

/// Each item once with its greatest weight, ascending, without those of weight 0.
pub(super) fn greatest(weighed: impl IntoIterator<Item = (u32, f32)>) -> Vec<(u32, f32)> {
    let mut row: Vec<(u32, f32)> = weighed.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
    row.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    row.dedup_by_key(|(item, _)| *item);
    row
}

/// Checks that every event is of the catalogue's items.
pub(super) fn check_items(items: usize, train: &[TaskHistory]) -> Result<(), EvaluateError> {
    match train.iter().flat_map(|task| &task.events).find(|event| event.item.position() >= items) {
        Some(event) => Err(EvaluateError::ForeignSplit(format!("item {} of {items}", event.item.0))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::everyone;
    use crate::baseline::tests::{all_train, rated};
    use crate::data::{Action, DatasetBuilder, Event};

    #[test]
    fn items_without_weight_have_no_place_and_the_greatest_weight_of_an_item_counts() {
        let mut events = DatasetBuilder::new();
        for (user, event) in [
            ("a", Event::new("seen", Action::Browse)),
            ("a", Event::purchase("bought")),
            ("a", Event::new("bought", Action::Browse)),
            ("b", Event::new("hated", Action::Dislike)),
            ("b", Event::purchase("bought")),
        ] {
            events.push(user, &event).unwrap();
        }
        let data = events.build();
        let rule = data.like_rule().clone();
        let interactions = Interactions::new(&data, &everyone(&data), |event| rule.weight(event)).unwrap();
        assert_eq!(interactions.items, [0, 1], "`hated` is item 2");
        assert_eq!(interactions.by_user.row(0), [(0, 0.2), (1, 1.0)]);
        assert_eq!(interactions.by_user.row(1), [(1, 1.0)]);
        assert_eq!(interactions.by_item.row(1), [(0, 1.0), (1, 1.0)]);
        assert_eq!(interactions.spread(&[0.5, 0.25]), [0.5, 0.25, 0.0]);
    }

    #[test]
    fn a_support_set_is_weighed_as_the_training_users_are() {
        let (data, split) = all_train(4, &[(0, 1, 5.0), (0, 3, 5.0), (1, 2, 1.0)]);
        let rule = data.like_rule().clone();
        let interactions = Interactions::new(&data, &split, |event| rule.weight(event)).unwrap();
        let events = rated(&[(3, 5.0), (1, 2.0), (0, 5.0), (1, 4.0)]);
        assert_eq!(interactions.weigh(&events, |event| rule.weight(event)), [(0, 1.0), (1, 1.0)]);
    }

    #[test]
    fn a_split_of_another_data_set_is_an_error() {
        let (_, split) = all_train(4, &[(0, 3, 5.0)]);
        let (data, _) = all_train(2, &[(0, 1, 5.0)]);
        let error = Interactions::new(&data, &split, |_| 1.0).unwrap_err();
        assert_eq!(error.to_string(), "the split does not belong to this data set: item 3 of 2");
    }

    #[test]
    fn columns_of_columns_are_rows() {
        let rows = Sparse::from_rows([vec![(1, 0.5), (2, 1.0)], vec![], vec![(0, 0.25), (2, 2.0)]]);
        let columns = rows.transposed(4);
        assert_eq!((columns.rows(), columns.row(2), columns.row(3)), (4, &[(0, 1.0), (2, 2.0)][..], &[][..]));
        assert_eq!(columns.transposed(3), rows);
    }
}
