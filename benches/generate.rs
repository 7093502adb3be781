//! How fast a language model goes on from a prompt, and what it thinks comes next.
//!
//! `cargo bench --bench generate --features lm -- MODEL PROMPT [OUT]` generates 64 tokens three times, prints the median time and the tokens per second, and writes the logits of what follows the
//! prompt to OUT as 32-bit floats. `benches/peers/generate.py` does the same with PyTorch, and compares.

use std::error::Error;
use std::fs;
use std::time::Instant;

use metarec::recommend::device_from_env;
use metarec::text::{DecoderModel, Generation, LanguageModel, Prompt};

const TIMES: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let (model, prompt, out) = match args.as_slice() {
        [model, prompt] => (model, prompt, None),
        [model, prompt, out] => (model, prompt, Some(out)),
        _ => return Err("expected a GGUF file or a folder, a prompt, and maybe a file to write".into()),
    };
    let began = Instant::now();
    let model = DecoderModel::read(model, &device_from_env()?)?;
    println!("read in {:.2} s", began.elapsed().as_secs_f64());
    let prompt = Prompt::from(prompt);
    let mut runs = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let written = model.generate(&prompt, &Generation::default())?.written;
        runs.push((began.elapsed().as_secs_f64(), written));
    }
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, written) = runs[TIMES / 2];
    println!("{written} tokens in {seconds:.2} s (median of {TIMES}): {:.1} a second", written as f64 / seconds);
    if let Some(out) = out {
        let bytes: Vec<u8> = model.logits(&prompt)?.iter().flat_map(|logit| logit.to_le_bytes()).collect();
        fs::write(out, bytes)?;
    }
    Ok(())
}
