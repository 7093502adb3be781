//! Pretrained models of language: texts in, vectors out.
//!
//! A [`TextEncoder`] turns titles and descriptions into vectors, ahead of time and once ([`CachedEncoder`]); as the dense vectors of a
//! [`Catalogue`](crate::data::Catalogue) ([`item_vectors`]) they let the preference model understand an item that nobody has touched. Behind the feature `text`,
//! [`BertEncoder`] reads the folders of BERT's family (MiniLM, E5, BGE) as they are published, and [`UniversalEncoder`] one for sixteen languages. Models are never downloaded.
//!
//! People in words: a [`TasteProfile`] is a sentence of what somebody likes, a [`Wish`] what they say they want, as a score for each item, and a
//! [`HistoryTemplate`] makes a text of a history.
//!
//! Behind the feature `lm`, a [`LanguageModel`] goes on from a [`Prompt`]; [`DecoderModel`] is one in this process, [`RemoteModel`] one
//! behind a server. A [`SlotWriter`] has it choose the words around recommendations.

#[cfg(any(feature = "text", feature = "lm"))]
mod batches;
#[cfg(feature = "text")]
mod bert;
mod cache;
mod catalogue;
mod encoder;
mod error;
#[cfg(any(feature = "text", feature = "lm"))]
mod files;
#[cfg(feature = "text")]
mod folder;
mod history;
#[cfg(feature = "lm")]
mod lm;
mod profile;
#[cfg(feature = "text")]
mod universal;
mod wish;

#[cfg(feature = "text")]
pub use bert::{BertConfig, BertEncoder, BertModule, Pooling, TokenBatch};
pub use cache::CachedEncoder;
pub use catalogue::{item_text, item_vectors};
pub use encoder::{TextEncoder, TextVectors};
pub use error::TextError;
#[cfg(feature = "text")]
pub use folder::read_encoder;
pub use history::HistoryTemplate;
#[cfg(feature = "lm")]
pub use lm::{
    CachedModel, DecoderModel, Finish, Generated, Generation, LanguageModel, Prompt, RemoteModel, RemoteOptions,
    Sampling, SlotWriter, StateEncoder, StatePooling,
};
pub use profile::{TasteProfile, category_shares};
#[cfg(feature = "text")]
pub use universal::UniversalEncoder;
pub use wish::Wish;
