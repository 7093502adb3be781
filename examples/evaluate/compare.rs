//! Against the baseline that does best on the validation users, and each rung against those before it.

use metarec::evaluate::metric::Direction;
use metarec::evaluate::{Report, Shots};

use crate::views::PAIRS;

/// What is compared where a protocol has it, and which way is better.
pub const COMPARED: [(&str, Direction); 6] = [
    ("ndcg@10", Direction::HigherIsBetter),
    ("recall@20", Direction::HigherIsBetter),
    ("cold:ndcg@10", Direction::HigherIsBetter),
    ("cold:recall@20", Direction::HigherIsBetter),
    ("rmse", Direction::LowerIsBetter),
    ("mae", Direction::LowerIsBetter),
];

/// One of ours beside the baseline that is best on the validation users; the difference is paired over users, and positive where ours is better.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub metric: &'static str,
    pub k: Shots,
    pub ours: (String, f64),
    pub baseline: (String, f64),
    /// Mean, low and high end.
    pub difference: [f64; 3],
}

impl Comparison {
    /// The low end in percent of the baseline, where that is not nothing.
    pub fn percent(&self) -> String {
        let base = self.baseline.1.abs();
        if base < 1e-6 { "-".to_owned() } else { format!("{:+.1} %", 100.0 * self.difference[1] / base) }
    }
}

/// All comparisons.
pub fn with_the_best(report: &Report, valid: &Report, ours: &[String]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (metric, direction) in COMPARED {
        for k in report.shots() {
            let Some(best) = best(valid, ours, metric, k, direction) else { continue };
            all.extend(ours.iter().filter_map(|name| compare(report, (metric, k), name, &best)));
        }
    }
    all
}

/// How the name of a method ends that is asked on first events where the others are on random ones.
pub const FIRST_EVENTS: &str = ", first events";

/// The name of a method on first events.
pub fn on_first_events(name: &str) -> String {
    format!("{name}{FIRST_EVENTS}")
}

/// Each of ours on random events beside itself on first ones, at every number of shots.
pub fn with_first_events(report: &Report, ours: &[String]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (metric, k) in COMPARED.into_iter().flat_map(|(metric, _)| report.shots().into_iter().map(move |k| (metric, k)))
    {
        all.extend(ours.iter().filter_map(|name| compare(report, (metric, k), name, &on_first_events(name))));
    }
    all
}

/// Models that are told different things of items, in pairs.
pub fn by_what_is_told(report: &Report) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (metric, k) in COMPARED.into_iter().flat_map(|(metric, _)| report.shots().into_iter().map(move |k| (metric, k)))
    {
        all.extend(PAIRS.into_iter().filter_map(|(more, less)| compare(report, (metric, k), more, less)));
    }
    all
}

fn compare(report: &Report, (metric, k): (&'static str, Shots), ours: &str, best: &str) -> Option<Comparison> {
    let (value, base) = (report.mean(ours, k, metric)?, report.mean(best, k, metric)?);
    let paired = report.paired(ours, best, metric, k)?;
    let (ours, baseline) = ((ours.to_owned(), value), (best.to_owned(), base));
    Some(Comparison { metric, k, ours, baseline, difference: paired.gain() })
}

/// Prints them under what they are about.
pub fn print(about: &str, comparisons: &[Comparison]) {
    println!("{about}, paired over users");
    println!(
        "  {:<14} {:>4}  {:<26} {:<16} difference [95 %], its lower end in % of the other",
        "metric", "k", "ours", "the other"
    );
    for one in comparisons {
        let (Comparison { metric, k, difference: [mean, lo, hi], .. }, percent) = (one, one.percent());
        let ((ours, value), (best, base)) = (&one.ours, &one.baseline);
        let k = k.to_string();
        println!(
            "  {metric:<14} {k:>4}  {ours:<18} {value:.4}  {best:<16} {base:.4}  {mean:+.4} [{lo:+.4} {hi:+.4}] {percent}"
        );
    }
    println!();
}

/// The baseline that is best on the validation users.
fn best(valid: &Report, ours: &[String], metric: &str, k: Shots, direction: Direction) -> Option<String> {
    let others = valid.methods().filter(|name| !ours.iter().any(|own| own == name));
    let scored = others.filter_map(|name| Some((name, valid.mean(name, k, metric)?)));
    let better = |value: f64| if direction == Direction::HigherIsBetter { value } else { -value };
    scored.max_by(|a, b| better(a.1).total_cmp(&better(b.1))).map(|(name, _)| name.to_owned())
}

/// Of each of ours the rungs that are significantly below an earlier one, in words.
pub fn fallen_rungs(report: &Report, ours: &[String]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in ours {
        let mut fallen = Vec::new();
        for (metric, _) in COMPARED {
            let rungs = report.shots();
            for (at, &later) in rungs.iter().enumerate() {
                let fell = |&&earlier: &&Shots| {
                    report.paired_rungs(name, metric, later, earlier).is_some_and(|paired| paired.significantly_worse())
                };
                fallen.extend(
                    rungs[..at].iter().filter(fell).map(|earlier| format!("{metric} k={later} below k={earlier}")),
                );
            }
        }
        all.push((name.clone(), if fallen.is_empty() { "none".to_owned() } else { fallen.join(", ") }));
    }
    all
}

/// Prints them.
pub fn print_ladder(fallen: &[(String, String)]) {
    println!("Does the ladder fall? Rungs that are significantly below an earlier one, paired over users");
    fallen.iter().for_each(|(name, rungs)| println!("  {name:<18} {rungs}"));
    println!();
}

/// Of each metric and k the mean, the least and the greatest over the models of several seeds.
pub type Spread = Vec<(&'static str, Shots, [f64; 3])>;

/// The spread over models, by their names; nothing of one model.
pub fn spread(report: &Report, seeds: &[String]) -> Spread {
    let mut all = Vec::new();
    if seeds.len() < 2 {
        return all;
    }
    for (metric, _) in COMPARED {
        for k in report.shots() {
            let values: Vec<f64> = seeds.iter().filter_map(|name| report.mean(name, k, metric)).collect();
            if !values.is_empty() {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                all.push((metric, k, [mean, least, most]));
            }
        }
    }
    all
}

/// Prints them.
pub fn print_spread(name: &str, seeds: usize, spread: &[(&str, Shots, [f64; 3])]) {
    if spread.is_empty() {
        return;
    }
    println!("{name} over {seeds} training seeds: mean (least to greatest)");
    for (metric, k, [mean, least, most]) in spread {
        println!("  {metric:<14} {:>4}  {mean:.4} ({least:.4} to {most:.4})", k.to_string());
    }
    println!();
}
