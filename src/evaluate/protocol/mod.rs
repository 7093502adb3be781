//! Protocols: which users are scored, on what, and seeing how much.

mod episodes;
mod held_out;
mod shots;
mod user_cold;

pub use episodes::write_episodes;
pub use shots::{Part, pool_size};
pub use user_cold::UserCold;
