//! The sampler room from outside: what is promised of every episode.

mod common;
mod curriculum;
mod group;
mod item;
mod mixture;
mod part;
mod session;
mod slice;
#[cfg(feature = "train")]
mod training;
mod user;
