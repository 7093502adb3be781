//! Taking out what should not be learned from, with an account of it.

mod report;
mod rules;
mod sweep;

pub use report::{Amounts, CleaningReason, CleaningReport, Dropped};
pub use rules::{BotRule, Burst, CleaningRules, Duplicates, Emptied, Keep, OnPinnedSplit, SameAs, TimeRange};

use self::sweep::Sweep;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::ids::ItemIndex;

impl Dataset {
    /// Takes out what the rules say, and gives what is left with an account of what was dropped and why.
    ///
    /// Ids stay what they are, and so do indices, unless users or items without events are to [go](Emptied::Go). The rule of what is
    /// a like stays that of the data before: the scale of its ratings is. What [repeats](Dataset::repeats) is told anew: the first to
    /// arrive where it is left, else the first that is left in the order of the history.
    ///
    /// Costs one pass over the events for each rule and for each round of the rules for too few events; memory for one byte an
    /// event, as the data set itself becomes the cleaned one.
    ///
    /// # Errors
    /// [`DataError::Setting`] if the rules contradict themselves; [`DataError::PinnedSplit`] if the data have a pinned split and the
    /// rules do not say that it may go. That nothing is left is no error.
    ///
    /// ```
    /// use metarec::data::{CleaningRules, Duplicates, Event, Keep, from_events};
    ///
    /// let data = from_events([
    ///     ("ann", Event::click("tea").at(10)),
    ///     ("ann", Event::purchase("tea").at(20)),
    ///     ("ann", Event::click("milk").at(30)),
    ///     ("bob", Event::click("tea").at(40)),
    /// ])?;
    /// let rules = CleaningRules::default().with_duplicates(Duplicates::keep(Keep::Strongest)).with_min_user_events(2);
    /// let (data, report) = data.clean(&rules)?;
    /// assert_eq!(data.events().len(), 2);
    /// assert_eq!(
    ///     report.to_string(),
    ///     "before: 4 events, 2 users, 2 items
    ///   dropped duplicates: 1 events, 0 users, 0 items
    ///   dropped of users with too few events: 1 events, 1 users, 0 items
    ///   (too few events: 2 rounds)
    /// after: 2 events, 1 users, 2 items"
    /// );
    /// # Ok::<(), metarec::data::DataError>(())
    /// ```
    pub fn clean(mut self, rules: &CleaningRules) -> Result<(Self, CleaningReport), DataError> {
        rules.check()?;
        if self.pinned.is_some() && rules.pinned_split == OnPinnedSplit::Refuse {
            return Err(DataError::PinnedSplit);
        }
        let mut sweep = Sweep::new(&self);
        let mut report = sweep.run(rules);
        let left = sweep.left;
        report.pinned_split_dropped = self.pinned.take().is_some();
        let had_events = self.with_events();
        self.keep(&left);
        let has_events = self.with_events();
        let go =
            |had: &[bool], has: &[bool]| -> Vec<bool> { had.iter().zip(has).map(|(had, has)| *has || !*had).collect() };
        if rules.emptied_users == Emptied::Go {
            self.keep_users(&go(&had_events.0, &has_events.0));
        }
        if rules.emptied_items == Emptied::Go {
            self.keep_items(&go(&had_events.1, &has_events.1));
        }
        Ok((self, report))
    }

    /// For each user and for each item whether there is an event.
    fn with_events(&self) -> (Vec<bool>, Vec<bool>) {
        let mut items = vec![false; self.catalogue.len()];
        self.events.iter().for_each(|event| items[event.item.position()] = true);
        (self.offsets.windows(2).map(|ends| ends[0] < ends[1]).collect(), items)
    }

    /// Keeps these events.
    fn keep(&mut self, left: &[bool]) {
        let mut next = 0;
        let mut seen = std::collections::HashSet::new();
        let mut begins = 0;
        for user in 0..self.users.len() {
            let ends = self.offsets[user + 1];
            let from = next;
            for place in (begins..ends).filter(|&place| left[place]) {
                self.events[next] = self.events[place];
                self.repeats[next] = self.repeats[place];
                next += 1;
            }
            begins = ends;
            self.offsets[user + 1] = next;
            seen.clear();
            let kept = self.events[from..next].iter().zip(&self.repeats[from..next]);
            seen.extend(kept.filter(|(_, repeats)| !**repeats).map(|(event, _)| event.item));
            for place in from..next {
                self.repeats[place] &= !seen.insert(self.events[place].item);
            }
        }
        self.events.truncate(next);
        self.events.shrink_to_fit();
        self.repeats.truncate(next);
        self.repeats.shrink_to_fit();
    }

    /// Keeps these users, who must be all that have an event.
    fn keep_users(&mut self, keep: &[bool]) {
        let ends = self.offsets[1..].iter().zip(keep).filter(|(_, keep)| **keep).map(|(end, _)| *end);
        self.offsets = std::iter::once(0).chain(ends).collect();
        self.users = self.users.part(keep);
    }

    /// Keeps these items, which must be all that have an event.
    fn keep_items(&mut self, keep: &[bool]) {
        let mut next = 0;
        let new: Vec<u32> = keep
            .iter()
            .map(|&keep| {
                next += u32::from(keep);
                next.saturating_sub(1)
            })
            .collect();
        self.events.iter_mut().for_each(|event| event.item = ItemIndex(new[event.item.position()]));
        self.catalogue = self.catalogue.part(keep);
    }
}

#[cfg(test)]
mod tests;
