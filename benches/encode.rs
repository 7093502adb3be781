//! How fast texts become vectors, and how far they are from those of another program.
//!
//! `cargo bench --bench encode --features text -- MODEL FOLDER [OUT]` encodes the titles of a data set five times with the encoder in the folder MODEL, prints the median time and
//! the texts per second, and writes the vectors to OUT, `[texts, width]` as 32-bit floats. `benches/peers/encode.py` does the same with PyTorch, and compares.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::time::Instant;

use metarec::data::{ItemIndex, read_dir};
use metarec::recommend::device_from_env;
use metarec::text::{TextEncoder, read_encoder};

const TIMES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).filter(|arg| arg != "--bench").collect();
    let (model, folder, out) = match args.as_slice() {
        [model, folder] => (model, folder, None),
        [model, folder, out] => (model, folder, Some(out)),
        _ => return Err("expected the folder of an encoder, that of a data set, and maybe a file to write".into()),
    };
    let encoder = read_encoder(model, &device_from_env()?)?;
    let data = read_dir(folder)?;
    let catalogue = data.catalogue();
    let titles: Vec<&str> = (0..).take(catalogue.len()).map(|item| catalogue.title(ItemIndex(item))).collect();
    encoder.encode(&titles[..titles.len().min(64)])?;
    let mut seconds = Vec::new();
    let mut vectors = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        vectors = encoder.encode(&titles)?.values;
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[TIMES / 2];
    println!(
        "{} texts in {median:.3} s (median of {TIMES}): {:.0} a second",
        titles.len(),
        titles.len() as f64 / median
    );
    if let Some(out) = out {
        let mut file = fs::File::create(out)?;
        vectors.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
    }
    Ok(())
}
