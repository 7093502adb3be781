//! Makes a page of the records that `evaluate` and the benchmarks write with `--record`: `cargo run --example results -- docs/results`
//! writes `docs/results.md`, and its pictures beside the records.

mod plot;
mod record;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use record::{Record, Table};

/// Which headings come first, and in which order.
const HEADINGS: [&str; 5] =
    ["Protocols", "What made the difference", "Uncertainty", "Which items to ask about", "Fairness and variety"];

/// What stands above everything.
fn head(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "\
# Results

Written by `cargo run --example results -- {folder}` from the records in `{folder}`, which the commands below write with `--record FILE`; nothing here is written
by hand. In the commands a data set's folder goes by its name. Numbers in brackets are 95 % intervals: of the bootstrap over users, paired where two methods are compared
on the same users. `*` marks the best of a column.
"
    )
}

/// The method whose line is drawn thick.
const OURS: &str = "metarec";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [folder] = args.as_slice() else {
        eprintln!("usage: results FOLDER: expected the folder of the records");
        return ExitCode::from(2);
    };
    match page(Path::new(folder)) {
        Ok(path) => {
            println!("written to {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn page(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let said = |path: &Path, error: &dyn Error| format!("{}: {error}", path.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| said(folder, &error))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    if paths.is_empty() {
        return Err(format!("{}: no records: expected files that end in .json", folder.display()).into());
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(|error| said(&path, &error))?;
        let record: Record = serde_json::from_str(&text).map_err(|error| said(&path, &error))?;
        Ok((path, record))
    };
    let mut records: Vec<(PathBuf, Record)> = paths.into_iter().map(read).collect::<Result<_, String>>()?;
    let place = |record: &Record| HEADINGS.iter().position(|heading| *heading == record.heading);
    records.sort_by(|(a, one), (b, other)| {
        let at = |record: &Record| (place(record).unwrap_or(HEADINGS.len()), record.heading.clone());
        at(one).cmp(&at(other)).then(a.cmp(b))
    });
    let mut page = head(folder);
    let mut heading = String::new();
    for (path, record) in &records {
        if record.heading != heading {
            write!(page, "\n## {}\n", record.heading)?;
            heading.clone_from(&record.heading);
        }
        section(&mut page, record)?;
        if !record.plots.is_empty() {
            let picture = path.with_extension("svg");
            plot::draw(&record.plots, OURS, &picture)?;
            let of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            write!(page, "\n![{}]({}/{})\n", record.title, of(folder), of(&picture))?;
        }
    }
    let to = folder.with_extension("md");
    fs::write(&to, page).map_err(|error| said(&to, &error))?;
    Ok(to)
}

fn section(page: &mut String, record: &Record) -> Result<(), Box<dyn Error>> {
    let data = &record.data;
    write!(page, "\n### {}\n\n```text\n{}\n```\n\n", record.title, record.command)?;
    let last = data.last_event.map_or_else(String::new, |at| format!(", the last at {at} s since 1970"));
    let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
    let seeds = if seeds.is_empty() { "none".to_owned() } else { seeds.join(", ") };
    writeln!(
        page,
        "Data {}: {} events of {} users with {} items{last}. Training seeds: {seeds}. {:.0} s on {} cores, metarec {}.",
        data.name, data.events, data.users, data.items, record.seconds, record.cores, record.version
    )?;
    for note in &record.notes {
        write!(page, "\n{note}\n")?;
    }
    for table in &record.tables {
        write_table(page, table)?;
    }
    Ok(())
}

fn write_table(page: &mut String, table: &Table) -> Result<(), Box<dyn Error>> {
    write!(page, "\n**{}**\n\n| {} |\n|", table.caption, table.columns.join(" | "))?;
    table.columns.iter().for_each(|_| page.push_str("---|"));
    page.push('\n');
    for row in &table.rows {
        writeln!(page, "| {} |", row.join(" | "))?;
    }
    Ok(())
}
