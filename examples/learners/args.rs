//! What the command line says.

use std::path::PathBuf;

use lexopt::prelude::*;
use metarec::Config;
use metarec::evaluate::Part;
use metarec::meta::LearnerConfig;

pub const HELP: &str = "\
Compares learners on the same model, on users and genres that training lacked.

usage: learners --data DIR [--protocol NAME] [--model NAME] [--learner NAME[=JSON]]... [options]

  --data DIR         a folder of any layout that the library reads
  --protocol NAME    user-cold          users that training lacked (the default)
                     group-shift        training lacks everybody of 45 and older, who are the test users, and women
                                        under 25, who are for validation
                     genre-shift        training lacks two genres: in one lie supports and queries of the test users,
                                        in the other those of the validation users
  --genre NAME       the genre of the test users; Sci-Fi by default
  --valid-genre NAME that of the validation users; Children's by default
  --model NAME       transformer (the default), or mlp: ratings alone, by a perceptron over frozen item vectors
  --learner NAME     in_context, closed_form, anil, fomaml, reptile, maml, meta_sgd; all of them where none is named.
                     NAME=JSON calls a learner with settings of its own by that name
  --tasks KIND       users (the default), or slices: in training a task is what one user did in one genre
  --config JSON      settings of model and training that are not the defaults
  --against NAME     what the others are compared with, user by user; the first learner by default
  --valid            score the validation users, to choose settings without a look at the test users
  --help             print this";

/// What was asked for.
#[derive(Debug)]
pub struct Args {
    pub data: PathBuf,
    pub protocol: String,
    pub genres: [String; 2],
    pub mlp: bool,
    pub slices: bool,
    pub learners: Vec<(String, LearnerConfig)>,
    pub config: Config,
    pub against: Option<String>,
    pub part: Part,
}

/// Reads the command line; `None` where help was asked for.
pub fn parse() -> Result<Option<Args>, Box<dyn std::error::Error>> {
    let mut data = None;
    let mut args = Args {
        data: PathBuf::new(),
        protocol: "user-cold".to_owned(),
        genres: ["Sci-Fi".to_owned(), "Children's".to_owned()],
        mlp: false,
        slices: false,
        learners: Vec::new(),
        config: Config::default(),
        against: None,
        part: Part::Test,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("data") => data = Some(PathBuf::from(parser.value()?)),
            Long("protocol") => args.protocol = parser.value()?.string()?,
            Long("genre") => args.genres[0] = parser.value()?.string()?,
            Long("valid-genre") => args.genres[1] = parser.value()?.string()?,
            Long("model") => args.mlp = choice("--model", &parser.value()?.string()?, "transformer", "mlp")?,
            Long("tasks") => args.slices = choice("--tasks", &parser.value()?.string()?, "users", "slices")?,
            Long("learner") => args.learners.push(learner(&parser.value()?.string()?)?),
            Long("config") => args.config = serde_json::from_str(&parser.value()?.string()?)?,
            Long("against") => args.against = Some(parser.value()?.string()?),
            Long("valid") => args.part = Part::Valid,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    args.data = data.ok_or("--data is missing: expected a folder")?;
    if args.mlp && args.slices {
        return Err("--tasks slices goes with the transformer alone".into());
    }
    if args.learners.is_empty() {
        let names = ["in_context", "closed_form", "anil", "fomaml", "reptile", "maml", "meta_sgd"];
        args.learners = names.into_iter().map(learner).collect::<Result<_, _>>()?;
    }
    let labels: Vec<&String> = args.learners.iter().map(|(label, _)| label).collect();
    if let Some(twice) = labels.iter().enumerate().find(|(at, label)| labels[..*at].contains(label)) {
        return Err(format!("two learners are called {:?}: call one of them NAME=JSON", twice.1).into());
    }
    if let Some(against) = args.against.as_ref().filter(|against| !labels.contains(against)) {
        return Err(format!("--against is {against:?}: expected one of the learners, {labels:?}").into());
    }
    Ok(Some(args))
}

fn choice(option: &str, value: &str, usual: &str, other: &str) -> Result<bool, String> {
    match value {
        value if value == usual => Ok(false),
        value if value == other => Ok(true),
        _ => Err(format!("{option} is {value:?}: expected {usual} or {other}")),
    }
}

/// `NAME`, or `LABEL=JSON`.
fn learner(text: &str) -> Result<(String, LearnerConfig), Box<dyn std::error::Error>> {
    let (label, json) = match text.split_once('=') {
        Some((label, json)) => (label, json.to_owned()),
        None => (text, format!("{{\"name\": \"{text}\"}}")),
    };
    let config = serde_json::from_str(&json).map_err(|error| format!("--learner {text}: {error}"))?;
    Ok((label.to_owned(), config))
}
