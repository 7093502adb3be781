//! Orders that mean nothing, for breaking ties the same way everywhere.
//!
//! Many ratings share a second because they were given on one page, and constant predictors score every item alike. What breaks
//! such ties must not be the order of a file or of ids, which do mean something: it is the MD5 digest of a short text.

use std::cmp::Ordering;

use md5::{Digest, Md5};

/// MD5 of `"user|item"`: the order of a user's events within one second.
#[must_use]
pub fn digest_of_pair(user: &str, item: &str) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(user.as_bytes());
    hash.update(b"|");
    hash.update(item.as_bytes());
    hash.finalize().into()
}

/// For each item its place in the order of MD5 of `"tie|item"`: of items with equal scores the one with the smaller place comes first.
///
/// Costs one digest an item and one sort.
#[must_use]
pub fn tie_order<S: AsRef<str>>(items: &[S]) -> Vec<u32> {
    let mut keyed: Vec<([u8; 16], u32)> =
        (0..).zip(items).map(|(index, item)| (digest_of_pair("tie", item.as_ref()), index)).collect();
    keyed.sort_unstable();
    let mut places = vec![0; items.len()];
    for (place, (_, index)) in (0..).zip(&keyed) {
        places[*index as usize] = place;
    }
    places
}

/// Descending by score, then ascending by place: a total order for sorting `(score, place)`.
///
/// NaN comes after every number, minus infinity included, so that a model that yields NaN is ranked last and not first. The two
/// zeros are equal.
///
/// ```
/// use metarec::data::by_score;
///
/// let mut ranked = [(f32::NAN, 0), (0.0, 2), (-0.0, 1), (3.0, 3)];
/// ranked.sort_by(|a, b| by_score(*a, *b));
/// assert_eq!(ranked.map(|(_, place)| place), [3, 1, 2, 0]);
/// ```
#[must_use]
pub fn by_score(a: (f32, u32), b: (f32, u32)) -> Ordering {
    let numbers_first = a.0.is_nan().cmp(&b.0.is_nan());
    let descending = b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal);
    numbers_first.then(descending).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_digest_is_md5_of_user_bar_item() {
        // python3 -c "import hashlib; print(hashlib.md5(b'1|168').hexdigest())"
        let hex: String = digest_of_pair("1", "168").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3aa6ad39f1e9eec53fb3e9767070b135");
    }

    #[test]
    fn places_are_those_of_the_digests_of_tie_bar_item() {
        // python3 -c "import hashlib; print(sorted('abcde', key=lambda i: hashlib.md5(f'tie|{i}'.encode()).hexdigest()))"
        let mut items = ["a", "b", "c", "d", "e"];
        let places = tie_order(&items);
        items.sort_by_key(|item| places[usize::from(item.as_bytes()[0] - b'a')]);
        assert_eq!(items, ["e", "d", "a", "b", "c"]);
    }

    #[test]
    fn nan_is_ranked_below_minus_infinity() {
        assert_eq!(by_score((f32::NAN, 0), (f32::NEG_INFINITY, 1)), Ordering::Greater);
        assert_eq!(by_score((f32::NAN, 0), (f32::NAN, 1)), Ordering::Less);
        assert_eq!(by_score((-f32::NAN, 1), (f32::NAN, 0)), Ordering::Greater);
    }

    #[test]
    fn the_two_zeros_are_equal_and_go_by_place() {
        assert_eq!(by_score((-0.0, 0), (0.0, 1)), Ordering::Less);
        assert_eq!(by_score((0.0, 0), (-0.0, 1)), Ordering::Less);
    }

    proptest! {
        #[test]
        fn scores_are_totally_ordered(bits in proptest::collection::vec((any::<u32>(), 0u32..4), 3)) {
            let scored: Vec<(f32, u32)> = bits.iter().map(|&(bits, place)| (f32::from_bits(bits), place)).collect();
            let (a, b, c) = (scored[0], scored[1], scored[2]);
            prop_assert_eq!(by_score(a, b), by_score(b, a).reverse());
            if by_score(a, b).is_le() && by_score(b, c).is_le() {
                prop_assert!(by_score(a, c).is_le());
            }
        }

        #[test]
        fn places_are_a_permutation(count in 0usize..50) {
            let items: Vec<String> = (0..count).map(|index| index.to_string()).collect();
            let mut places = tie_order(&items);
            places.sort_unstable();
            prop_assert!(places.into_iter().eq((0..).take(count)));
        }
    }
}
