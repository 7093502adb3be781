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
use crate::views::{self, View};
use crate::work::Work;

/// The name of the recommender in tables and files; those of seeds after the first are numbered, as in `metarec/1`.
pub const OURS: &str = "metarec";
/// The same without what is known of users besides their events.
pub const ANONYMOUS: &str = "metarec-anonymous";
/// The mean of all seeds' models.
pub const MEAN: &str = "metarec-mean";

/// All names, ours first.
pub fn names() -> impl Iterator<Item = &'static str> {
    [OURS, ANONYMOUS, MEAN].into_iter().chain(views::NAMES).chain(baseline::NAMES)
}

/// Whether a name, numbered or not, is of one of ours.
pub fn is_ours(name: &str) -> bool {
    let ours = |name: &str| [OURS, ANONYMOUS, MEAN].contains(&name) || views::NAMES.contains(&name);
    name.split('/').next().is_some_and(ours)
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

/// The models of all seeds, by what they are told of items.
pub struct Models<'a> {
    /// Told all that the data says.
    whole: Vec<Recommender>,
    views: Vec<(&'a View, Vec<Recommender>)>,
}

/// A model for each seed of whatever of ours was asked for.
pub fn train<'a>(
    args: &Args,
    work: &Work,
    (data, views, split): (&Dataset, &'a [View], &ProtocolSplit),
    shots: &[Shots],
    config: &Config,
    stop: &Stop,
) -> Result<Models<'a>, Box<dyn Error>> {
    let no_columns = data.users().columns().is_empty() || !config.model.profiles;
    if no_columns && args.names(ANONYMOUS) {
        let why = "the model reads no columns of users: the data has none, or `model.profiles` is off";
        return Err(format!("--methods has {ANONYMOUS:?}: {why}").into());
    }
    let device = device_from_env()?;
    let train = |name: &str, data: &Dataset| -> Result<Vec<Recommender>, Box<dyn Error>> {
        let mut models = Vec::new();
        for seed in args.all_seeds() {
            let config = config.clone().with_seed(seed);
            let trained = work.train(name, (data, split), shots, &config, stop.token(), &device);
            stop.check()?;
            models.push(trained?);
        }
        Ok(models)
    };
    let whole = [OURS, ANONYMOUS, MEAN].into_iter().any(|name| args.wants(name));
    let whole = if whole { train(OURS, data)? } else { Vec::new() };
    let views = views.iter().map(|view| Ok((view, train(view.name, &view.data)?)));
    Ok(Models { whole, views: views.collect::<Result<_, Box<dyn Error>>>()? })
}

/// The methods by the names by which they are asked for: ours serve models, baselines are fitted.
pub struct Methods<'a> {
    args: &'a Args,
    models: &'a Models<'a>,
    data: &'a Dataset,
    fitted: Named<'a>,
}

impl<'a> Methods<'a> {
    /// Nothing is fitted yet.
    pub fn new(args: &'a Args, models: &'a Models<'a>, data: &'a Dataset, fitted: Named<'a>) -> Self {
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
    /// where our models read no columns of users nothing tells the anonymous one from the other, and categories speak for new items alone. What models are told of
    /// items is asked for by name.
    fn says_something(&self, name: &str) -> bool {
        match name {
            "personal_frequency" => self.args.protocol == ProtocolKind::Repeat,
            "category_popularity" => [ProtocolKind::ItemCold, ProtocolKind::BothCold].contains(&self.args.protocol),
            name if views::NAMES.contains(&name) => false,
            MEAN => self.models.whole.len() > 1,
            ANONYMOUS => self.models.whole.iter().any(|model| !model.facts().profile.is_empty()),
            _ => true,
        }
    }

    /// What goes by a name: of ours a method for each model.
    pub fn make(&mut self, name: &str) -> Result<Vec<Box<dyn Method + 'a>>, Box<dyn Error>> {
        let numbered = |nth| if nth == 0 { name.to_owned() } else { format!("{name}/{nth}") };
        let serve =
            |models: &'a [Recommender], data: &'a Dataset| -> Result<Vec<Box<dyn Method + 'a>>, Box<dyn Error>> {
                let served = |(nth, model)| -> Result<Box<dyn Method + 'a>, Box<dyn Error>> {
                    let served = Served::new(model, data)?.named(numbered(nth));
                    Ok(Box::new(if name == ANONYMOUS { served.without_profiles() } else { served }))
                };
                models.iter().enumerate().map(served).collect()
            };
        if let Some((view, models)) = self.models.views.iter().find(|(view, _)| view.name == name) {
            return serve(models, &view.data);
        }
        match name {
            OURS | ANONYMOUS => serve(&self.models.whole, self.data),
            MEAN => {
                let members = self.models.whole.iter().map(|model| Served::new(model, self.data));
                Ok(vec![Box::new(Averaged::new(MEAN, members.collect::<Result<Vec<_>, _>>()?))])
            }
            _ => Ok(vec![self.fitted.fit(name)?]),
        }
    }
}
