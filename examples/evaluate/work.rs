//! What a run that is stopped keeps, so that it goes on: checkpoints, models, and what was scored.

use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, IndexedEvent, ItemIndex, UserIndex, UserSplit};
use metarec::evaluate::{Part, ProtocolSplit, Report, Shots};
use metarec::train::CancelToken;
use metarec::{Config, Recommender};
use serde::{Deserialize, Serialize};

use crate::args::Args;
use crate::methods::OURS;
use crate::output::write_whole;
use crate::progress::Bar;
use crate::views;

/// Where a run keeps what it would be a pity to lose: a folder of its own for these options, settings and data.
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
        let digest = digest(args, config, (data, split))?;
        let folder = cache().join("evaluate").join(format!("{digest:016x}"));
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
        if args.resume && !folder.exists() {
            println!("There is no unfinished run with these options and data to go on with: this one begins anew.\n");
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Trains what goes by a name from a seed, goes on training, or loads what was trained.
    pub fn train(
        &self,
        name: &str,
        (data, split): (&Dataset, &ProtocolSplit),
        shots: &[Shots],
        config: &Config,
        cancel: &CancelToken,
        device: &Device,
    ) -> Result<Recommender, Box<dyn Error>> {
        let file = |what: &str| self.0.join(format!("{what}-{name}-{}", config.seed));
        let (model, timed) = (file("model"), file("seconds"));
        if model.exists() {
            return Ok(Recommender::load(&model, device)?);
        }
        let (began, before) = (Instant::now(), seconds_in(&timed).unwrap_or(0.0));
        let trained = Recommender::trainer(data)
            .config(config)
            .split(split.users().clone())
            .looks(split.candidates(Part::Valid), shots.iter().copied())
            .looks_passing_over(split.passed_over(data, Part::Valid))
            .observer(Bar::new())
            .cancel(cancel.clone())
            .checkpoint(file("checkpoint"))
            .train(device);
        let seconds = before + began.elapsed().as_secs_f64();
        fs::write(timed, seconds.to_string())?;
        let rec = trained?;
        println!("Trained {name} from seed {} in {seconds:.1} s.", config.seed);
        rec.save(&model)?;
        Ok(rec)
    }

    /// How long the training of each model took, all parts of a run that was stopped together.
    pub fn seconds(&self, args: &Args) -> Vec<f64> {
        let names = std::iter::once(OURS).chain(views::NAMES);
        let files = names.flat_map(|name| args.all_seeds().map(move |seed| format!("seconds-{name}-{seed}")));
        files.filter_map(|file| seconds_in(&self.0.join(file))).collect()
    }

    /// What was scored of a method before the run was stopped.
    pub fn scored(&self, name: &str) -> Option<Scored> {
        serde_json::from_slice(&fs::read(self.scored_file(name)).ok()?).ok()
    }

    /// Keeps what was scored of a method.
    pub fn keep(&self, name: &str, scored: &Scored) -> Result<(), Box<dyn Error>> {
        write_whole(&self.scored_file(name), |file| Ok(serde_json::to_writer(file, scored)?))
    }

    fn scored_file(&self, name: &str) -> PathBuf {
        self.0.join(format!("scored-{name}.json"))
    }

    /// Clears away what a finished run no longer needs.
    pub fn finished(self) -> std::io::Result<()> {
        fs::remove_dir_all(&self.0)
    }
}

impl Drop for Work {
    /// A run that failed before there was anything to keep leaves no folder: one with something in it stays.
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The folder for what programs of this crate keep for another run.
pub fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("metarec")
}

fn seconds_in(file: &Path) -> Option<f64> {
    fs::read_to_string(file).ok()?.parse().ok()
}

/// What tells runs apart whose work is not to be mixed: the program, its options but those that say where results go, the settings, and everything in the data.
fn digest(args: &Args, config: &Config, (data, split): (&Dataset, &ProtocolSplit)) -> Result<u64, Box<dyn Error>> {
    let mut digest = DefaultHasher::new();
    let program = fs::metadata(std::env::current_exe()?)?;
    (program.len(), program.modified()?).hash(&mut digest);
    (args.data.canonicalize()?, &args.text, args.protocol, &args.methods, args.pool, args.random_support)
        .hash(&mut digest);
    (args.seed, args.seeds, args.part.to_string(), format!("{config:?}")).hash(&mut digest);
    (data.catalogue().ids(), data.catalogue().categories(), data.users().ids(), data.users().columns())
        .hash(&mut digest);
    let items = (0..data.catalogue().len() as u32).map(ItemIndex);
    items.for_each(|item| format!("{:?}", data.catalogue().item(item)).hash(&mut digest));
    (0..data.users().len() as u32).map(UserIndex).for_each(|user| data.users().row(user).hash(&mut digest));
    let UserSplit { train, valid, test } = split.users();
    train.iter().for_each(|task| hash_events(&mut digest, task.user, &task.events));
    for user in valid.iter().chain(test) {
        hash_events(&mut digest, user.user, &user.pool);
        hash_events(&mut digest, user.user, &user.query);
    }
    Ok(digest.finish())
}

fn hash_events(digest: &mut DefaultHasher, user: UserIndex, events: &[IndexedEvent]) {
    (user, events.len()).hash(digest);
    for event in events {
        (event.item, event.action.code(), event.value.map(f32::to_bits), event.timestamp).hash(digest);
    }
}
