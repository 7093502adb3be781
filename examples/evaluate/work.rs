//! Training so that a run that is stopped goes on.

use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, UserSplit};
use metarec::train::CancelToken;
use metarec::{Config, Recommender};

use crate::args::Args;
use crate::progress::Bar;

/// Where a run keeps what it would be a pity to lose: a folder of its own for each data set, protocol and settings.
pub struct Work(PathBuf);

impl Work {
    /// The folder of a run.
    ///
    /// # Errors
    /// If an unfinished run is there, and neither to be gone on with nor to be thrown away.
    pub fn new(args: &Args, config: &Config, data: &Dataset) -> Result<Self, Box<dyn Error>> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = cache.or_else(home).unwrap_or_else(std::env::temp_dir);
        let mut digest = DefaultHasher::new();
        (args.data.canonicalize()?, args.protocol, args.pool, format!("{:?}", config.clone().with_seed(0)))
            .hash(&mut digest);
        (data.events().len(), data.users().ids(), data.catalogue().ids()).hash(&mut digest);
        let folder = cache.join("metarec").join("evaluate").join(format!("{:016x}", digest.finish()));
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
        (data, split): (&Dataset, &UserSplit),
        config: &Config,
        cancel: &CancelToken,
        device: &Device,
    ) -> Result<Recommender, Box<dyn Error>> {
        let model = self.0.join(format!("model-{}", config.seed));
        if model.exists() {
            return Ok(Recommender::load(&model, device)?);
        }
        let began = Instant::now();
        let trainer = Recommender::trainer(data).config(config).split(split.clone()).observer(Bar::new());
        let checkpoint = self.0.join(format!("checkpoint-{}", config.seed));
        let rec = trainer.cancel(cancel.clone()).checkpoint(&checkpoint).train(device)?;
        let seconds = began.elapsed().as_secs_f64();
        println!("Trained from seed {} in {seconds:.1} s.", config.seed);
        fs::write(self.0.join(format!("seconds-{}", config.seed)), seconds.to_string())?;
        rec.save(&model)?;
        Ok(rec)
    }

    /// How long the training of each seed took where nothing stopped it; of one that was stopped, the last part.
    pub fn seconds(&self, args: &Args) -> Vec<f64> {
        let of = |seed| fs::read_to_string(self.0.join(format!("seconds-{seed}"))).ok()?.parse().ok();
        (args.seed..args.seed + args.seeds).filter_map(of).collect()
    }

    /// Clears away what a finished run no longer needs.
    pub fn finished(self) -> std::io::Result<()> {
        fs::remove_dir_all(self.0)
    }
}
