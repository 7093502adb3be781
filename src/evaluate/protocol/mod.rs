//! Protocols: which users are scored, on what, and seeing how much.

mod cold;
mod elicitation;
mod episodes;
mod kind;
mod measure;
mod question;
mod repeat;
mod shots;
mod uncertainty;
mod user_cold;
mod variety;

pub use cold::ColdProtocol;
pub use elicitation::Elicitation;
pub use episodes::write_episodes;
pub use kind::{ProtocolKind, ProtocolOptions, ProtocolRules, ProtocolSplit, TimeShares, UnknownProtocol};
pub use repeat::RepeatPurchase;
pub use shots::{Part, fitted_pool_size, pool_size};
pub use uncertainty::{CalibrationRow, Uncertainty};
pub use user_cold::UserCold;
pub use variety::Variety;

use crate::data::Shots;
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::predictions::{NoPredictions, PredictionSink};
use crate::evaluate::report::Report;

/// Whom a method is asked about, what it sees of them, and what it is measured by.
///
/// Every protocol of this crate hands support sets to a [`Method`], ranks what it scored with ties broken by a digest, and puts each
/// user's value in a [`Report`]; they differ in who the users are, in their support sets, and in what is ranked and relevant.
pub trait Protocol: Sync {
    /// The name, as [`ProtocolKind`] reads it where it is one of this crate.
    fn name(&self) -> &str;

    /// How much of each user a method sees, in the order in which they run.
    fn shots(&self) -> Vec<Shots>;

    /// Runs the protocol on a method, adds what it measured to `report`, and tells `sink` what it predicted.
    ///
    /// # Errors
    /// If there is nobody to ask or not what is asked for, if the method fails or breaks its contract, if the report has a method of its
    /// name already, or if the sink fails. The report is unchanged then.
    fn run_with(
        &self,
        method: &dyn Method,
        report: &mut Report,
        sink: &mut dyn PredictionSink,
    ) -> Result<(), EvaluateError>;

    /// The same without a sink.
    ///
    /// # Errors
    /// As [`Protocol::run_with`].
    fn run(&self, method: &dyn Method, report: &mut Report) -> Result<(), EvaluateError> {
        self.run_with(method, report, &mut NoPredictions)
    }
}
