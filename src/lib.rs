//! metarec
pub use burn;
pub mod data;
pub mod evaluate;
pub mod meta;
pub mod model;
pub mod persist;
pub mod sampler;
pub mod train;
