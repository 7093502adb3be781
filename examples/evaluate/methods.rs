//! What is scored.

use std::error::Error;
use std::fs;

use metarec::baseline::{self, Named};
use metarec::data::Dataset;
use metarec::evaluate::{Averaged, Method, ProtocolKind, ProtocolSplit, Report, Served, Shots};
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender};

use crate::args::Args;
use crate::compare::FIRST_EVENTS;
use crate::stop::Stop;
use crate::work::Work;

/// The name of the recommender in tables and files; those of seeds after the first are numbered, as in `metarec/1`.
pub const OURS: &str = "metarec";
/// The same without what is known of users besides their events.
pub const ANONYMOUS: &str = "metarec-anonymous";
/// The mean of all seeds' models.
pub const MEAN: &str = "metarec-mean";

/// All names, ours first.
pub fn names() -> impl Iterator<Item = &'static str> {
    [OURS, ANONYMOUS, MEAN].into_iter().chain(baseline::NAMES)
}

/// Whether a name, numbered or not, is of one of ours.
pub fn is_ours(name: &str) -> bool {
    name.split('/').next().is_some_and(|name| [OURS, ANONYMOUS, MEAN].contains(&name))
}

/// The names of ours in a report.
pub fn ours(report: &Report) -> Vec<String> {
    let asked = |name: &&str| is_ours(name) && !name.ends_with(FIRST_EVENTS);
    report.methods().filter(asked).map(str::to_owned).collect()
}

/// The settings that were asked for.
pub fn config(args: &Args) -> Result<Config, Box<dyn Error>> {
    let Some(path) = &args.config else { return Ok(Config::default()) };
    let said = |error: &dyn Error| format!("{}: {error}", path.display());
    Ok(serde_json::from_str(&fs::read_to_string(path).map_err(|error| said(&error))?).map_err(|error| said(&error))?)
}

/// A model for each seed, if any of ours was asked for.
pub fn train(
    args: &Args,
    work: &Work,
    data: (&Dataset, &ProtocolSplit),
    shots: &[Shots],
    config: &Config,
    stop: &Stop,
) -> Result<Vec<Recommender>, Box<dyn Error>> {
    if ![OURS, ANONYMOUS, MEAN].into_iter().any(|name| args.wants(name)) {
        return Ok(Vec::new());
    }
    let no_columns = data.0.users().columns().is_empty() || !config.model.profiles;
    if no_columns && args.methods.iter().flatten().any(|name| name == ANONYMOUS) {
        let why = "the model reads no columns of users: the data has none, or `model.profiles` is off";
        return Err(format!("--methods has {ANONYMOUS:?}: {why}").into());
    }
    let device = device_from_env()?;
    let mut models = Vec::new();
    for seed in args.all_seeds() {
        let trained = work.train(data, shots, &config.clone().with_seed(seed), stop.token(), &device);
        stop.check()?;
        models.push(trained?);
    }
    Ok(models)
}

/// The methods by the names by which they are asked for: ours serve models, baselines are fitted.
pub struct Methods<'a> {
    args: &'a Args,
    models: &'a [Recommender],
    data: &'a Dataset,
    fitted: Named<'a>,
}

impl<'a> Methods<'a> {
    /// Nothing is fitted yet.
    pub fn new(args: &'a Args, models: &'a [Recommender], data: &'a Dataset, fitted: Named<'a>) -> Self {
        Self { args, models, data, fitted }
    }

    /// The names, in the order in which they were asked for.
    pub fn asked(&self) -> Vec<&'a str> {
        match &self.args.methods {
            Some(asked) => asked.iter().map(String::as_str).collect(),
            None => names().filter(|name| self.says_something(name)).collect(),
        }
    }

    /// Whether a method says something that no other does: what is already the user's is ranked for repeat purchases alone, a mean is of several models, and
    /// where our models read no columns of users nothing tells the anonymous one from the other.
    fn says_something(&self, name: &str) -> bool {
        match name {
            "personal_frequency" => self.args.protocol == ProtocolKind::Repeat,
            MEAN => self.models.len() > 1,
            ANONYMOUS => self.models.iter().any(|model| !model.facts().profile.is_empty()),
            _ => true,
        }
    }

    /// What goes by a name: of ours a method for each model.
    pub fn make(&mut self, name: &str) -> Result<Vec<Box<dyn Method + 'a>>, Box<dyn Error>> {
        match name {
            OURS | ANONYMOUS => {
                let numbered = |nth| if nth == 0 { name.to_owned() } else { format!("{name}/{nth}") };
                let served = |(nth, model)| -> Result<Box<dyn Method + 'a>, Box<dyn Error>> {
                    let served = Served::new(model, self.data)?.named(numbered(nth));
                    Ok(Box::new(if name == ANONYMOUS { served.without_profiles() } else { served }))
                };
                self.models.iter().enumerate().map(served).collect()
            }
            MEAN => {
                let members = self.models.iter().map(|model| Served::new(model, self.data));
                Ok(vec![Box::new(Averaged::new(MEAN, members.collect::<Result<Vec<_>, _>>()?))])
            }
            _ => Ok(vec![self.fitted.fit(name)?]),
        }
    }
}
