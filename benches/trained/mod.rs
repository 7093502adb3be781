//! What benchmarks of a trained recommender share: their first options, the data set and its split, the recommender, and the record.

use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use metarec::data::{Dataset, UserSplit, read_dir};
use metarec::evaluate::Part;
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender};

use crate::record::Record;

pub type Failure = Box<dyn std::error::Error>;

/// Options that all of them have.
pub struct Options {
    pub folder: Option<PathBuf>,
    pub model: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub record: Option<PathBuf>,
    pub part: Part,
    pub seed: u64,
}

/// Reads the command line; `own` takes an option's name if it is one of the program's own, reads its value, and says so.
pub fn options(own: &mut dyn FnMut(&str, &mut lexopt::Parser) -> Result<bool, Failure>) -> Result<Options, Failure> {
    let mut options = Options { folder: None, model: None, out: None, record: None, part: Part::Test, seed: 1 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if options.folder.is_none() => options.folder = Some(value.into()),
            Long("model") => options.model = Some(parser.value()?.into()),
            Long("record") => options.record = Some(parser.value()?.into()),
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("part") => match parser.value()?.string()?.as_str() {
                "valid" => options.part = Part::Valid,
                "test" => options.part = Part::Test,
                other => return Err(format!("--part is {other:?}: expected valid or test").into()),
            },
            // Cargo says so to every benchmark.
            Long("bench") => {}
            Long(name) => {
                let name = name.to_owned();
                if !own(&name, &mut parser)? {
                    return Err(Long(&name).unexpected().into());
                }
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(options)
}

/// A recommender and what it was trained on.
pub struct Trained {
    pub name: String,
    pub data: Dataset,
    pub split: UserSplit,
    pub rec: Recommender,
    /// Whether it was trained before, from whatever seed.
    loaded: bool,
    began: Instant,
}

impl Options {
    /// The folder's name, what is in it, and its split. `None` without a folder: `cargo test --benches` runs programs so.
    pub fn data(&self) -> Result<Option<(String, Dataset, UserSplit)>, Failure> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let data = read_dir(folder)?;
        let split = data.split()?;
        Ok(Some((name, data, split)))
    }

    /// Trains with the defaults on the training users of the folder, or loads what `--model` names; saves there what was trained if nothing is there yet.
    pub fn recommender(&self) -> Result<Option<Trained>, Failure> {
        let began = Instant::now();
        let Some((name, data, split)) = self.data()? else { return Ok(None) };
        let device = device_from_env()?;
        let written = self.model.as_ref().filter(|path| path.exists());
        let rec = match written {
            Some(path) => Recommender::load(path, &device)?,
            None => {
                let config = Config::default().with_seed(self.seed);
                let rec = Recommender::trainer(&data).config(&config).split(split.without_test()).train(&device)?;
                self.model.as_ref().map_or(Ok(()), |path| rec.save(path))?;
                rec
            }
        };
        Ok(Some(Trained { name, data, split, rec, loaded: written.is_some(), began }))
    }

    /// Writes what the example `results` makes a page of, if that was asked for.
    pub fn record(
        &self,
        trained: &Trained,
        (heading, what, program): (&str, &str, &str),
        fill: impl FnOnce(&mut Record),
    ) -> Result<(), Failure> {
        let Some(path) = &self.record else { return Ok(()) };
        let title = format!("{}, {what}, {:?} users", trained.name, self.part).to_lowercase();
        let mut record = Record::new(heading, &title, (&trained.name, &trained.data), program);
        match trained.loaded {
            true => record.notes.push("The model had been trained and saved before.".to_owned()),
            false => record.seeds = vec![self.seed],
        }
        fill(&mut record);
        record.write(path, trained.began)
    }
}
