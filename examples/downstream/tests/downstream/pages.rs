//! What the pages in `docs/` show is the code of this crate.

/// Files as the page names them, and what they hold.
type Files<'a> = &'a [(&'a str, &'a str)];

fn assert_shows(page: &str, files: Files<'_>) {
    for (name, code) in files {
        assert!(page.contains(&format!("`{name}`")), "the page does not name {name}");
        assert!(page.contains(&format!("```rust\n{code}```\n")), "{name} on the page is not the code that is tested");
    }
    assert_eq!(page.matches("```rust\n").count(), files.len(), "code on the page that nothing compiles");
    // The version of Burn that a newcomer writes is the one that is tested.
    let burn = include_str!("../../Cargo.toml").lines().find(|line| line.starts_with("burn = ")).unwrap();
    assert!(page.contains(burn), "the page has another line for burn than {burn}");
}

#[test]
fn the_page_on_learners_shows_exactly_this_code() {
    let files = [
        ("src/context.rs", include_str!("../../src/context.rs")),
        ("tests/learner.rs", include_str!("learner.rs")),
        ("examples/learner.rs", include_str!("../../examples/learner.rs")),
    ];
    assert_shows(include_str!("../../../../docs/adding-a-learner.md"), &files);
}

#[test]
fn the_page_on_models_shows_exactly_this_code() {
    let files = [
        ("src/batch.rs", include_str!("../../src/batch.rs")),
        ("src/model.rs", include_str!("../../src/model.rs")),
        ("tests/model.rs", include_str!("model.rs")),
        ("examples/model.rs", include_str!("../../examples/model.rs")),
    ];
    assert_shows(include_str!("../../../../docs/adding-a-model.md"), &files);
}
