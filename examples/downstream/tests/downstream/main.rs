//! The tests of this crate, as one program: what compiles once is checked once.

mod learner;
mod model;
mod pages;
mod programs;
mod sampler;
mod serving;
mod together;
