//! New items whose words are of another language than those that training read.
//!
//! ```text
//! cargo bench --bench languages --features text -- ml-100k ENCODER... [--record FILE] [--seed NUMBER]
//! ```
//!
//! Under the protocol item-cold, the titles (and, apart, the names of categories with them) of the test's new items are told in English, Spanish or Chinese, all other items in
//! English. `benches/languages/titles.csv` has translations of those new items of MovieLens 100K that at least eleven users have rated; the others keep
//! their English words. Each ENCODER is a folder. A training for each row.

#[path = "../examples/results/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lexopt::prelude::*;
use metarec::baseline::{CategoryPopularity, Popularity, Random};
use metarec::data::{Catalogue, Dataset, ItemIndex, read_dir};
use metarec::evaluate::{
    Method, Part, ProtocolKind, ProtocolOptions, ProtocolRules, ProtocolSplit, Report, Served, Shots,
};
use metarec::recommend::device_from_env;
use metarec::text::{TextEncoder, item_vectors, read_encoder};
use metarec::{Config, Recommender};

use record::{Record, Table, columns, metric_tables};

type Failure = Box<dyn std::error::Error>;

const LANGUAGES: [&str; 3] = ["english", "spanish", "chinese"];
const METRICS: [&str; 4] = ["ndcg@10", "recall@20", "cold:ndcg@10", "cold:recall@20"];

/// Words by language; what they translate is the key.
type Dictionary = BTreeMap<String, BTreeMap<String, String>>;

fn dictionary(file: &str, key: &str) -> Result<Dictionary, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/languages").join(file);
    let mut reader = csv::Reader::from_path(path)?;
    let rows = reader.deserialize().map(|row| {
        let row: BTreeMap<String, String> = row?;
        Ok((row.get(key).cloned().unwrap_or_default(), row))
    });
    rows.collect()
}

struct Study {
    data: Dataset,
    split: ProtocolSplit,
    titles: Dictionary,
    categories: Dictionary,
    seed: u64,
}

impl Study {
    /// The same items without categories: with the title as what is said of each, and the names of its categories as its text where they are told, translated where the item
    /// has a translation.
    fn told(&self, language: &str, with_categories: bool) -> Catalogue {
        let catalogue = self.data.catalogue();
        let mut told = Catalogue::new();
        for (id, item) in catalogue.ids().iter().zip((0..).map(|item| catalogue.item(ItemIndex(item)))) {
            let translated = self.titles.get(id);
            let title = translated.map_or(&*item.title, |row| &row[language]);
            let name = |code: &u32| {
                let name = &catalogue.categories()[*code as usize];
                let row = self.categories.get(name).filter(|_| translated.is_some());
                row.map_or_else(|| name.clone(), |row| row[language].clone())
            };
            let names: Vec<String> = item.categories.iter().filter(|_| with_categories).map(name).collect();
            told.describe(id, title, &names.join(", "), []);
        }
        told
    }

    /// How many of the test's new items are translated.
    fn translated(&self) -> usize {
        let known = self.split.users().candidates();
        let new = self.split.candidates(Part::Test).into_iter().filter(|item| known.binary_search(item).is_err());
        new.filter(|item| self.titles.contains_key(&self.data.catalogue().ids()[item.position()])).count()
    }

    fn score(&self, data: &Dataset, method: &dyn Method, report: &mut Report) -> Result<(), Failure> {
        let options = ProtocolOptions::default();
        Ok(self.split.protocol(data, &options)?.run(method, report)?)
    }

    /// Trains on the words of `catalogue` as `encoder` reads them.
    fn run(
        &self,
        name: &str,
        mut catalogue: Catalogue,
        encoder: &dyn TextEncoder,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut data = self.data.clone();
        let vectors = item_vectors(&catalogue, encoder)?;
        catalogue.set_vectors(Some(vectors));
        *data.catalogue_mut() = catalogue;
        let config = Config::default().with_seed(self.seed);
        let rec = Recommender::trainer(&data)
            .config(&config)
            .split(self.split.users().clone())
            .looks(self.split.candidates(Part::Valid), [Shots::All])
            .looks_passing_over(self.split.passed_over(&data, Part::Valid))
            .train(&device_from_env()?)?;
        self.score(&data, &Served::new(&rec, &data)?.named(name), report)
    }
}

/// What `first` is better by than `second`, paired over users.
fn difference(report: &Report, first: &str, second: &str, metric: &str) -> String {
    let paired = report.paired(first, second, metric, Shots::All);
    paired.map_or_else(String::new, |paired| {
        let [mean, lo, hi] = paired.gain();
        format!("{mean:+.4} [{lo:+.4}, {hi:+.4}]")
    })
}

fn main() -> Result<(), Failure> {
    let began = Instant::now();
    let (mut paths, mut file, mut seed): (Vec<PathBuf>, Option<PathBuf>, u64) = (Vec::new(), None, 0);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(path) => paths.push(path.into()),
            Long("record") => file = Some(parser.value()?.into()),
            Long("seed") => seed = parser.value()?.parse()?,
            Long("bench") => {}
            other => return Err(other.unexpected().into()),
        }
    }
    // `cargo test --benches` runs programs without arguments.
    let Some((folder, encoders)) = paths.split_first() else { return Ok(()) };
    let data = read_dir(folder)?;
    let split = ProtocolKind::ItemCold.split(&data, &ProtocolRules::default())?;
    let study = Study {
        data,
        split,
        titles: dictionary("titles.csv", "item")?,
        categories: dictionary("categories.csv", "english")?,
        seed,
    };
    let mut report = Report::new().of_protocol("item-cold");
    study.score(&study.data, &Random::new(&study.data, seed), &mut report)?;
    study.score(&study.data, &Popularity::fit(&study.data, study.split.users()), &mut report)?;
    study.score(&study.data, &CategoryPopularity::fit(&study.data, study.split.users()), &mut report)?;
    let device = device_from_env()?;
    let mut pairs = Vec::new();
    for path in encoders {
        let encoder = read_encoder(path, &device)?;
        let folder = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        for (words, with_categories) in [("titles", false), ("titles and categories", true)] {
            for language in LANGUAGES {
                let name = format!("{folder}, {words}, {language}");
                study.run(&name, study.told(language, with_categories), &*encoder, &mut report)?;
                println!("{name}: {:?}", METRICS.map(|metric| report.mean(&name, Shots::All, metric)));
                pairs.push((name, format!("{folder}, {words}, english")));
            }
        }
    }
    println!("{report}");
    let Some(file) = file else { return Ok(()) };
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let title = format!("{name}, new items in other languages");
    let mut record =
        Record::new("Other languages", &title, (&name, &study.data), "bench --bench languages --features text");
    record.seeds = vec![seed];
    record.notes.push(format!(
        "{} of the {} new items of the test have translated titles, by hand; the names of all {} categories are translated.",
        study.translated(),
        study.split.candidates(Part::Test).len() - study.split.users().candidates().len(),
        study.categories.len(),
    ));
    record.tables.extend(metric_tables(&report, METRICS));
    let report = &report;
    let row = |(name, english): &(String, String)| {
        let against = |other| METRICS[..3].iter().map(move |metric| difference(report, name, other, metric));
        [name.clone()].into_iter().chain(against("popularity")).chain(against(english)).collect()
    };
    record.tables.push(Table {
        caption: "What each is better by, paired over users: than popularity, and than the same words in English"
            .to_owned(),
        columns: columns([
            "model",
            "popularity: ndcg@10",
            "recall@20",
            "cold:ndcg@10",
            "English: ndcg@10",
            "recall@20",
            "cold:ndcg@10",
        ]),
        rows: pairs.iter().map(row).collect(),
    });
    record.write(&file, began)
}
