//! The files that were asked for.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use metarec::data::Dataset;
use metarec::evaluate::{Method, PredictionCsv, Protocol, Report};

use crate::args::Args;
use crate::record::part_of;

/// Where results go; each file is written whole or not at all.
pub struct Output {
    json: Option<PathBuf>,
    predictions: Option<PathBuf>,
    ratings: Option<PathBuf>,
}

impl Output {
    /// Finds out before the work and not after it that results can't be kept.
    pub fn new(args: &Args) -> Result<Self, Box<dyn Error>> {
        let Args { json, record, predictions, ratings, .. } = args.clone();
        for path in [&json, &record, &predictions, &ratings].into_iter().flatten() {
            if path.is_dir() {
                return Err(format!("cannot write {}: it is a folder: expected a file", path.display()).into());
            }
            File::create(part_of(path)).map_err(|error| said(path, &error))?;
            fs::remove_file(part_of(path)).map_err(|error| said(path, &error))?;
        }
        Ok(Self { json, predictions, ratings })
    }

    /// Whether what a method predicts was asked for.
    pub fn wants_predictions(&self) -> bool {
        self.predictions.is_some() || self.ratings.is_some()
    }

    /// Runs the protocol on a method and writes what it predicts.
    pub fn run(
        &self,
        protocol: &dyn Protocol,
        method: &dyn Method,
        report: &mut Report,
        data: &Dataset,
    ) -> Result<(), Box<dyn Error>> {
        let (mut scores, mut ratings) = (Vec::new(), Vec::new());
        let mut sink = PredictionCsv::new(data);
        if self.predictions.is_some() {
            sink = sink.with_scores(&mut scores)?;
        }
        if self.ratings.is_some() {
            sink = sink.with_ratings(&mut ratings)?;
        }
        protocol.run_with(method, report, &mut sink)?;
        sink.finish()?;
        for (path, bytes, what) in [(&self.predictions, &scores, "ranking"), (&self.ratings, &ratings, "ratings")] {
            let Some(path) = path else { continue };
            // One line is the names of the columns.
            if bytes.iter().filter(|&&byte| byte == b'\n').count() < 2 {
                println!("{} has no {what}: {} is not written", method.name(), path.display());
                continue;
            }
            write_whole(path, |file| Ok(file.write_all(bytes)?))?;
            println!("{what} of {} written to {}", method.name(), path.display());
        }
        Ok(())
    }

    /// Writes all rows.
    pub fn write_report(&self, report: &Report) -> Result<(), Box<dyn Error>> {
        let Some(path) = &self.json else { return Ok(()) };
        write_whole(path, |file| Ok(report.write_json_lines(file)?))?;
        println!("results written to {}", path.display());
        Ok(())
    }
}

/// Writes a file, whole or not at all.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(part_of(path)).map_err(|error| said(path, &error))?);
    write(&mut file)?;
    file.flush()?;
    fs::rename(part_of(path), path).map_err(|error| said(path, &error).into())
}

fn said(path: &Path, error: &dyn Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
