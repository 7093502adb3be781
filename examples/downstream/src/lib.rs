//! What another crate adds to `metarec` through its public interface alone: a sampler, a model and a learner.
//!
//! `docs/adding-a-learner.md` and `docs/adding-a-model.md` show the files of this crate word for word; `tests/pages.rs` keeps them equal.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod batch;
mod context;
mod favourites;
mod model;

pub use batch::TasteBatch;
pub use context::{Context, ContextMap};
pub use favourites::Favourites;
pub use model::{MeanTaste, MeanTasteConfig, TasteCatalogue, TasteExamples};
