//! Adapted users, online updates and top-k: what a server calls.
//!
//! A [`Recommender`] is the trained model, immutable and shared by all threads. A user is an [`AdaptedUser`], a small value that the host keeps, saves, updates event by
//! event, or drops. From one to the other:
//!
//! | call | what it does | cost |
//! |---|---|---|
//! | [`adapt`](Recommender::adapt), [`adapt_many`](Recommender::adapt_many) | events to users | one adaptation, a batch of them |
//! | [`update`](Recommender::update), [`forget`](Recommender::forget) | one event more, one item less | next to nothing now, one adaptation when scores are next asked for |
//! | [`top_k`](Recommender::top_k), [`top_k_with`](Recommender::top_k_with) | the best items | a score for each item, a partial sort |
//! | [`scores`](Recommender::scores), [`rate`](Recommender::rate), [`ratings`](Recommender::ratings) | numbers for each item | a score for each item |
//! | [`scores_with_prior`](Recommender::scores_with_prior), [`top_k_with_prior`](Recommender::top_k_with_prior) | the same with what was known of items before, a wish for instance | a sum for each item more |
//! | [`explain`](Recommender::explain) | which events speak for an item | an adaptation for each item of the history |
//! | [`distributions`](Recommender::distributions), [`distribution`](Recommender::distribution) | how surely ratings are predicted | a product of matrices |
//! | [`questions`](Recommender::questions) | what to ask a newcomer about | two adaptations for each of 50 candidates, a product of matrices for each question |
//! | [`Reranker::hits`] | the best items spread out, with shares of the places for some | a distance for each candidate and place |
//! | [`save`](Recommender::save), [`load`](Recommender::load) | the model as a folder | its size |
//!
//! Models and learners of other crates are served through [`Recommender::from_parts`] and [`Recommender::load_with`].

mod device;
mod elicit;
mod engine;
mod error;
mod explain;
mod filter;
mod floors;
mod incoming;
mod parts;
mod prior;
mod recommender;
mod rerank;
mod shift;
mod stored;
mod user;

pub use device::{DeviceError, device_from_env};
pub use elicit::{Question, QuestionRule};
pub use error::RecommendError;
pub use explain::{Explanation, Reason};
pub use filter::{Filter, Hit};
pub use parts::RecommenderParts;
pub use prior::ItemPrior;
pub use recommender::Recommender;
pub use rerank::Reranker;
pub use stored::Stored;
pub use user::AdaptedUser;
