//! The code of docs/adding-a-sampler.md: compiled, run, and held to what the page shows.
//!
//! The page tells of a crate `my_samplers`. Here this test is that crate: `sampler.rs` stands for its `src/lib.rs`, `property.rs` for its
//! `tests/next_events.rs`, `training.rs` for its `src/main.rs`.

extern crate self as my_samplers;

mod property;
mod sampler;

pub use sampler::NextEvents;

#[cfg(feature = "train")]
mod training {
    include!("training.rs");

    #[test]
    fn the_program_of_the_page_trains() {
        main().unwrap();
    }
}

#[test]
fn the_page_shows_exactly_this_code() {
    let page = include_str!("../../docs/adding-a-sampler.md");
    let files = [
        ("src/lib.rs", include_str!("sampler.rs")),
        ("tests/next_events.rs", include_str!("property.rs")),
        ("src/main.rs", include_str!("training.rs")),
    ];
    for (name, code) in files {
        assert!(page.contains(&format!("```rust\n{code}```\n")), "{name} on the page is not the code that is tested");
    }
    assert_eq!(page.matches("```rust\n").count(), files.len(), "code on the page that nothing compiles");
}
