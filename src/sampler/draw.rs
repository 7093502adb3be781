//! Which of a task's events are shown and which are asked for: what all samplers of histories share.

use super::config::{SupportOrder, UserSamplerConfig};
use super::episode::EpisodeId;
use crate::data::Draws;

/// Places of a task's events, ascending; whatever is in neither set is passed over.
pub(super) struct Drawn {
    pub support: Vec<usize>,
    pub query: Vec<usize>,
}

/// Draws both sets among `events` places. `events` is at least `config.min_query`.
pub(super) fn draw(events: usize, id: EpisodeId, config: &UserSamplerConfig) -> Drawn {
    let mut draws = Draws::new(*b"episode\0", id.seed, id.index);
    let room = events.saturating_sub(config.min_query);
    let shots = (config.min_shots + draws.below(config.max_shots - config.min_shots + 1)).min(room);
    let (support, query) = match order(config.order, &mut draws) {
        SupportOrder::Window => {
            let start = draws.below(room - shots + 1);
            ((start..start + shots).collect(), (start + shots..events).collect())
        }
        SupportOrder::Subset => {
            let support = draws.subset(shots, events);
            let query = others(&support, events);
            (support, query)
        }
        SupportOrder::Early => {
            let most = config.early_events.clamp(shots, room);
            let early = shots + draws.below(most - shots + 1);
            (draws.subset(shots, early), (early..events).collect())
        }
        SupportOrder::First | SupportOrder::Mixture(_) => ((0..shots).collect(), (shots..events).collect()),
    };
    Drawn { support, query: at_most(config.max_query, query, &mut draws) }
}

/// A random part of the query, where it is too large.
pub(super) fn at_most<T: Copy>(most: Option<usize>, query: Vec<T>, draws: &mut Draws) -> Vec<T> {
    match most.filter(|&most| most < query.len()) {
        Some(most) => draws.subset(most, query.len()).into_iter().map(|place| query[place]).collect(),
        None => query,
    }
}

/// The order of one episode.
fn order(order: SupportOrder, draws: &mut Draws) -> SupportOrder {
    let SupportOrder::Mixture(weights) = order else { return order };
    match draws.weighted(&weights.as_array()) {
        Some(1) => SupportOrder::Window,
        Some(2) => SupportOrder::Subset,
        Some(3) => SupportOrder::Early,
        _ => SupportOrder::First,
    }
}

/// The places of `0..of` that are not among `chosen`, which ascend.
fn others(chosen: &[usize], of: usize) -> Vec<usize> {
    let mut next = chosen.iter().copied().peekable();
    (0..of).filter(|place| next.next_if_eq(place).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn others_are_all_but_the_chosen(flags in proptest::collection::vec(any::<bool>(), 0..40)) {
            let (chosen, rest): (Vec<usize>, Vec<usize>) = (0..flags.len()).partition(|&place| flags[place]);
            prop_assert_eq!(others(&chosen, flags.len()), rest);
        }
    }
}
