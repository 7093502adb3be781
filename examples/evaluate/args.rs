//! What the command line says.

use std::path::PathBuf;

use lexopt::prelude::*;
use metarec::evaluate::{Part, ProtocolKind};

use crate::methods::MEAN;

pub const HELP: &str = "\
Trains on a data set's training users, chooses on its validation users, and scores its test users.

usage: evaluate --data FOLDER [--protocol NAME] [--methods a,b,...] [--seed N] [--seeds N] [--config FILE]
                [--pool N] [--support ORDER] [--part PART] [--text FOLDER] [--json FILE] [--record FILE]
                [--predictions FILE] [--ratings FILE] [--resume | --restart]

  --data FOLDER       interactions.csv, with items.csv, users.csv and episodes.csv where there are some; or
                      MovieLens' own files
  --protocol NAME     user-cold (default), item-cold, both-cold, leave-last-out, time or repeat
  --methods a,b       what to score, in this order; all by default. An unknown name lists the known. Of ours, metarec is
                      the model, metarec/1 that of the second seed, metarec-anonymous is told nothing of users but
                      their events, metarec-mean is the mean of all seeds' models; ids, categories, titles, text and both
                      are the model told no more of items than that (text: titles, texts and categories in words)
  --seed N            seed of everything that is drawn; 0 by default
  --seeds N           train as many models, from as many seeds, and print their spread; 1 by default
  --config FILE       settings as JSON, of those that are not to be the default
  --pool N            user-cold with N first events of each user as support pool, of users with 30 more;
                      all N are a rung of the ladder where N is more than 20
  --support ORDER     user-cold: k events are the first of the pool (default) or random ones of it
  --part PART         score these users: test (default) or valid
  --text FOLDER       an encoder of BERT's family as Hugging Face has it, for titles, text and both; needs --features text
  --json FILE         also write the results, one JSON object a line
  --record FILE       also write what the example `results` makes a page of
  --predictions FILE  also write user,k,item,score: the best 100 items, of the first method
  --ratings FILE      also write user,k,item,rating: every query event with a value, of the first method. Ratings are means,
                      from which rmse and mae_of_mean follow; mae is of medians where a method predicts distributions
  --resume            go on where a run with the same options was stopped (Ctrl-C loses nothing)
  --restart           throw such a run away and begin anew
  --help              print this";

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Args {
    pub data: PathBuf,
    pub protocol: ProtocolKind,
    pub methods: Option<Vec<String>>,
    pub seed: u64,
    pub seeds: u64,
    pub config: Option<PathBuf>,
    pub pool: Option<usize>,
    pub random_support: bool,
    pub part: Part,
    pub text: Option<PathBuf>,
    pub json: Option<PathBuf>,
    pub record: Option<PathBuf>,
    pub predictions: Option<PathBuf>,
    pub ratings: Option<PathBuf>,
    pub resume: bool,
    pub restart: bool,
}

impl Args {
    /// The seeds of training.
    pub fn all_seeds(&self) -> impl Iterator<Item = u64> {
        self.seed..self.seed.saturating_add(self.seeds)
    }

    /// Whether a method was asked for by its name.
    pub fn names(&self, name: &str) -> bool {
        self.methods.iter().flatten().any(|method| method == name)
    }

    /// Whether a method was asked for, if only as one of all.
    pub fn wants(&self, name: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|method| method == name))
    }
}

/// Reads the command line; `None` where help was asked for.
///
/// # Errors
/// An option that is not known, or whose value is missing or wrong.
pub fn parse() -> Result<Option<Args>, lexopt::Error> {
    let mut args = Args {
        data: PathBuf::new(),
        protocol: ProtocolKind::UserCold,
        methods: None,
        seed: 0,
        seeds: 1,
        config: None,
        pool: None,
        random_support: false,
        part: Part::Test,
        text: None,
        json: None,
        record: None,
        predictions: None,
        ratings: None,
        resume: false,
        restart: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long(name) => {
                let name = name.to_owned();
                args.take(&name, &mut parser)?;
            }
            Short(name) => return Err(unknown(&format!("-{name}"))),
            Value(value) => return Err(unknown(&text(value))),
        }
    }
    args.check()?;
    Ok(Some(args))
}

impl Args {
    /// Takes an option in.
    fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), lexopt::Error> {
        match name {
            "data" => self.data = parser.value()?.into(),
            "protocol" => self.protocol = text(parser.value()?).parse().map_err(said)?,
            "methods" => self.methods = Some(methods(&text(parser.value()?))?),
            "seed" => self.seed = number("--seed", parser.value()?, 0)?,
            "seeds" => self.seeds = number("--seeds", parser.value()?, 1)?,
            "config" => self.config = Some(parser.value()?.into()),
            "pool" => self.pool = Some(number("--pool", parser.value()?, 1)? as usize),
            "support" => self.random_support = random(&text(parser.value()?))?,
            "part" => self.part = part(&text(parser.value()?))?,
            "text" => self.text = Some(parser.value()?.into()),
            "json" => self.json = Some(parser.value()?.into()),
            "record" => self.record = Some(parser.value()?.into()),
            "predictions" => self.predictions = Some(parser.value()?.into()),
            "ratings" => self.ratings = Some(parser.value()?.into()),
            "resume" => self.resume = true,
            "restart" => self.restart = true,
            name => return Err(unknown(&format!("--{name}"))),
        }
        Ok(())
    }

    /// Whether the options go together.
    fn check(&self) -> Result<(), lexopt::Error> {
        if self.data.as_os_str().is_empty() {
            return Err("--data is missing: expected a folder".into());
        }
        if self.seed.checked_add(self.seeds).is_none() {
            let most = u64::MAX - self.seeds;
            return Err(format!("--seed is {}: expected at most {most} with --seeds {}", self.seed, self.seeds).into());
        }
        if self.seeds < 2 && self.names(MEAN) {
            return Err(format!("--methods has {MEAN:?}: it takes --seeds 2 or more").into());
        }
        let by_words = ["titles", "text", "both"].into_iter().find(|name| self.names(name));
        match (by_words, &self.text) {
            (Some(name), None) => return Err(format!("--methods has {name:?}: it takes --text FOLDER").into()),
            (None, Some(_)) => return Err("--text: expected --methods with some of titles, text, both".into()),
            _ => {}
        }
        if self.resume && self.restart {
            return Err("--resume and --restart: expected one of them".into());
        }
        let of_users = [("--pool", self.pool.is_some()), ("--support", self.random_support)];
        match of_users.into_iter().find(|(_, asked)| *asked && self.protocol != ProtocolKind::UserCold) {
            Some((name, _)) => Err(format!("{name} goes with user-cold: --protocol is {}", self.protocol).into()),
            None => Ok(()),
        }
    }
}

fn text(value: std::ffi::OsString) -> String {
    value.to_string_lossy().into_owned()
}

fn said(error: impl std::fmt::Display) -> lexopt::Error {
    format!("--{error}").into()
}

fn number(name: &str, value: std::ffi::OsString, least: u64) -> Result<u64, lexopt::Error> {
    let text = text(value);
    let number = text.parse().ok().filter(|&number| number >= least);
    number.ok_or_else(|| format!("{name} is {text:?}: expected a whole number, {least} or more").into())
}

fn methods(text: &str) -> Result<Vec<String>, lexopt::Error> {
    let mut asked = Vec::new();
    for name in text.split(',') {
        if !crate::methods::names().any(|known| known == name) {
            let known = crate::methods::names().collect::<Vec<_>>().join(", ");
            return Err(format!("--methods has {name:?}: expected some of {known}").into());
        }
        if asked.iter().any(|before| before == name) {
            return Err(format!("--methods has {name:?} twice: expected each once").into());
        }
        asked.push(name.to_owned());
    }
    Ok(asked)
}

fn random(text: &str) -> Result<bool, lexopt::Error> {
    match text {
        "first" => Ok(false),
        "random" => Ok(true),
        _ => Err(format!("--support is {text:?}: expected first or random").into()),
    }
}

fn part(text: &str) -> Result<Part, lexopt::Error> {
    match text {
        "test" => Ok(Part::Test),
        "valid" => Ok(Part::Valid),
        _ => Err(format!("--part is {text:?}: expected test or valid").into()),
    }
}

fn unknown(what: &str) -> lexopt::Error {
    let known = "--data, --protocol, --methods, --seed, --seeds, --config, --pool, --support, --part, --text, --json, --record, --predictions, --ratings, --resume, --restart, --help";
    format!("{what}: expected one of {known}").into()
}
