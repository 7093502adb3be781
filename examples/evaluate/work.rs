//! What a run that is stopped keeps, so that it goes on: checkpoints, models, and what was scored.

use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, UserIndex};
use metarec::evaluate::{Part, ProtocolSplit, Report, Shots};
use metarec::train::CancelToken;
use metarec::{Config, Recommender};
use serde::{Deserialize, Serialize};

use crate::args::Args;
use crate::output::write_whole;
use crate::progress::Bar;

/// Where a run keeps what it would be a pity to lose: a folder of its own for each data set, protocol and settings.
pub struct Work(PathBuf);

/// What a method scored; two reports as it may be of the validation users as well.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scored {
    /// On the users who were asked for.
    pub report: Report,
    /// On the validation users.
    pub valid: Report,
}

impl Work {
    /// The folder of a run.
    ///
    /// # Errors
    /// If an unfinished run is there, and neither to be gone on with nor to be thrown away.
    pub fn new(
        args: &Args,
        config: &Config,
        (data, split): (&Dataset, &ProtocolSplit),
    ) -> Result<Self, Box<dyn Error>> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = cache.or_else(home).unwrap_or_else(std::env::temp_dir);
        let digest = digest(args, config, (data, split))?;
        let folder = cache.join("metarec").join("evaluate").join(format!("{digest:016x}"));
        if folder.exists() && args.restart {
            fs::remove_dir_all(&folder)?;
        }
        if folder.exists() && !args.resume {
            let place = folder.display();
            return Err(format!(
                "an unfinished run with these options is in {place}: --resume goes on, --restart begins anew"
            )
            .into());
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Trains from a seed, goes on training, or loads what was trained.
    pub fn train(
        &self,
        (data, split): (&Dataset, &ProtocolSplit),
        shots: &[Shots],
        config: &Config,
        cancel: &CancelToken,
        device: &Device,
    ) -> Result<Recommender, Box<dyn Error>> {
        let model = self.0.join(format!("model-{}", config.seed));
        if model.exists() {
            return Ok(Recommender::load(&model, device)?);
        }
        let (began, before) = (Instant::now(), self.seconds_of(config.seed).unwrap_or(0.0));
        let trained = Recommender::trainer(data)
            .config(config)
            .split(split.users().clone())
            .looks(split.candidates(Part::Valid), shots.iter().copied())
            .observer(Bar::new())
            .cancel(cancel.clone())
            .checkpoint(self.0.join(format!("checkpoint-{}", config.seed)))
            .train(device);
        let seconds = before + began.elapsed().as_secs_f64();
        fs::write(self.seconds_file(config.seed), seconds.to_string())?;
        let rec = trained?;
        println!("Trained from seed {} in {seconds:.1} s.", config.seed);
        rec.save(&model)?;
        Ok(rec)
    }

    fn seconds_file(&self, seed: u64) -> PathBuf {
        self.0.join(format!("seconds-{seed}"))
    }

    fn seconds_of(&self, seed: u64) -> Option<f64> {
        fs::read_to_string(self.seconds_file(seed)).ok()?.parse().ok()
    }

    /// How long the training of each seed took, all parts of a run that was stopped together.
    pub fn seconds(&self, args: &Args) -> Vec<f64> {
        args.all_seeds().filter_map(|seed| self.seconds_of(seed)).collect()
    }

    /// What was scored of a method before the run was stopped.
    pub fn scored(&self, args: &Args, name: &str) -> Option<Scored> {
        serde_json::from_slice(&fs::read(self.scored_file(args, name)).ok()?).ok()
    }

    /// Keeps what was scored of a method.
    pub fn keep(&self, args: &Args, name: &str, scored: &Scored) -> Result<(), Box<dyn Error>> {
        write_whole(&self.scored_file(args, name), |file| Ok(serde_json::to_writer(file, scored)?))
    }

    /// What makes a difference to scores and not to training is in the name.
    fn scored_file(&self, args: &Args, name: &str) -> PathBuf {
        let order = if args.random_support { "random" } else { "first" };
        self.0.join(format!("scored-{name}-{}-{}-{}-{order}.json", args.seed, args.seeds, args.part))
    }

    /// Clears away what a finished run no longer needs.
    pub fn finished(self) -> std::io::Result<()> {
        fs::remove_dir_all(self.0)
    }
}

/// What tells runs apart whose work is not to be mixed: the data with everything in it, the protocol, the settings but the seed.
fn digest(args: &Args, config: &Config, (data, split): (&Dataset, &ProtocolSplit)) -> Result<u64, Box<dyn Error>> {
    let mut digest = DefaultHasher::new();
    (args.data.canonicalize()?, args.protocol, args.pool, format!("{:?}", config.clone().with_seed(0)))
        .hash(&mut digest);
    (data.users().ids(), data.catalogue().ids()).hash(&mut digest);
    (0..data.users().len() as u32).for_each(|user| data.history(UserIndex(user)).len().hash(&mut digest));
    for event in data.events() {
        (event.item, event.action.code(), event.value.map(f32::to_bits), event.timestamp).hash(&mut digest);
    }
    for held_out in [&split.users().valid, &split.users().test] {
        held_out
            .iter()
            .map(|user| (user.user, user.pool.len(), user.query.len()))
            .for_each(|user| user.hash(&mut digest));
    }
    Ok(digest.finish())
}
