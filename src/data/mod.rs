//! Events, catalogue and user columns: read, checked, indexed, split by user.
//!
//! This room depends on nothing else in the crate and on no device: it can be used, and is tested, without Burn.
//! Data flows through it in this order:
//!
//! 1. [`Event`]s arrive from a folder ([`read_dir`]), from a file ([`EventReader`]) or from any iterator ([`from_events`]);
//! 2. a [`Dataset`] indexes them: external ids become [`UserIndex`] and [`ItemIndex`], each user's events are put in time order;
//! 3. [`Dataset::clean`] takes out duplicates, bots and what is too little to learn from, and gives account of it;
//! 4. a [`UserSplit`] sets whole users apart for meta-training, meta-validation and meta-test, a [`ColdSplit`] items, both, or what
//!    comes later.
//!
//! [`UserGroups`] says who is in which group, [`PopularityBands`] which items are the long tail, [`ItemDistance`] how far apart two items
//! are.
//!
//! [`synthetic`] makes small markets with known tastes, for tests and examples.

mod bands;
mod builder;
mod catalogue;
mod clean;
mod dataset;
mod distance;
mod draws;
mod error;
mod event;
mod groups;
mod ids;
mod likes;
mod order;
mod popularity;
mod profile;
mod read;
mod shots;
mod split;
pub mod synthetic;
#[cfg(feature = "train")]
mod train_values;
mod transposed;
mod users;

pub use bands::{Band, PopularityBands};
pub use builder::{DatasetBuilder, from_events};
pub use catalogue::{Catalogue, Item, ItemVectors};
pub use clean::{
    Amounts, BotRule, Burst, CleaningReason, CleaningReport, CleaningRules, Dropped, Duplicates, Emptied, Keep,
    OnPinnedSplit, SameAs, TimeRange,
};
pub use dataset::Dataset;
pub use distance::ItemDistance;
pub(crate) use draws::Draws;
pub use error::DataError;
pub use event::{Action, Event, IndexedEvent, UnknownAction};
pub use groups::UserGroups;
pub use ids::{Ids, ItemIndex, UserIndex};
pub use likes::{ActionWeights, LikeRule};
pub use order::{by_score, digest_of_pair, tie_order};
pub use popularity::{conditional_popularity, discounted_popularity, popularity};
pub use profile::{ProfileSchema, Profiles};
pub use read::{
    DirReader, EventReader, EventRows, FileReport, OnRowError, Place, ReadReport, RowError, RowErrorCount, read_dir,
};
pub use shots::{Shots, UnknownShots};
pub use split::{
    Cold, ColdSplit, FoldRule, HeldOutUser, ItemRule, LeftOut, RepeatRule, SplitRule, TaskHistory, TimeRule, UserFolds,
    UserSplit,
};
#[cfg(feature = "train")]
pub(crate) use train_values::{TrainValues, rated};
pub use users::UserTable;
