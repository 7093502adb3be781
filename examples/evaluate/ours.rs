//! Training what is ours, so that a run that is stopped goes on.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, UserSplit};
use metarec::train::CancelToken;
use metarec::{Config, Recommender};

use crate::args::Args;
use crate::progress::Bar;

/// Where a run keeps what it would be a pity to lose: a folder of its own for each set of options.
pub struct Work(PathBuf);

impl Work {
    /// The folder of a run; emptied unless the run is to go on.
    pub fn new(args: &Args) -> Result<Self, Box<dyn Error>> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = cache.or_else(home).unwrap_or_else(std::env::temp_dir);
        let data = args.data.canonicalize().map_err(|error| format!("--data is {}: {error}", args.data.display()))?;
        let options = format!("{} {} {:?} {:?}", data.display(), args.protocol, args.pool, args.config);
        let name: String = options.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let folder = cache.join("metarec").join("evaluate").join(name);
        if !args.resume && folder.exists() {
            fs::remove_dir_all(&folder)?;
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
        println!("Trained from seed {} in {:.1} s.", config.seed, began.elapsed().as_secs_f64());
        rec.save(&model)?;
        Ok(rec)
    }

    /// Clears away what a finished run no longer needs.
    pub fn finished(self) -> std::io::Result<()> {
        fs::remove_dir_all(self.0)
    }
}
