//! What most programs need, in one line: `use metarec::prelude::*;`.

pub use crate::data::{Action, Dataset, Event, from_events, read_dir};
pub use crate::recommend::{AdaptedUser, Filter, Hit, Recommender, device_from_env};
#[cfg(feature = "train")]
pub use crate::{Config, train::CancelToken, train::Observer};
