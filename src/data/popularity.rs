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
    discounted_popularity(train, items, pool, rule, 0.0)
}

/// [`conditional_popularity`] that listens less to the busiest users: one with `n` likes after the pool counts `n^-discount`, so that all their likes
/// together count `n^(1 - discount)`. At a discount of 1 everybody has the same say. Users without a like after the pool have none, unless the discount is 0.
///
/// # Panics
/// If an event's item is not below `items`.
#[must_use]
pub fn discounted_popularity(
    train: &[TaskHistory],
    items: usize,
    pool: usize,
    rule: &LikeRule,
    discount: f64,
) -> Vec<f64> {
    let (mut later, mut first) = (vec![0.0; items], vec![0.0; items]);
    let mut all = 0.0;
    let mut last_user = vec![0_usize; items];
    for (user, task) in (1..).zip(train.iter().filter(|task| task.events.len() >= pool + LATER_EVENTS)) {
        let (in_pool, after) = task.events.split_at(pool);
        let likes: f64 = after.iter().map(|event| f64::from(rule.weight(event))).sum();
        let weight = match discount {
            0.0 => 1.0,
            _ if likes > 0.0 => likes.powf(-discount),
            _ => continue,
        };
        all += weight;
        for item in in_pool.iter().map(|event| event.item.position()) {
            if last_user[item] != user {
                last_user[item] = user;
                first[item] += weight;
            }
        }
        for event in after {
            later[event.item.position()] += weight * f64::from(rule.weight(event));
        }
    }
    if all == 0.0 {
        return popularity(train, items, rule);
    }
    later.iter().zip(first).map(|(later, first)| later / (1.02 * all - first)).collect()
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
    fn a_discount_of_one_gives_everybody_the_same_say() {
        let busy = task(0, (0..22).map(|item| (item, 5.0)));
        let idle = task(1, (0..12).map(|item| (item, if item == 11 { 5.0 } else { 1.0 })));
        let found = |discount| discounted_popularity(&[busy.clone(), idle.clone()], 22, 1, &four_stars(), discount);
        assert_eq!(found(0.0), conditional_popularity(&[busy.clone(), idle.clone()], 22, 1, &four_stars()));
        let (same, none) = (found(1.0), found(0.0));
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        // 21 likes of one user and one of the other: all of the one's likes together count as much as the other's.
        close(same[11] / same[12], (1.0 / 21.0 + 1.0) / (1.0 / 21.0));
        close(none[11] / none[12], 2.0);
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
