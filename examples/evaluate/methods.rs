//! What is scored.

use std::error::Error;
use std::fs;

use metarec::data::{Dataset, UserSplit};
use metarec::evaluate::{Averaged, Method, ProtocolKind, Served, pool_size};
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender, baseline};

use crate::args::Args;
use crate::bar;
use crate::stop::Stop;
use crate::work::Work;

/// The name of the recommender in tables and files.
pub const OURS: &str = "metarec";
/// The same without what is known of users besides their events.
pub const ANONYMOUS: &str = "metarec-anonymous";

/// The mean of all seeds' models.
pub const MEAN: &str = "metarec-mean";

/// All names, ours first.
pub fn names() -> impl Iterator<Item = &'static str> {
    [OURS, ANONYMOUS, MEAN].into_iter().chain(baseline::NAMES)
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
    data: (&Dataset, &UserSplit),
    config: &Config,
    stop: &Stop,
) -> Result<Vec<Recommender>, Box<dyn Error>> {
    if ![OURS, ANONYMOUS, MEAN].into_iter().any(|name| args.wants(name)) {
        return Ok(Vec::new());
    }
    let device = device_from_env()?;
    let mut models = Vec::new();
    for seed in args.seed..args.seed + args.seeds {
        let trained = work.train(data, &config.clone().with_seed(seed), stop.token(), &device);
        stop.check()?;
        models.push(trained?);
    }
    Ok(models)
}

/// The methods, in the order in which they were asked for.
pub struct Methods<'a> {
    all: Vec<Box<dyn Method + 'a>>,
    ours: Vec<String>,
}

impl<'a> Methods<'a> {
    /// Ours serve `models`; baselines are fitted.
    pub fn new(
        args: &Args,
        models: &'a [Recommender],
        (data, split): (&'a Dataset, &'a UserSplit),
        stop: &Stop,
    ) -> Result<Self, Box<dyn Error>> {
        let pool = pool_size(split);
        let shots: Vec<usize> = [0, 1, 5, 10, 20, 50].into_iter().filter(|&k| k <= pool).collect();
        let mut fitted = baseline::Named::new(data, split, &shots, args.seed);
        let mut methods = Self { all: Vec::new(), ours: Vec::new() };
        let asked: Vec<&str> = match &args.methods {
            Some(asked) => asked.iter().map(String::as_str).collect(),
            // What is already the user's is ranked for repeat purchases alone; elsewhere it says nothing.
            None => {
                names().filter(|&name| args.protocol == ProtocolKind::Repeat || name != "personal_frequency").collect()
            }
        };
        let steps = bar::over("fitting", asked.len());
        for name in asked {
            stop.check()?;
            steps.set_message(name.to_owned());
            if [OURS, ANONYMOUS].contains(&name) {
                methods.add_ours(name, args, models, data)?;
            } else if name == MEAN {
                methods.add_mean(args, models, data)?;
            } else {
                methods.all.push(fitted.fit(name)?);
            }
            steps.inc(1);
        }
        steps.finish_and_clear();
        Ok(methods)
    }

    /// One method for each model: those after the first are numbered.
    fn add_ours(
        &mut self,
        name: &str,
        args: &Args,
        models: &'a [Recommender],
        data: &Dataset,
    ) -> Result<(), Box<dyn Error>> {
        for (nth, model) in models.iter().enumerate() {
            let numbered = if nth == 0 { name.to_owned() } else { format!("{name}/{nth}") };
            let served = Served::new(model, data)?.named(&numbered);
            let served = match name == ANONYMOUS {
                false => served,
                true if !model.facts().profile.is_empty() => served.without_profiles(),
                // Nothing tells it from ours; only who asked for it by name is told so.
                true if args.methods.is_none() => continue,
                true => {
                    let why = "the model reads no columns of users: the data has none, or `model.profiles` is off";
                    return Err(format!("--methods has {ANONYMOUS:?}: {why}").into());
                }
            };
            self.all.push(Box::new(served));
            self.ours.push(numbered);
        }
        Ok(())
    }

    /// The mean of several models; of one it would be that one.
    fn add_mean(&mut self, args: &Args, models: &'a [Recommender], data: &Dataset) -> Result<(), Box<dyn Error>> {
        match (models.len(), &args.methods) {
            (0 | 1, None) => return Ok(()),
            (0 | 1, Some(_)) => return Err(format!("--methods has {MEAN:?}: it takes --seeds 2 or more").into()),
            _ => {}
        }
        let members = models.iter().map(|model| Served::new(model, data)).collect::<Result<Vec<_>, _>>()?;
        self.all.push(Box::new(Averaged::new(MEAN, members)));
        self.ours.push(MEAN.to_owned());
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> &[Box<dyn Method + 'a>] {
        &self.all
    }

    /// The names of ours.
    pub fn ours(&self) -> &[String] {
        &self.ours
    }

    /// Whether a name is of one of ours.
    pub fn is_ours(&self, name: &str) -> bool {
        self.ours.iter().any(|own| own == name)
    }
}
