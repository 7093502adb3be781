//! How often items are liked: the best lists without knowing anyone.

use crate::data::event::IndexedEvent;
use crate::data::likes::LikeRule;
use crate::data::split::TaskHistory;

/// Users with fewer events than the pool and this many more say nothing about what is liked later.
const LATER_EVENTS: usize = 10;

/// How many likes each item has among the training users, each counting as much as its action weighs: `[items]`.
///
/// # Panics
/// If an event's item is not below `items`.
#[must_use]
pub fn popularity(train: &[TaskHistory], items: usize, rule: &LikeRule) -> Vec<f64> {
    let mut likes = vec![0.0; items];
    count_likes(&mut likes, train.iter().flat_map(|task| &task.events), rule);
    likes
}

/// How likely each item is liked *after* a user's first `pool` events, among the users who did not have it there:
/// `[items]`.
///
/// This is the popularity that counts where the first `pool` events are out of the ranking: everybody's first items are
/// popular and will not be ranked again. It is `later / (1.02 * users - first)`, over the training users with at least
/// `pool + 10` events, where `later` is the number of likes after the pool and `first` the number of users who have the
/// item in it. Where there is no such user it is [`popularity`].
///
/// # Panics
/// If an event's item is not below `items`.
///
/// ```
/// use metarec::data::{IndexedEvent, ItemIndex, LikeRule, TaskHistory, UserIndex, Action, conditional_popularity};
///
/// let event = |item| IndexedEvent { item: ItemIndex(item), action: Action::Like, value: None, timestamp: None };
/// let user = TaskHistory { user: UserIndex(0), events: (0..11).map(event).collect() };
/// let popularity = conditional_popularity(&[user], 12, 1, &LikeRule::default());
/// assert_eq!(popularity[0], 0.0, "liked, but in the pool");
/// assert_eq!(popularity[1], 1.0 / 1.02);
/// assert_eq!(popularity[11], 0.0);
/// ```
#[must_use]
pub fn conditional_popularity(train: &[TaskHistory], items: usize, pool: usize, rule: &LikeRule) -> Vec<f64> {
    let mut later = vec![0.0; items];
    let mut first = vec![0_usize; items];
    let mut users = 0_usize;
    let mut last_user = vec![0_usize; items];
    for task in train.iter().filter(|task| task.events.len() >= pool + LATER_EVENTS) {
        users += 1;
        let (in_pool, after) = task.events.split_at(pool);
        for item in in_pool.iter().map(|event| event.item.position()) {
            if last_user[item] != users {
                last_user[item] = users;
                first[item] += 1;
            }
        }
        count_likes(&mut later, after, rule);
    }
    if users == 0 {
        return popularity(train, items, rule);
    }
    later.iter().zip(first).map(|(later, first)| later / (1.02 * users as f64 - first as f64)).collect()
}

fn count_likes<'a>(counts: &mut [f64], events: impl IntoIterator<Item = &'a IndexedEvent>, rule: &LikeRule) {
    for event in events {
        counts[event.item.position()] += f64::from(rule.weight(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::event::Action;
    use crate::data::ids::{ItemIndex, UserIndex};

    fn task(user: u32, items: impl IntoIterator<Item = (u32, f32)>) -> TaskHistory {
        let event = |(item, value)| IndexedEvent {
            item: ItemIndex(item),
            action: Action::Rating,
            value: Some(value),
            timestamp: None,
        };
        TaskHistory { user: UserIndex(user), events: items.into_iter().map(event).collect() }
    }

    fn four_stars() -> LikeRule {
        LikeRule { threshold: Some(4.0), ..LikeRule::default() }
    }

    #[test]
    fn popularity_counts_likes_and_not_events() {
        let train = [task(0, [(0, 5.0), (1, 3.0)]), task(1, [(0, 4.0)])];
        assert_eq!(popularity(&train, 3, &four_stars()), [2.0, 0.0, 0.0]);
    }

    #[test]
    fn an_item_seen_twice_in_one_pool_counts_one_user() {
        let events = [(0, 5.0), (0, 5.0)].into_iter().chain((1..11).map(|item| (item, 5.0)));
        let other = (1..13).map(|item| (item, 5.0));
        let train = [task(0, events), task(1, other)];
        let result = conditional_popularity(&train, 13, 2, &four_stars());
        assert_eq!(result[0], 0.0 / (2.04 - 1.0));
        assert_eq!(result[1], 1.0 / (2.04 - 1.0));
        assert_eq!(result[3], 2.0 / 2.04);
    }

    #[test]
    fn short_histories_fall_back_on_counts() {
        let train = [task(0, [(0, 5.0), (1, 3.0)])];
        assert_eq!(conditional_popularity(&train, 2, 20, &four_stars()), [1.0, 0.0]);
    }
}
