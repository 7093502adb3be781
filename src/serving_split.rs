//! Whom a recommender that is not to be evaluated is trained on, and what they know.

use std::collections::HashMap;

use crate::data::{Dataset, IndexedEvent, ItemIndex, LikeRule, SplitRule, TaskHistory, UserIndex, UserSplit};

/// With fewer users to look at than this, what a look finds is chance.
const LEAST_VALID: usize = 8;

/// Everybody to train on but the validation users of the split by digest, if they are enough to tell anything.
pub(crate) fn split_for_serving(data: &Dataset) -> UserSplit {
    let digest = UserSplit::by_digest(data, &SplitRule::default()).unwrap_or_default();
    let valid = if digest.valid.len() < LEAST_VALID { Vec::new() } else { digest.valid };
    let mut held = vec![false; data.users().len()];
    valid.iter().for_each(|user| held[user.user.position()] = true);
    let task = |user: UserIndex| TaskHistory { user, events: strongest(data.history(user), data.like_rule()) };
    let trained_on = (0..).map(UserIndex).zip(&held).filter(|(_, held)| !**held);
    let train = trained_on.map(|(user, _)| task(user)).filter(|task| !task.events.is_empty()).collect();
    UserSplit { train, valid, test: Vec::new() }
}

/// Of each item's events the one that says most, the last of equals; in time order. A purchase is not lost behind the click before it.
fn strongest(events: &[IndexedEvent], likes: &LikeRule) -> Vec<IndexedEvent> {
    let mut kept: HashMap<ItemIndex, usize> = HashMap::new();
    for (place, event) in events.iter().enumerate() {
        let best = kept.entry(event.item).or_insert(place);
        if likes.weight(event) >= likes.weight(&events[*best]) {
            *best = place;
        }
    }
    let mut places: Vec<usize> = kept.into_values().collect();
    places.sort_unstable();
    places.into_iter().map(|place| events[place]).collect()
}

/// The share of training users who have an event of each item.
pub(crate) fn known_shares(split: &UserSplit, items: usize) -> Vec<f32> {
    let mut users = vec![0_u32; items];
    for task in &split.train {
        let mut own: Vec<usize> = task.events.iter().map(|event| event.item.position()).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|item| users[item] += 1);
    }
    users.into_iter().map(|users| users as f32 / split.train.len().max(1) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;
    use crate::data::synthetic::MarketConfig;

    #[test]
    fn for_serving_nobody_is_left_out_but_the_validation_users() {
        let data = MarketConfig::default().generate().unwrap().into_dataset();
        let digest = data.split().unwrap();
        let split = split_for_serving(&data);
        assert_eq!(split.valid, digest.valid);
        assert_eq!(split.train.len() + split.valid.len(), data.users().len());
        assert!(split.test.is_empty() && !digest.test.is_empty());
    }

    #[test]
    fn a_purchase_is_not_lost_behind_the_click_before_it() {
        let event = |item, action, timestamp| IndexedEvent {
            item: ItemIndex(item),
            action,
            value: None,
            timestamp: Some(timestamp),
        };
        let events = [
            event(1, Action::Click, 1),
            event(2, Action::Browse, 2),
            event(1, Action::Purchase, 3),
            event(1, Action::Browse, 4),
            event(2, Action::Browse, 5),
        ];
        assert_eq!(strongest(&events, &LikeRule::default()), [events[2], events[4]]);
    }

    #[test]
    fn too_few_validation_users_are_trained_on() {
        let data = MarketConfig::default().with_users(20).generate().unwrap().into_dataset();
        let split = split_for_serving(&data);
        assert_eq!((split.train.len(), split.valid.len()), (20, 0));
    }
}
