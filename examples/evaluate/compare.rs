//! Against the baseline that does best on the validation users.

use metarec::evaluate::metric::Direction;
use metarec::evaluate::{Report, Shots};

/// What is compared, and which way is better.
const COMPARED: [(&str, Direction); 4] = [
    ("ndcg@10", Direction::HigherIsBetter),
    ("recall@20", Direction::HigherIsBetter),
    ("rmse", Direction::LowerIsBetter),
    ("mae", Direction::LowerIsBetter),
];

/// Prints, for each number of shots, ours beside the baseline that is best on the validation users; the difference is paired over users, and positive where ours
/// is better.
pub fn print(report: &Report, valid: &Report, ours: &[String]) {
    println!("Against the baseline that is best on the validation users at each k, paired over users");
    println!(
        "  {:<10} {:>4}  {:<26} {:<16} difference [95 %], its lower end in % of the baseline",
        "metric", "k", "ours", "baseline"
    );
    for (metric, direction) in COMPARED {
        for k in shots(report) {
            let Some(best) = best(valid, ours, metric, k, direction) else { continue };
            for name in ours {
                line(report, (metric, k), name, &best);
            }
        }
    }
    println!();
}

fn line(report: &Report, (metric, k): (&str, Shots), ours: &str, best: &str) {
    let values = (report.mean(ours, k, metric), report.mean(best, k, metric), report.paired(ours, best, metric, k));
    let (Some(value), Some(base), Some(paired)) = values else { return };
    let [mean, lo, hi] = match paired.direction {
        Direction::HigherIsBetter => [paired.mean, paired.lo, paired.hi],
        Direction::LowerIsBetter => [-paired.mean, -paired.hi, -paired.lo],
    };
    let percent = 100.0 * lo / base.abs().max(f64::MIN_POSITIVE);
    println!(
        "  {metric:<10} {:>4}  {:<18} {value:.4}  {:<16} {base:.4}  {:+.4} [{:+.4} {:+.4}] {percent:+.1} %",
        k.to_string(),
        ours,
        best,
        mean,
        lo,
        hi
    );
}

/// The baseline that is best on the validation users.
fn best(valid: &Report, ours: &[String], metric: &str, k: Shots, direction: Direction) -> Option<String> {
    let others = valid.methods().filter(|name| !ours.iter().any(|own| own == name));
    let scored = others.filter_map(|name| Some((name, valid.mean(name, k, metric)?)));
    let better = |value: f64| if direction == Direction::HigherIsBetter { value } else { -value };
    scored.max_by(|a, b| better(a.1).total_cmp(&better(b.1))).map(|(name, _)| name.to_owned())
}

/// Whether any later rung of the ladder is significantly below an earlier one.
pub fn print_ladder(report: &Report, ours: &[String]) {
    println!("Does the ladder fall? Rungs that are significantly below an earlier one, paired over users");
    for name in ours {
        let mut fallen = Vec::new();
        for (metric, _) in COMPARED {
            let rungs = shots(report);
            for (at, &later) in rungs.iter().enumerate() {
                let fell = |&&earlier: &&Shots| {
                    report.paired_rungs(name, metric, later, earlier).is_some_and(|paired| paired.significantly_worse())
                };
                fallen.extend(
                    rungs[..at].iter().filter(fell).map(|earlier| format!("{metric} k={later} below k={earlier}")),
                );
            }
        }
        println!("  {name:<18} {}", if fallen.is_empty() { "none".to_owned() } else { fallen.join(", ") });
    }
    println!();
}

/// Mean and range over the models of several seeds; nothing for one.
pub fn print_spread(report: &Report, seeds: &[String]) {
    if seeds.len() < 2 {
        return;
    }
    println!("Over {} training seeds: mean (least to greatest)", seeds.len());
    for (metric, _) in COMPARED {
        for k in shots(report) {
            let values: Vec<f64> = seeds.iter().filter_map(|name| report.mean(name, k, metric)).collect();
            if values.is_empty() {
                continue;
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            println!("  {metric:<10} {:>4}  {mean:.4} ({least:.4} to {most:.4})", k.to_string());
        }
    }
    println!();
}

fn shots(report: &Report) -> Vec<Shots> {
    let mut seen = Vec::new();
    for row in report.rows() {
        if !seen.contains(&row.k) {
            seen.push(row.k);
        }
    }
    seen
}
