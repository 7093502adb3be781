//! The values of the training users: what rating is measured and clipped against.

use crate::data::{IndexedEvent, UserSplit};

/// Mean and range of the training users' values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TrainValues {
    /// Mean over events.
    pub(crate) mean: f64,
    /// Least value.
    pub(crate) low: f32,
    /// Greatest value.
    pub(crate) high: f32,
}

impl TrainValues {
    /// Of the training users; `None` where no two values differ, so that there is nothing to predict.
    pub(crate) fn of(split: &UserSplit) -> Option<Self> {
        let (mut sum, mut count) = (0.0, 0_usize);
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for (_, value) in split.train.iter().flat_map(|task| rated(&task.events)) {
            sum += f64::from(value);
            count += 1;
            low = low.min(value);
            high = high.max(value);
        }
        (low < high).then(|| Self { mean: sum / count as f64, low, high })
    }
}

/// The ratings: position of the item, and the value.
pub(crate) fn rated(events: &[IndexedEvent]) -> impl Iterator<Item = (usize, f32)> + '_ {
    events.iter().filter_map(|event| Some((event.item.position(), event.rating()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, ItemIndex, TaskHistory, UserIndex};

    fn split_of(values: &[Option<f32>]) -> UserSplit {
        let event = |&value| IndexedEvent { item: ItemIndex(0), action: Action::Rating, value, timestamp: None };
        let events = values.iter().map(event).collect();
        UserSplit { train: vec![TaskHistory { user: UserIndex(0), events }], ..UserSplit::default() }
    }

    #[test]
    fn the_mean_is_over_events_with_a_value() {
        let values = TrainValues::of(&split_of(&[Some(1.0), None, Some(4.0)]));
        assert_eq!(values, Some(TrainValues { mean: 2.5, low: 1.0, high: 4.0 }));
    }

    #[test]
    fn values_that_do_not_differ_are_nothing_to_predict() {
        assert_eq!(TrainValues::of(&split_of(&[Some(1.0), Some(1.0)])), None);
        assert_eq!(TrainValues::of(&split_of(&[None])), None);
    }
}
