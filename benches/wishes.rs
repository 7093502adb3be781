//! What a wish in words is worth to a newcomer.
//!
//! ```text
//! cargo bench --bench wishes --features text -- FOLDER --text ENCODER [--model FOLDER] [--record FILE] [--seed NUMBER]
//! ```
//!
//! Each held-out user wishes, in a sentence, for the two categories that are most over-represented among what they liked in their pool, and against the one that is most
//! under-represented. The words go through the encoder and become a prior over items, whose strength and fade are chosen on the validation users. Beside it:
//! the same model without the wish, the plain filter by the same categories on the model and on popularity, and the words alone.

#[path = "../examples/results/record.rs"]
mod record;
#[allow(dead_code, reason = "some of it is for benchmarks that take what is trained in another way")]
mod trained;

use std::collections::HashMap;

use metarec::baseline::{Popularity, Random};
use metarec::data::{Dataset, IndexedEvent, ItemIndex, ItemVectors, UserIndex};
use metarec::evaluate::{EvaluateError, Method, Part, Report, Served, Support, UserCold};
use metarec::recommend::{ItemPrior, device_from_env};
use metarec::text::{CachedEncoder, TasteProfile, TextEncoder, Wish, category_shares, item_vectors, read_encoder};

use record::{Table, columns, metric_tables};
use trained::{Failure, Trained};

const METRICS: [&str; 2] = ["ndcg@10", "recall@20"];
const SHOTS: [usize; 4] = [0, 1, 5, 20];
const STRENGTHS: [f32; 6] = [0.02, 0.05, 0.1, 0.15, 0.25, 0.5];
const FADES: [f32; 6] = [0.0, 1.0, 5.0, 20.0, 100.0, 500.0];
const OURS: &str = "metarec + wish";
const OTHERS: [&str; 5] = ["metarec", "metarec + filter", "popularity + filter", "popularity", "wish alone"];

/// What one user wishes.
struct Wanted {
    sentence: String,
    /// How well each item fits the words.
    scores: Vec<f32>,
    /// Whether each item has a wanted category and none that is unwanted.
    passes: Vec<bool>,
}

/// Wishes of all held-out users.
struct Wishes<'a> {
    data: &'a Dataset,
    /// Of each category, the share among what training users liked.
    usual: Vec<f64>,
    vectors: ItemVectors,
    encoder: CachedEncoder<Box<dyn TextEncoder>>,
}

impl Wishes<'_> {
    /// The user's wish from what they did; `None` if they like nothing more than is usual.
    fn of(&self, events: &[IndexedEvent]) -> Result<Option<Wanted>, Failure> {
        let catalogue = self.data.catalogue();
        let profile = TasteProfile::of(catalogue, &self.usual, self.data.like_rule(), events);
        let (wanted, unwanted) = (&profile.likes[..profile.likes.len().min(2)], profile.avoids.first());
        if wanted.is_empty() {
            return Ok(None);
        }
        let no = unwanted.map_or_else(String::new, |name| format!(", but no {name}"));
        let sentence = format!("I would like {}{no}.", wanted.join(" and "));
        let scores = Wish::parse(&sentence).scores(&self.vectors, &self.encoder)?;
        let has = |item: u32, names: &[String]| {
            let codes = &catalogue.item(ItemIndex(item)).categories;
            codes.iter().any(|&code| names.contains(&catalogue.categories()[code as usize]))
        };
        let unwanted = unwanted.map_or(&[][..], std::slice::from_ref);
        let passes = (0..).take(catalogue.len()).map(|item| has(item, wanted) && !has(item, unwanted)).collect();
        Ok(Some(Wanted { sentence, scores, passes }))
    }
}

/// Scores with something done to them that the user's wish says.
struct WithWish<'a> {
    name: &'a str,
    under: &'a dyn Method,
    wishes: &'a HashMap<UserIndex, Wanted>,
    change: &'a (dyn Fn(&mut [f32], &Wanted, usize) + Sync),
}

impl Method for WithWish<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let Some(mut all) = self.under.scores(supports)? else { return Ok(None) };
        for (scores, support) in all.iter_mut().zip(supports) {
            if let Some(wanted) = self.wishes.get(&support.user) {
                (self.change)(scores, wanted, support.events.len());
            }
        }
        Ok(Some(all))
    }
}

/// The items that pass first, in the order that they had.
fn filtered(scores: &mut [f32], wanted: &Wanted, _: usize) {
    let (low, high) = scores.iter().fold((f32::MAX, f32::MIN), |(low, high), &score| (low.min(score), high.max(score)));
    scores
        .iter_mut()
        .zip(&wanted.passes)
        .filter(|(_, passes)| **passes)
        .for_each(|(score, _)| *score += high - low + 1.0);
}

/// The prior's strength and fade that are best for the validation users, by the mean over all numbers of shots.
fn chosen(
    protocol: &UserCold<'_>,
    served: &dyn Method,
    wishes: &HashMap<UserIndex, Wanted>,
) -> Result<(f32, f32), Failure> {
    let mut best = (f64::NEG_INFINITY, 0.0, 0.0);
    for (strength, fade) in STRENGTHS.into_iter().flat_map(|strength| FADES.map(|fade| (strength, fade))) {
        let mut report = Report::new();
        let change = with_prior(strength, fade);
        protocol.run(&WithWish { name: OURS, under: served, wishes, change: &change }, &mut report)?;
        let mean: f64 = SHOTS.iter().filter_map(|&k| report.mean(OURS, k, METRICS[0])).sum();
        if mean > best.0 {
            best = (mean, strength, fade);
        }
    }
    Ok((best.1, best.2))
}

fn with_prior(strength: f32, fade: f32) -> impl Fn(&mut [f32], &Wanted, usize) + Sync {
    move |scores, wanted, events| {
        let prior = ItemPrior::new(wanted.scores.clone()).with_strength(strength).with_fade(fade);
        let weight = prior.weight(events);
        scores.iter_mut().zip(prior.scores()).for_each(|(score, known)| *score += weight * known);
    }
}

fn run(
    trained: &Trained,
    encoder: CachedEncoder<Box<dyn TextEncoder>>,
    seed: u64,
) -> Result<(Report, Vec<String>), Failure> {
    let Trained { data, split, rec, .. } = trained;
    let liked = split.train.iter().flat_map(|task| &task.events).filter(|event| data.like_rule().is_like(event));
    let usual = category_shares(data.catalogue(), liked.map(|event| event.item));
    let vectors = item_vectors(data.catalogue(), &encoder)?;
    let wishes = Wishes { data, usual, vectors, encoder };
    let mut of = HashMap::new();
    for user in split.valid.iter().chain(&split.test) {
        if let Some(wanted) = wishes.of(&user.pool)? {
            of.insert(user.user, wanted);
        }
    }
    let served = Served::new(rec, data)?.named("metarec");
    let protocol = || Ok::<_, Failure>(UserCold::new(data, split)?.with_shots(SHOTS));
    let (strength, fade) = chosen(&protocol()?.on(Part::Valid), &served, &of)?;
    let mut report = Report::new().of_protocol("user-cold");
    let protocol = protocol()?;
    let popularity = Popularity::fit(data, split);
    let prior = with_prior(strength, fade);
    let alone = |scores: &mut [f32], wanted: &Wanted, _: usize| scores.copy_from_slice(&wanted.scores);
    let wished = |name, under, change| WithWish { name, under, wishes: &of, change };
    protocol.run(&wished(OURS, &served, &prior), &mut report)?;
    protocol.run(&served, &mut report)?;
    protocol.run(&wished(OTHERS[1], &served, &filtered), &mut report)?;
    protocol.run(&wished(OTHERS[2], &popularity, &filtered), &mut report)?;
    protocol.run(&popularity, &mut report)?;
    protocol.run(&wished(OTHERS[4], &popularity, &alone), &mut report)?;
    protocol.run(&Random::new(data, seed), &mut report)?;
    let example = split.test.iter().find_map(|user| of.get(&user.user));
    let example = example.map_or_else(String::new, |wanted| wanted.sentence.clone());
    let notes = vec![
        format!("A wish: \"{example}\""),
        format!(
            "The prior: a deviation of likeness is worth {strength} in log odds at k = 0, and weighs as much as {fade} events; chosen on validation users."
        ),
        "Wishes say what is in all 20 events of the pool, of which the model sees the first k.".to_owned(),
    ];
    Ok((report, notes))
}

fn differences(report: &Report) -> Table {
    let row = |other: &&str| {
        let cell = |(metric, k): (&str, usize)| {
            report.paired(OURS, other, metric, k).map_or_else(String::new, |paired| {
                let [mean, lo, hi] = paired.gain();
                format!("{mean:+.4} [{lo:+.4}, {hi:+.4}]")
            })
        };
        let cells = METRICS.into_iter().flat_map(|metric| SHOTS.map(|k| (metric, k)));
        [(*other).to_owned()].into_iter().chain(cells.map(cell)).collect()
    };
    let names = METRICS.into_iter().flat_map(|metric| SHOTS.map(|k| format!("{metric}, k = {k}")));
    Table {
        caption: "What the model with the wish is better by, paired over users".to_owned(),
        columns: columns(["than"]).into_iter().chain(names).collect(),
        rows: OTHERS.iter().map(row).collect(),
    }
}

fn main() -> Result<(), Failure> {
    let mut encoder = None;
    let options = trained::options(&mut |name, parser| {
        if name != "text" {
            return Ok(false);
        }
        encoder = Some(parser.value()?);
        Ok(true)
    })?;
    let Some(trained) = options.recommender()? else { return Ok(()) };
    let encoder = encoder.ok_or("--text is missing: expected the folder of an encoder")?;
    let vectors = tempfile::tempdir()?;
    let encoder = CachedEncoder::new(read_encoder(encoder, &device_from_env()?)?, vectors.path());
    let (report, notes) = run(&trained, encoder, options.seed)?;
    println!("{report}");
    options.record(&trained, ("Wishes", "wishes of newcomers", "bench --bench wishes --features text"), |record| {
        record.notes.extend(notes);
        record.tables.extend(metric_tables(&report, METRICS));
        record.tables.push(differences(&report));
    })
}
