//! What the command line says.

use std::path::PathBuf;

use lexopt::prelude::*;

pub const HELP: &str = "\
Trains on MovieLens 100K, adapts a user it has never seen, and reports how good it is.

usage: quickstart [--data DIR] [--seed N] [--quick] [--save DIR] [--json FILE] [--plot FILE.svg]

  --data DIR       read this folder: MovieLens' own files, RecBole's, or interactions.csv
                   (without it: the cache folder; where that is empty, it is downloaded)
  --seed N         seed of everything that is drawn; 0 by default
  --quick          a few epochs only: shows that all works, not how good it is
  --save DIR       where to save the model; a temporary folder by default
  --json FILE      also write the results, one JSON object a line
  --plot FILE.svg  also draw the results
  --help           print this";

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub data: Option<PathBuf>,
    pub seed: u64,
    pub quick: bool,
    pub save: Option<PathBuf>,
    pub json: Option<PathBuf>,
    pub plot: Option<PathBuf>,
}

/// Reads the command line; `None` where help was asked for.
///
/// # Errors
/// An option that is not known, or whose value is missing or wrong.
pub fn parse() -> Result<Option<Args>, lexopt::Error> {
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("data") => args.data = Some(parser.value()?.into()),
            Long("seed") => args.seed = seed(parser.value()?)?,
            Long("quick") => args.quick = true,
            Long("save") => args.save = Some(parser.value()?.into()),
            Long("json") => args.json = Some(parser.value()?.into()),
            Long("plot") => args.plot = Some(svg(parser.value()?.into())?),
            Long("help") | Short('h') => return Ok(None),
            Long(name) => return Err(unknown(format!("--{name}"))),
            Short(name) => return Err(unknown(format!("-{name}"))),
            Value(value) => return Err(unknown(value.to_string_lossy().into_owned())),
        }
    }
    Ok(Some(args))
}

fn seed(value: std::ffi::OsString) -> Result<u64, lexopt::Error> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| lexopt::Error::from(format!("--seed is {text:?}: expected a whole number, 0 or more")))
}

fn svg(path: PathBuf) -> Result<PathBuf, lexopt::Error> {
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("svg") => Ok(path),
        _ => Err(format!("--plot is {:?}: expected a file name that ends in .svg", path.display()).into()),
    }
}

fn unknown(what: String) -> lexopt::Error {
    format!("{what}: expected one of --data, --seed, --quick, --save, --json, --plot, --help").into()
}
