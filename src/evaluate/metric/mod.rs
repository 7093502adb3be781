//! Metrics as pure functions of ranked lists, positions and predicted ratings.
//!
//! This part knows ids and nothing else of the crate, so that training can watch a metric without importing a protocol.
//!
//! A [`RankingMetric`] is computed from [`Positions`]: where the relevant items stand in a ranking. They come from a
//! list ([`Positions::in_list`]) or, without building the list, from the scores of a whole catalogue
//! ([`Positions::by_score`]). No metric cuts a tie by the order of an array: equal scores are ordered by places that
//! the caller gives, which mean nothing.
//!
//! | metric | of one user with `r` relevant items |
//! |---|---|
//! | [`Ndcg`] | discounted gain of the first `k` over the best that `r` allows |
//! | [`HitRate`] | whether one of the first `k` is relevant |
//! | [`Recall`] | relevant among the first `k`, over `min(k, r)` |
//! | [`Precision`] | relevant among the first `k`, over `k` |
//! | [`F1`] | `2 * hits / (k + r)` |
//! | [`Mrr`] | 1 over the rank of the first relevant item, 0 past `k` |
//! | [`MeanAveragePrecision`] | mean precision at the relevant among the first `k`, over `min(k, r)` |
//! | [`Auc`] | share of (relevant, other) pairs in the right order |
//! | [`coverage`] | share of the catalogue in anyone's list |
//! | [`novelty`], [`intra_list_diversity`], [`share_within`] | of one list, whatever is relevant: how surprising, how varied, how much from the long tail |
//! | [`gini`] | how unevenly places go to items ([`exposure`]) |
//! | [`rmse`], [`mae`], [`accuracy`] | of predicted ratings |
//! | [`holds`], [`interval_score`], [`central_part`] | of one predicted interval or distribution |

mod coverage;
mod interval;
mod list;
mod order;
mod positions;
mod ranking;
mod rating;

pub use coverage::coverage;
pub use interval::{central_part, holds, interval_score};
pub use list::{exposure, gini, intra_list_diversity, novelty, share_within};
pub use order::top_items;
pub use positions::Positions;
pub use ranking::{Auc, F1, HitRate, MeanAveragePrecision, Mrr, Ndcg, Precision, RankingMetric, Recall};
pub use rating::{accuracy, mae, rmse};

/// Which way a metric is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// More is better, as of every ranking metric.
    HigherIsBetter,
    /// Less is better, as of errors.
    LowerIsBetter,
}
