//! Every learner against the contract, and against numbers worked out without it.

mod broken;
mod contract;
mod gaussian;
mod golden;
mod gradients;
mod market;
mod points;
