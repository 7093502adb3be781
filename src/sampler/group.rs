//! Groups of users as tasks.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::draw::at_most;
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::group_config::GroupSamplerConfig;
use super::part::check_shots;
use super::permutation::turn;
use super::task::TaskId;
use crate::data::{Draws, IndexedEvent, ItemIndex, TaskHistory, UserGroups};

/// Draws episodes from groups of users, all of them equally often: some members speak for the group, others are to be predicted.
/// What is learned is how a new member resembles the others, and a new market those it opens with.
///
/// The members asked about are drawn evenly from those with `min_query` events or more, those who speak evenly from the rest; no
/// user does both. The support is a random part of all the speakers' events, so that who did more says more, as in the log of a
/// market. No item is in both sets: an item of the support is no candidate, so events of the query with that item are passed over,
/// as are those beyond `max_query`. Where that would leave less than `min_query`, the support shrinks, at worst to nothing.
///
/// Events of speakers that are not shown are *not* passed over: they say nothing about the members asked about, for whom their
/// items are candidates like all others. Both sets are in time order; the query may be earlier than the support, as the members
/// are other users.
///
/// With [`GroupSampler::tasks`] groups, indices `0..tasks` are the first epoch: each group once, in a random order. As groups are
/// few, training may rather want epochs of several times that.
///
/// Cloning is cheap: the histories are shared. An episode costs one random number for each event of the members that it draws.
///
/// ```
/// use metarec::data::{UserGroups, synthetic::MarketConfig};
/// use metarec::sampler::{EpisodeId, GroupSampler, GroupSamplerConfig, TaskId, TaskSampler};
///
/// let data = MarketConfig::default().generate()?.into_dataset();
/// let groups = UserGroups::by_columns(data.users(), &["segment", "city"])?;
/// let sampler = GroupSampler::new(data.split()?.train, &groups, GroupSamplerConfig::default())?;
/// let episode = sampler.episode(EpisodeId { seed: 1, index: 0 })?;
/// let TaskId::Group(group) = episode.task else { unreachable!() };
/// println!("{} events of {}", episode.support.len(), groups.names()[group as usize]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupSampler {
    histories: Arc<[TaskHistory]>,
    groups: Arc<[Group]>,
    left_out: usize,
    config: GroupSamplerConfig,
}

/// A group that can be drawn. Members are places of histories.
#[derive(Clone, Debug)]
struct Group {
    number: u32,
    /// Members with enough events to be asked about.
    askable: Vec<usize>,
    /// Members with events, too few to be asked about.
    others: Vec<usize>,
}

impl GroupSampler {
    /// A sampler over the groups that these users (a `Vec` or an `Arc` of their histories) belong to.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds, [`SamplerError::NoGroups`] if no group has a member
    /// with `min_query` events and another with events.
    pub fn new(
        histories: impl Into<Arc<[TaskHistory]>>,
        groups: &UserGroups,
        config: GroupSamplerConfig,
    ) -> Result<Self, SamplerError> {
        config.check()?;
        let histories = histories.into();
        let empty = |number| Group { number, askable: Vec::new(), others: Vec::new() };
        let mut found: Vec<Group> = (0..).map(empty).take(groups.len()).collect();
        for (place, history) in histories.iter().enumerate() {
            let Some(number) = groups.group(history.user) else { continue };
            match history.events.len() {
                0 => {}
                events if events >= config.min_query => found[number as usize].askable.push(place),
                _ => found[number as usize].others.push(place),
            }
        }
        found.retain(|group| !group.askable.is_empty() && group.askable.len() + group.others.len() > 1);
        if found.is_empty() {
            return Err(SamplerError::NoGroups { groups: groups.len(), least: config.min_query });
        }
        Ok(Self { histories, left_out: groups.len() - found.len(), groups: found.into(), config })
    }

    /// How many groups are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.groups.len()
    }

    /// How many groups have too few members or events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &GroupSamplerConfig {
        &self.config
    }

    fn draw(&self, id: EpisodeId, shots: &RangeInclusive<usize>) -> Episode {
        let mut draws = Draws::new(*b"groups\0\0", id.seed, id.index);
        let group = &self.groups[turn(self.groups.len(), id)];
        let (asked, speaking) = self.members(group, &mut draws);
        let mut query = self.events(&asked);
        let mut support = self.events(&speaking);
        draws.shuffle(&mut support);
        let shots = shots.start() + draws.below(shots.end() - shots.start() + 1);
        support.truncate(shots.min(most_shots(&support, &query, self.config.min_query)));
        support.sort_by_key(|event| event.timestamp);
        query.sort_by_key(|event| event.timestamp);
        let shown: HashSet<ItemIndex> = support.iter().map(|event| event.item).collect();
        let new: Vec<usize> = (0..query.len()).filter(|&place| !shown.contains(&query[place].item)).collect();
        let kept = at_most(self.config.max_query, new, &mut draws);
        let (query, passed_over) = parted(query, &kept);
        Episode { task: TaskId::Group(group.number), support, query, passed_over }
    }

    /// Who is asked about, and who speaks.
    fn members(&self, group: &Group, draws: &mut Draws) -> (Vec<usize>, Vec<usize>) {
        let members = group.askable.len() + group.others.len();
        let asked = self.config.query_members.min(members - 1).min(group.askable.len());
        let mut askable = group.askable.clone();
        draws.shuffle(&mut askable);
        let mut rest = askable.split_off(asked);
        rest.extend(&group.others);
        let speaking = draws.subset(self.config.support_members.min(rest.len()), rest.len());
        (askable, speaking.into_iter().map(|place| rest[place]).collect())
    }

    fn events(&self, members: &[usize]) -> Vec<IndexedEvent> {
        members.iter().flat_map(|&member| &self.histories[member].events).copied().collect()
    }
}

/// The events at the places kept, which ascend, and all others.
fn parted(events: Vec<IndexedEvent>, kept: &[usize]) -> (Vec<IndexedEvent>, Vec<IndexedEvent>) {
    let mut next = kept.iter().copied().peekable();
    let mut place = 0..;
    events.into_iter().partition(|_| place.next().is_some_and(|place| next.next_if_eq(&place).is_some()))
}

/// How many events of the support can be shown, the first before the others, without taking the items of too many query events.
fn most_shots(support: &[IndexedEvent], query: &[IndexedEvent], min_query: usize) -> usize {
    let mut first: HashMap<ItemIndex, usize> = HashMap::new();
    for (place, event) in support.iter().enumerate() {
        first.entry(event.item).or_insert(place);
    }
    // A query event is left as long as no more events are shown than stand before its item.
    let mut left: Vec<usize> =
        query.iter().map(|event| first.get(&event.item).copied().unwrap_or(support.len())).collect();
    left.sort_unstable_by(|a, b| b.cmp(a));
    left.get(min_query - 1).copied().unwrap_or(0)
}

impl TaskSampler for GroupSampler {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        Ok(self.draw(id, &(self.config.min_shots..=self.config.max_shots)))
    }
}

impl ShotsSampler for GroupSampler {
    fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError> {
        check_shots("shots", &shots)?;
        Ok(self.draw(id, &shots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;

    #[test]
    fn the_support_shrinks_until_enough_of_the_query_is_new() {
        let events = |items: &[u32]| -> Vec<IndexedEvent> {
            let event =
                |&item| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
            items.iter().map(event).collect()
        };
        for (support, query, min_query, expected) in [
            (&[1, 2, 3, 4][..], &[7, 8][..], 2, 4),
            (&[1, 2, 3, 4], &[7, 3], 1, 4),
            (&[1, 2, 3, 4], &[7, 3], 2, 2),
            (&[3, 2, 3, 4], &[7, 3], 2, 0),
            (&[], &[7], 1, 0),
        ] {
            assert_eq!(most_shots(&events(support), &events(query), min_query), expected, "{support:?} {query:?}");
        }
    }
}
