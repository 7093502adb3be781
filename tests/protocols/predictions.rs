//! What is written of predictions says what the report says.

use std::collections::BTreeMap;
use std::path::Path;

use metarec::baseline::standard;
use metarec::data::{Dataset, UserSplit, read_dir, tie_order};
use metarec::evaluate::metric::{Ndcg, Positions, RankingMetric, Recall, rmse};
use metarec::evaluate::{EvaluateError, Method, PredictionCsv, Protocol, Report, Support, UserCold};

fn fixture() -> (Dataset, UserSplit) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/protocol/halves");
    let data = read_dir(folder).unwrap();
    let split = data.split().unwrap();
    (data, split)
}

/// The report of a method, its scores and its ratings as CSV.
fn run(data: &Dataset, split: &UserSplit, method: &dyn Method) -> (Report, String, String) {
    let (mut report, mut scores, mut ratings) = (Report::new(), Vec::new(), Vec::new());
    let mut csv = PredictionCsv::new(data).with_scores(&mut scores).unwrap().with_ratings(&mut ratings).unwrap();
    UserCold::new(data, split).unwrap().run_with(method, &mut report, &mut csv).unwrap();
    csv.finish().unwrap();
    (report, String::from_utf8(scores).unwrap(), String::from_utf8(ratings).unwrap())
}

/// `(user, k) -> (item, number)`, in the order of the rows.
fn read(text: &str) -> BTreeMap<(String, usize), Vec<(String, f32)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        let row = row.unwrap();
        let key = (row[0].to_owned(), row[1].parse().unwrap());
        all.entry(key).or_default().push((row[2].to_owned(), row[3].parse().unwrap()));
    }
    all
}

#[test]
fn lists_that_are_read_back_have_the_values_of_the_report() {
    let (data, split) = fixture();
    for method in standard(&data, &split, &[0, 1, 5, 20], 1).unwrap() {
        let (report, scores, _) = run(&data, &split, &*method);
        let places = tie_order(data.catalogue().ids());
        for ((user, k), rows) in read(&scores) {
            let user = data.users().find(&user).unwrap();
            let query = &split.test.iter().find(|held_out| held_out.user == user).unwrap().query;
            let liked = query.iter().filter(|event| data.like_rule().is_like(event));
            let relevant: Vec<_> = liked.map(|event| event.item).collect();
            // What is not written is worse than all that is.
            let mut read = vec![f32::NAN; data.catalogue().len()];
            rows.iter().for_each(|(item, score)| read[data.catalogue().find(item).unwrap().position()] = *score);
            let listed: Vec<_> = rows.iter().map(|(item, _)| data.catalogue().find(item).unwrap()).collect();
            let positions = Positions::by_score(&read, &listed, &relevant, &places);
            for metric in [&Ndcg { k: 10 } as &dyn RankingMetric, &Recall { k: 20 }] {
                let values = report.find(method.name(), k, &metric.name()).unwrap().values();
                let found = values.iter().find(|(of, _)| *of == user).map(|(_, value)| *value);
                assert_eq!(found, (!relevant.is_empty()).then(|| metric.at(&positions)), "{} {k}", method.name());
            }
        }
    }
}

#[test]
fn ratings_that_are_read_back_have_the_errors_of_the_report() {
    let (data, split) = fixture();
    let mut rated = 0;
    for method in standard(&data, &split, &[0, 1, 5, 20], 1).unwrap() {
        let (report, _, ratings) = run(&data, &split, &*method);
        for ((user, k), rows) in read(&ratings) {
            let user = data.users().find(&user).unwrap();
            let query = &split.test.iter().find(|held_out| held_out.user == user).unwrap().query;
            let actual: Vec<f32> = query.iter().filter_map(|event| event.rating()).collect();
            let predicted: Vec<f32> = rows.iter().map(|(_, rating)| *rating).collect();
            let values = report.find(method.name(), k, "rmse").unwrap().values();
            let found = values.iter().find(|(of, _)| *of == user).map(|(_, value)| *value);
            assert_eq!(found, rmse(&predicted, &actual), "{} {k}", method.name());
            rated += 1;
        }
    }
    assert!(rated > 0);
}

/// Scores nothing but NaN.
struct Broken(usize);

impl Method for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(vec![vec![f32::NAN; self.0]; supports.len()]))
    }
}

#[test]
fn no_number_is_written_that_is_not_finite_and_the_order_stays() {
    let (data, split) = fixture();
    let (_, broken, ratings) = run(&data, &split, &Broken(data.catalogue().len()));
    let (_, constant, _) = run(&data, &split, &metarec::baseline::Constant::fit(&data, &split));
    assert_eq!(ratings, "user,k,item,rating\n");
    let items = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
    };
    assert_eq!(items(&broken), items(&constant));
    assert!(broken.lines().skip(1).all(|line| line.ends_with(",-3.4028235e38")));
    // 70 items are ranked, less the 20 of the pool.
    assert_eq!(items(&broken).len(), split.test.len() * 4 * 50);
}

/// Fails at the second user.
struct Full(usize);

impl metarec::evaluate::PredictionSink for Full {
    fn depth(&self) -> usize {
        1
    }

    fn ranked(&mut self, _: &metarec::evaluate::Predicted<'_>) -> Result<(), EvaluateError> {
        self.0 += 1;
        if self.0 > 1 { Err(std::io::Error::other("disk full").into()) } else { Ok(()) }
    }
}

#[test]
fn a_sink_that_fails_ends_the_evaluation_and_the_report_is_unchanged() {
    let (data, split) = fixture();
    let mut report = Report::new();
    let constant = metarec::baseline::Constant::fit(&data, &split);
    let error = UserCold::new(&data, &split).unwrap().run_with(&constant, &mut report, &mut Full(0)).unwrap_err();
    assert!(matches!(error, EvaluateError::Write(_)), "{error}");
    assert_eq!(report, Report::new());
}
