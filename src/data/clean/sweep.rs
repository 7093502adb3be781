//! Applying the rules: marks what goes, and keeps the account.

use std::collections::HashMap;
use std::ops::Range;

use super::report::{Amounts, CleaningReason, CleaningReport, Dropped};
use super::rules::{CleaningRules, Duplicates, Keep, SameAs};
use crate::data::dataset::Dataset;
use crate::data::event::{Action, IndexedEvent};
use crate::data::ids::ItemIndex;
use crate::data::likes::LikeRule;

/// What is left of a data set while the rules are applied.
pub(super) struct Sweep<'a> {
    data: &'a Dataset,
    /// For each event whether it is left.
    pub left: Vec<bool>,
    users: Vec<u32>,
    items: Vec<u32>,
    dropped: [Amounts; CleaningReason::ALL.len()],
}

impl<'a> Sweep<'a> {
    pub fn new(data: &'a Dataset) -> Self {
        let mut items = vec![0; data.catalogue().len()];
        data.events().iter().for_each(|event| items[event.item.position()] += 1);
        let users = data.offsets.windows(2).map(|ends| (ends[1] - ends[0]) as u32).collect();
        let left = vec![true; data.events().len()];
        Self { data, left, users, items, dropped: [Amounts::default(); CleaningReason::ALL.len()] }
    }

    /// What is left.
    pub fn amounts(&self) -> Amounts {
        let some = |counts: &[u32]| counts.iter().filter(|&&count| count > 0).count() as u64;
        let events = self.users.iter().map(|&count| u64::from(count)).sum();
        Amounts { events, users: some(&self.users), items: some(&self.items) }
    }

    /// Applies all rules.
    pub fn run(&mut self, rules: &CleaningRules) -> CleaningReport {
        let before = self.amounts();
        self.drop_bots(rules);
        self.drop_events(rules);
        self.drop_duplicates(&rules.duplicates);
        if let Some(most) = rules.max_user_events {
            self.drop_users(CleaningReason::TooManyUserEvents, |events| events > most);
        }
        let rounds = self.drop_few(rules.min_user_events, rules.min_item_events);
        let reasons = CleaningReason::ALL.into_iter().zip(self.dropped);
        let dropped = reasons.map(|(reason, amounts)| Dropped { reason, amounts });
        let dropped = dropped.filter(|dropped| dropped.amounts.events > 0).collect();
        CleaningReport { before, after: self.amounts(), dropped, rounds, pinned_split_dropped: false }
    }

    fn drop_event(&mut self, user: usize, place: usize, reason: CleaningReason) {
        if !std::mem::replace(&mut self.left[place], false) {
            return;
        }
        let item = self.data.events()[place].item.position();
        self.users[user] -= 1;
        self.items[item] -= 1;
        let amounts = &mut self.dropped[reason as usize];
        amounts.events += 1;
        amounts.users += u64::from(self.users[user] == 0);
        amounts.items += u64::from(self.items[item] == 0);
    }

    fn places(&self, user: usize) -> Range<usize> {
        self.data.offsets[user]..self.data.offsets[user + 1]
    }

    fn drop_user(&mut self, user: usize, reason: CleaningReason) {
        self.places(user).for_each(|place| self.drop_event(user, place, reason));
    }

    /// Drops the users of whom the number of events left says so.
    fn drop_users(&mut self, reason: CleaningReason, goes: impl Fn(u32) -> bool) {
        for user in 0..self.users.len() {
            if goes(self.users[user]) {
                self.drop_user(user, reason);
            }
        }
    }

    fn drop_bots(&mut self, rules: &CleaningRules) {
        for user in 0..self.users.len() {
            let times = self.data.events()[self.places(user)].iter().filter_map(|event| event.timestamp);
            if rules.bots.is_bot(times) {
                self.drop_user(user, CleaningReason::Bot);
            }
        }
    }

    fn drop_events(&mut self, rules: &CleaningRules) {
        let reason = |event: &IndexedEvent| {
            if rules.actions.as_ref().is_some_and(|kept| !kept.contains(&event.action)) {
                Some(CleaningReason::Action)
            } else if rules.time.contains(event.timestamp) {
                None
            } else {
                Some(event.timestamp.map_or(CleaningReason::UnknownTime, |_| CleaningReason::Time))
            }
        };
        for user in 0..self.users.len() {
            for place in self.places(user) {
                if let Some(reason) = reason(&self.data.events()[place]) {
                    self.drop_event(user, place, reason);
                }
            }
        }
    }

    fn drop_duplicates(&mut self, rule: &Duplicates) {
        if rule.keep == Keep::All {
            return;
        }
        let mut kept: HashMap<(ItemIndex, Option<Action>), usize> = HashMap::new();
        for user in 0..self.users.len() {
            kept.clear();
            for place in self.places(user).filter(|&place| self.left[place]).collect::<Vec<_>>() {
                let event = &self.data.events()[place];
                let key = (event.item, (rule.of == SameAs::ItemAndAction).then_some(event.action));
                let Some(held) = kept.insert(key, place) else { continue };
                let goes = if replaces(rule.keep, event, &self.data.events()[held], self.data.like_rule()) {
                    held
                } else {
                    kept.insert(key, held);
                    place
                };
                self.drop_event(user, goes, CleaningReason::Duplicate);
            }
        }
    }

    /// Until nothing falls below either bound. Says in how many rounds.
    fn drop_few(&mut self, least_user: u32, least_item: u32) -> u32 {
        if least_user <= 1 && least_item <= 1 {
            return 0;
        }
        let mut rounds = 0;
        loop {
            rounds += 1;
            let before = self.dropped;
            self.drop_users(CleaningReason::TooFewUserEvents, |events| (1..least_user).contains(&events));
            let few: Vec<bool> = self.items.iter().map(|events| (1..least_item).contains(events)).collect();
            for user in 0..self.users.len() {
                for place in self.places(user) {
                    if few[self.data.events()[place].item.position()] {
                        self.drop_event(user, place, CleaningReason::TooFewItemEvents);
                    }
                }
            }
            if self.dropped == before {
                return rounds;
            }
        }
    }
}

/// Whether a later duplicate is kept instead of the one that is held.
fn replaces(keep: Keep, later: &IndexedEvent, held: &IndexedEvent, likes: &LikeRule) -> bool {
    match keep {
        Keep::All | Keep::First => false,
        Keep::Last => true,
        Keep::Strongest => {
            let strength = |event: &IndexedEvent| (likes.weight(event), event.value.unwrap_or(f32::NEG_INFINITY));
            strength(later) >= strength(held)
        }
    }
}
