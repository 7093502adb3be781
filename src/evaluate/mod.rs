//! Metrics, protocols, intervals and reports.
//!
//! What is measured is the path that is served: a [`Method`] gets the support events of users it has never seen and
//! returns scores of all items, predicted ratings, or both. [`UserCold`] runs it at several numbers of shots, ranks the
//! whole catalogue, and puts the value of every user into a [`Report`], which gives means with bootstrap intervals and
//! paired differences. Other [`Protocol`]s ask for new items and known users ([`ColdProtocol`]) or for what is taken again
//! ([`RepeatPurchase`]); [`ProtocolKind`] finds each by its name. What a method predicts can be had as well
//! ([`PredictionSink`], [`PredictionCsv`]), how well it knows how sure it is ([`Uncertainty`]), how good it becomes by asking
//! ([`Elicitation`]), how varied, new and evenly spread its lists are, as they are and re-ranked ([`Variety`]), whom it serves how well
//! ([`GroupReport`]), and small data go further by cross-validation over users ([`cross_validate`]). The [`baseline`](crate::baseline)
//! methods belong in every table: the random and the constant row show what a
//! broken model would score.
//!
//! ```
//! use metarec::data::{DatasetBuilder, Event, HeldOutUser, TaskHistory, UserIndex, UserSplit};
//! use metarec::baseline;
//! use metarec::evaluate::{Report, UserCold};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut events = DatasetBuilder::new();
//! for user in 0..8u32 {
//!     for item in 0..12u32 {
//!         let value = if (user + item) % 3 == 0 { 5.0 } else { 2.0 };
//!         events.push(&user.to_string(), &Event::rating(item.to_string(), value).at(i64::from(item)))?;
//!     }
//! }
//! let data = events.build();
//! let history = |user| data.history(UserIndex(user)).to_vec();
//! let held_out = |user| {
//!     let (pool, query) = data.history(UserIndex(user)).split_at(5);
//!     HeldOutUser { user: UserIndex(user), pool: pool.to_vec(), query: query.to_vec() }
//! };
//! let split = UserSplit {
//!     train: (0..4).map(|user| TaskHistory { user: UserIndex(user), events: history(user) }).collect(),
//!     valid: vec![held_out(4), held_out(5)],
//!     test: vec![held_out(6), held_out(7)],
//! };
//!
//! let protocol = UserCold::new(&data, &split)?;
//! let mut report = Report::new();
//! for method in baseline::standard(&data, &split, protocol.shots(), 1)? {
//!     protocol.run(method.as_ref(), &mut report)?;
//! }
//! println!("{report}");
//! assert!(report.mean("popularity", 5, "ndcg@10").is_some());
//! # Ok(())
//! # }
//! ```

pub mod metric;

mod averaged;
mod cross_validate;
mod error;
mod group_report;
mod interval;
mod method;
mod policy;
mod predictions;
mod protocol;
mod report;
mod served;
mod table;

/// How much of a user a method sees is said in terms of their events: it is of the room `data`.
pub use crate::data::{Shots, UnknownShots};
pub use averaged::Averaged;
pub use cross_validate::{CrossValidated, CrossValidation, FoldSpread, cross_validate};
pub use error::EvaluateError;
pub use group_report::{GapRow, GroupReport, GroupRow};
pub use interval::{Bootstrap, Interval, PairedDifference};
pub use method::{Method, Support};
pub use policy::{ExpectedGain, FixedOrder, Interview, QuestionPolicy};
pub use predictions::{NoPredictions, Predicted, PredictionCsv, PredictionSink};
pub use protocol::{
    CalibrationRow, ColdProtocol, Elicitation, Part, Protocol, ProtocolKind, ProtocolOptions, ProtocolRules,
    ProtocolSplit, RepeatPurchase, TimeShares, Uncertainty, UnknownProtocol, UserCold, Variety, fitted_pool_size,
    pool_size, write_episodes,
};
pub use report::{Measured, Report, ReportRow};
pub use served::Served;
