//! A sequence that meets every interval as often as it is long, from the first episodes on.

/// How many slots there are.
pub(super) const SLOTS: u64 = 1 << 32;

/// The slot of a place, both below [`SLOTS`]: the place with its bits in reverse, shifted digit by digit.
///
/// This is van der Corput's sequence in base 2 ("Verteilungsfunktionen", 1935). With a random shift every place is equally likely
/// to have any slot, and among the first `n` places every interval of slots is met as often as it is long, give or take one for
/// each binary digit of `n` that is 1.
pub(super) fn slot(place: u64, shift: u64) -> u64 {
    (place << 32).reverse_bits() ^ (shift % SLOTS)
}

/// How many of the first `places` places, fewer than [`SLOTS`], have a slot below `bound`. Costs one step for each binary digit.
pub(super) fn slots_below(places: u64, bound: u64, shift: u64) -> u64 {
    let (mut count, mut start) = (0, 0);
    for bit in (0..u64::BITS / 2).rev().filter(|bit| places >> bit & 1 == 1) {
        // The places `start..start + 2^bit` have all slots that differ from the first one's by multiples of `step`.
        let step = SLOTS >> bit;
        let least = slot(start, shift) % step;
        count += bound.saturating_sub(least).div_ceil(step);
        start += 1 << bit;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_slots_cut_the_line_in_ever_smaller_halves() {
        let first: Vec<u64> = (0..4).map(|place| slot(place, 0)).collect();
        assert_eq!(first, [0, SLOTS / 2, SLOTS / 4, SLOTS / 4 * 3]);
        assert_eq!(slot(SLOTS - 1, 0), SLOTS - 1);
    }

    proptest! {
        #[test]
        fn slots_below_a_bound_are_counted(places in 0_u64..400, bound in 0..=SLOTS, shift: u64) {
            let counted = (0..places).filter(|&place| slot(place, shift) < bound).count() as u64;
            prop_assert_eq!(slots_below(places, bound, shift), counted);
        }

        #[test]
        fn no_prefix_strays_from_the_share_by_more_than_its_digits(places in 0..SLOTS, bound in 0..=SLOTS, shift: u64) {
            let expected = places as f64 * bound as f64 / SLOTS as f64;
            let counted = slots_below(places, bound, shift) as f64;
            prop_assert!((counted - expected).abs() <= f64::from(places.count_ones()), "{counted} {expected}");
        }

        #[test]
        fn slots_are_places_and_places_slots(place in 0..SLOTS, shift: u64) {
            let there = slot(place, shift);
            prop_assert!(there < SLOTS);
            prop_assert_eq!(slot(there ^ (shift % SLOTS), 0), place);
        }
    }
}
