//! What LightFM minimises, and which item serves against a like.

use serde::{Deserialize, Serialize};

use crate::data::Draws;

/// What [`LightFm`](crate::baseline::LightFm) minimises over pairs of a like and a drawn item that the user does not like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LightFmLoss {
    /// `softplus(-like) + softplus(other)`: each score by itself says how likely a like is.
    Logistic,
    /// `softplus(other - like)`: Bayesian personalised ranking (Rendle et al., 2009).
    Bpr,
    /// `L(rank) * max(0, 1 + other - like)`, `other` being the first drawn item for which that is more than 0, `rank` what the
    /// number of draws until then says of the like's place, and `L(rank) = 1 + 1/2 + ... + 1/rank`: weighted approximate-rank
    /// pairwise loss (Weston, Bengio and Usunier, *WSABIE*, 2011).
    Warp,
}

impl LightFmLoss {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Logistic, Self::Bpr, Self::Warp];

    /// The name of the method with this loss in reports.
    #[must_use]
    pub fn method_name(self) -> &'static str {
        match self {
            Self::Logistic => "lightfm-logistic",
            Self::Bpr => "lightfm-bpr",
            Self::Warp => "lightfm-warp",
        }
    }

    /// The derivative of the loss of a pair in the scores of the like and of the other item; `L(rank)` is left out.
    pub(super) fn slopes(self, like: f32, other: f32) -> (f32, f32) {
        match self {
            Self::Logistic => (-sigmoid(-like), sigmoid(other)),
            Self::Bpr => {
                let slope = sigmoid(other - like);
                (-slope, slope)
            }
            Self::Warp => {
                let slope = if violates(like, other) { 1.0 } else { 0.0 };
                (-slope, slope)
            }
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Whether the other item is not ranked below the like by a margin of 1.
fn violates(like: f32, other: f32) -> bool {
    other > like - 1.0
}

/// What is drawn against a like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Other {
    pub(super) item: u32,
    pub(super) score: f32,
    /// How much the pair counts: `L(rank)` of WARP, else 1.
    pub(super) weight: f32,
}

/// Draws items against likes, all of them equally likely.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opponents {
    /// The items that training users have met.
    items: Vec<u32>,
    /// `L(rank)` of each rank from 0 to the number of items.
    weights: Vec<f32>,
}

impl Opponents {
    pub(super) fn new(items: Vec<u32>) -> Self {
        let sum = |sum: &mut f64, rank: usize| {
            *sum += if rank == 0 { 0.0 } else { 1.0 / rank as f64 };
            Some(*sum as f32)
        };
        let weights = (0..=items.len()).scan(0.0, sum).collect();
        Self { items, weights }
    }

    /// An item that is no like, drawn at most `most` times: for WARP one that violates the margin, else any. `None` if none is
    /// found.
    pub(super) fn draw(
        &self,
        (loss, like): (LightFmLoss, f32),
        most: usize,
        draws: &mut Draws,
        is_like: impl Fn(u32) -> bool,
        mut score: impl FnMut(u32) -> f32,
    ) -> Option<Other> {
        if self.items.is_empty() {
            return None;
        }
        for drawn in 1..=most {
            let item = self.items[draws.below(self.items.len())];
            if is_like(item) {
                continue;
            }
            let score = score(item);
            match loss {
                LightFmLoss::Warp if !violates(like, score) => {}
                LightFmLoss::Warp => {
                    let rank = ((self.items.len() - 1) / drawn).max(1);
                    return Some(Other { item, score, weight: self.weights[rank] });
                }
                LightFmLoss::Logistic | LightFmLoss::Bpr => return Some(Other { item, score, weight: 1.0 }),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(loss: LightFmLoss, like: f64, other: f64) -> f64 {
        let softplus = |x: f64| x.exp().ln_1p();
        match loss {
            LightFmLoss::Logistic => softplus(-like) + softplus(other),
            LightFmLoss::Bpr => softplus(other - like),
            LightFmLoss::Warp => (1.0 + other - like).max(0.0),
        }
    }

    #[test]
    fn slopes_are_the_derivatives_of_the_losses() {
        for loss in LightFmLoss::ALL {
            for (like, other) in [(0.3, -0.4), (-1.5, 2.0), (4.0, 0.5), (0.0, 0.0)] {
                let (of_like, of_other) = loss.slopes(like as f32, other as f32);
                let e = 1e-5;
                let numeric = [
                    (value(loss, like + e, other) - value(loss, like - e, other)) / (2.0 * e),
                    (value(loss, like, other + e) - value(loss, like, other - e)) / (2.0 * e),
                ];
                for (slope, numeric) in [of_like, of_other].into_iter().zip(numeric) {
                    assert!((f64::from(slope) - numeric).abs() < 1e-5, "{loss:?} {like} {other}: {slope} {numeric}");
                }
            }
        }
    }

    #[test]
    fn warp_weighs_a_violation_by_the_rank_that_the_draws_tell() {
        let opponents = Opponents::new((0..9).collect());
        let mut draws = Draws::new(*b"the test", 1, 0);
        // Every item violates: the first draw finds one, and 8 others may rank above the like.
        let other = opponents.draw((LightFmLoss::Warp, 0.0), 10, &mut draws, |_| false, |_| 0.5).unwrap();
        let of_rank = |rank: i32| (1..=rank).map(|place| 1.0 / f64::from(place)).sum::<f64>() as f32;
        assert_eq!((other.weight, other.score), (of_rank(8), 0.5));
        // One item in nine does: by the mean number of draws, few rank above it.
        let mut sum = 0.0;
        let mut found = 0.0_f32;
        for _ in 0..500 {
            let score = |item| if item == 4 { 0.5 } else { -2.0 };
            let Some(other) = opponents.draw((LightFmLoss::Warp, 0.0), 50, &mut draws, |_| false, score) else {
                continue;
            };
            assert_eq!(other.item, 4);
            (sum, found) = (sum + other.weight, found + 1.0);
        }
        assert!(found > 480.0 && sum / found < 1.6, "{found} {sum}");
    }

    #[test]
    fn likes_are_never_drawn_and_only_warp_passes_over_what_is_ranked_well() {
        let opponents = Opponents::new((0..4).collect());
        let mut draws = Draws::new(*b"the test", 2, 0);
        for loss in LightFmLoss::ALL {
            let drawn = opponents.draw((loss, 5.0), 100, &mut draws, |item| item != 2, |_| 0.0);
            match loss {
                LightFmLoss::Warp => assert_eq!(drawn, None),
                _ => assert_eq!(drawn, Some(Other { item: 2, score: 0.0, weight: 1.0 })),
            }
            assert_eq!(opponents.draw((loss, 0.0), 100, &mut draws, |_| true, |_| 0.0), None);
            assert_eq!(Opponents::new(Vec::new()).draw((loss, 0.0), 9, &mut draws, |_| false, |_| 0.0), None);
        }
    }
}
