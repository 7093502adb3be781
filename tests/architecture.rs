//! The rooms of the crate and what each may import: section "The rooms" of the design, kept true.

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the prefixes of paths behind `crate::` that its code may name. A room may always name itself.
const ROOMS: [(&str, &[&str]); 13] = [
    ("data", &[]),
    ("sampler", &["data"]),
    ("model", &["data"]),
    ("text", &["data"]),
    ("meta", &["model"]),
    ("persist", &["model", "meta", "data", "text"]),
    ("train", &["data", "sampler", "model", "meta", "persist", "evaluate::metric"]),
    ("recommend", &["data", "model", "meta", "text", "persist"]),
    ("evaluate::metric", &["data"]),
    ("evaluate", &["data", "sampler", "model", "text", "meta", "persist", "recommend"]),
    ("baseline", &["data", "model", "meta", "sampler", "train", "evaluate"]),
    ("tune", &["train", "evaluate::metric"]),
    ("cold_items", &["data", "model", "meta", "train"]),
];

/// One line of code that is neither comment nor test.
struct Line {
    file: PathBuf,
    number: usize,
    text: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Whether the file belongs to a test module, by its name: `tests.rs` and everything in a folder `tests`.
fn is_test(relative: &Path) -> bool {
    relative.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// The lines of a file without comments and without items under `#[cfg(test)]`.
fn code(relative: &Path, text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut numbered = (1..).zip(text.lines());
    while let Some((number, line)) = numbered.next() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            let indent = &line[..line.len() - line.trim_start().len()];
            let opened = numbered.find(|(_, line)| line.trim_end().ends_with(['{', ';', '}']));
            if opened.is_some_and(|(_, line)| line.trim_end().ends_with('{')) {
                // A formatted item closes where its attribute began.
                numbered.find(|(_, line)| line.trim_end() == format!("{indent}}}"));
            }
        } else {
            let text = line.split_once("//").map_or(line, |(before, _)| before).to_owned();
            lines.push(Line { file: relative.to_owned(), number, text });
        }
    }
    lines
}

fn all_code() -> Vec<Line> {
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let relative = file.strip_prefix(source()).unwrap();
        if !is_test(relative) {
            lines.extend(code(relative, &fs::read_to_string(&file).unwrap()));
        }
    }
    lines
}

/// The room of a file; `None` for glue at the root of the crate.
fn room(file: &Path) -> Option<&'static (&'static str, &'static [&'static str])> {
    let parts: Vec<&str> = file.iter().map(|part| part.to_str().unwrap()).collect();
    let path = parts.join("::").replace(".rs", "");
    if parts.len() == 1 && !ROOMS.iter().any(|(name, _)| *name == path) {
        return None;
    }
    let inside = |name: &str| path == name || path.starts_with(&format!("{name}::"));
    let found = ROOMS.iter().filter(|(name, _)| inside(name)).max_by_key(|(name, _)| name.len());
    Some(found.unwrap_or_else(|| panic!("{} is in no room: add it to the table", file.display())))
}

/// The paths that a line names behind `crate::`, up to the second name, `{}` taken apart.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let top: String = group
                .chars()
                .filter(|c| {
                    depth += i32::from(*c == '{') - i32::from(*c == '}');
                    depth == 0
                })
                .collect();
            found.extend(top.split(',').map(|path| path.trim().trim_end_matches("::}").to_owned()));
        } else {
            let first = name(rest);
            let second = rest[first.len()..].strip_prefix("::").map(name).filter(|second| !second.is_empty());
            found.push(second.map_or(first.clone(), |second| format!("{first}::{second}")));
        }
    }
    found
}

fn violations(lines: &[Line]) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines {
        let Some((own, allowed)) = room(&line.file) else { continue };
        for path in imports(&line.text) {
            let under = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
            if !under(own) && !allowed.iter().any(|prefix| under(prefix)) {
                let (file, number) = (line.file.display(), line.number);
                found.push(format!("src/{file}:{number}: `{own}` may not name `crate::{path}`, only {allowed:?}"));
            }
        }
    }
    found
}

#[test]
fn every_room_imports_only_what_it_may() {
    let found = violations(&all_code());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn an_import_against_the_table_is_found_in_uses_groups_and_paths() {
    for (file, text, expected) in [
        ("meta/new.rs", "use crate::data::Event;", Some("crate::data::Event")),
        ("meta/new.rs", "use crate::{model::Model, train};", Some("crate::train")),
        ("sampler/user.rs", "    let x = crate::model::initial::cholesky(a);", Some("crate::model::initial")),
        ("train/mod.rs", "use crate::evaluate::Report;", Some("crate::evaluate::Report")),
        ("train/mod.rs", "use crate::evaluate::metric::Ndcg;", None),
        ("evaluate/metric/ndcg.rs", "use crate::evaluate::Report;", Some("crate::evaluate::Report")),
        ("evaluate/metric/ndcg.rs", "use crate::evaluate::metric::order;", None),
        ("recommend/user.rs", "use crate::train::MetaTrainer;", Some("crate::train::MetaTrainer")),
        ("data.rs", "pub(crate) use crate::meta;", Some("crate::meta")),
        ("facade.rs", "use crate::train::MetaTrainer;", None),
        ("tune/search.rs", "use crate::train::CancelToken;", None),
        ("tune/search.rs", "use crate::Config;", Some("crate::Config")),
        ("meta/new.rs", "pub(crate) fn free() {}", None),
    ] {
        let found = violations(&code(Path::new(file), text));
        match expected {
            None => assert!(found.is_empty(), "{found:?}"),
            Some(path) => {
                assert!(found.len() == 1 && found[0].contains(&format!("`{path}`")), "{file} {text}: {found:?}")
            }
        }
    }
}

#[test]
fn comments_and_test_modules_may_name_anything() {
    let text = "/// See [`train`](crate::train).\n#[cfg(test)]\nmod others;\n\
                #[cfg(test)]\nmod tests {\n    use crate::train;\n;\n}\nuse crate::persist::Parts;\n";
    let lines = code(Path::new("meta/new.rs"), text);
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 9]);
    assert_eq!(violations(&lines).len(), 1);
    assert!(is_test(Path::new("meta/tests/market.rs")) && is_test(Path::new("persist/tests.rs")));
}

#[test]
fn code_outside_tests_neither_unwraps_nor_prints_nor_is_unfinished() {
    const NEVER: [&str; 9] = [
        ".unwrap()",
        ".expect(",
        "todo!(",
        "unimplemented!(",
        "panic!(",
        "dbg!(",
        "println!(",
        "eprintln!(",
        "print!(",
    ];
    // What panics there is told under "# Panics".
    const EXEMPT: [&str; 2] = ["meta/contract", "data/ids.rs"];
    let exempt = |line: &Line| EXEMPT.iter().any(|path| line.file.starts_with(path));
    let found: Vec<String> = all_code()
        .iter()
        .filter(|line| !exempt(line) && NEVER.iter().any(|word| line.text.contains(word)))
        .map(|line| format!("src/{}:{}: {}", line.file.display(), line.number, line.text.trim()))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
