//! What a method predicted, handed out while it is measured.

use std::fmt;
use std::io::Write;

use crate::data::{Dataset, ItemIndex, Shots, UserIndex};
use crate::evaluate::error::EvaluateError;

/// What a method predicted for one user at one number of shots.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Predicted<'a> {
    /// Name of the method.
    pub method: &'a str,
    /// For whom.
    pub user: UserIndex,
    /// What the method saw of them.
    pub shots: Shots,
    /// Items and their scores, best first; or items of query events and their predicted ratings, in the order of the events.
    pub items: &'a [(ItemIndex, f32)],
}

/// Gets what a method predicted, user by user, while a protocol runs it: to write it down, or to look at it.
///
/// Users come in the order of the split, at each number of shots anew; nothing is kept of them. A sink that fails ends the
/// evaluation, and an evaluation that fails may have told a part.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{EvaluateError, Predicted, PredictionSink, Protocol, Report, UserCold};
///
/// /// Counts whose first item is which.
/// #[derive(Default)]
/// struct Winners(std::collections::BTreeMap<u32, usize>);
///
/// impl PredictionSink for Winners {
///     fn depth(&self) -> usize {
///         1
///     }
///
///     fn ranked(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
///         if let Some((item, _)) = predicted.items.first() {
///             *self.0.entry(item.0).or_default() += 1;
///         }
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let split = data.split()?;
/// let popularity = metarec::baseline::Popularity::fit(&data, &split);
/// let mut winners = Winners::default();
/// let protocol = UserCold::new(&data, &split)?.with_shots([0]);
/// protocol.run_with(&popularity, &mut Report::new(), &mut winners)?;
/// assert_eq!(winners.0.values().sum::<usize>(), split.test.len());
/// # Ok(())
/// # }
/// ```
pub trait PredictionSink {
    /// How many of the best items of each ranking are wanted; 0 for none.
    fn depth(&self) -> usize {
        0
    }

    /// The best of what was ranked for a user, with the method's own scores: as many as [`PredictionSink::depth`] says, or all
    /// where fewer are ranked. Not told of methods that do not rank.
    ///
    /// # Errors
    /// If it cannot be taken in.
    fn ranked(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
        let _ = predicted;
        Ok(())
    }

    /// The predicted rating of each query event of a user that carries one, clipped as it is measured. Not told of methods that
    /// predict none, nor where the data have none to predict.
    ///
    /// # Errors
    /// If it cannot be taken in.
    fn rated(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
        let _ = predicted;
        Ok(())
    }
}

/// Takes nothing in.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPredictions;

impl PredictionSink for NoPredictions {}

/// How many of the best items of each user are written.
const WRITTEN: usize = 100;

/// Writes predictions as CSV, so that another program can compute the metrics again.
///
/// - Scores: columns `user,k,item,score`, the best 100 items of each user and `k`, best first. That is enough for any metric of lists
///   up to 100; an item that is not written counts as worse than all that are. A score that is not finite is not written as such:
///   it is ranked last in the report, and stands here as the least finite number, `-3.4028235e38`, which ranks it there again, among
///   its like by the order of ties.
/// - Ratings: columns `user,k,item,rating`, of each query event that carries a rating, clipped to the range of the training values as
///   in the report; an item that a user has several of once.
///
/// Users and items are written by their external ids, `k` as [`Shots`] are, numbers as the shortest text that reads back as the same
/// `f32`. Rows of several methods would not be told apart: use one for each. Writing is buffered; call
/// [`PredictionCsv::finish`], which says whether all went well.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{PredictionCsv, Protocol, Report, UserCold};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let split = data.split()?;
/// let constant = metarec::baseline::Constant::fit(&data, &split);
/// let (mut scores, mut ratings) = (Vec::new(), Vec::new());
/// let mut csv = PredictionCsv::new(&data).with_scores(&mut scores)?.with_ratings(&mut ratings)?;
/// UserCold::new(&data, &split)?.run_with(&constant, &mut Report::new(), &mut csv)?;
/// csv.finish()?;
/// assert!(scores.starts_with(b"user,k,item,score\n"));
/// # Ok(())
/// # }
/// ```
pub struct PredictionCsv<'a> {
    data: &'a Dataset,
    scores: Option<csv::Writer<Box<dyn Write + 'a>>>,
    ratings: Option<csv::Writer<Box<dyn Write + 'a>>>,
}

impl fmt::Debug for PredictionCsv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scores, ratings) = (self.scores.is_some(), self.ratings.is_some());
        f.debug_struct("PredictionCsv").field("scores", &scores).field("ratings", &ratings).finish_non_exhaustive()
    }
}

impl<'a> PredictionCsv<'a> {
    /// Writes nothing yet.
    #[must_use]
    pub fn new(data: &'a Dataset) -> Self {
        Self { data, scores: None, ratings: None }
    }

    /// Writes scores to `writer`, which needs no buffer of its own.
    ///
    /// # Errors
    /// If the first row cannot be written.
    pub fn with_scores(mut self, writer: impl Write + 'a) -> Result<Self, EvaluateError> {
        self.scores = Some(table(writer, "score")?);
        Ok(self)
    }

    /// Writes ratings to `writer`, which needs no buffer of its own.
    ///
    /// # Errors
    /// If the first row cannot be written.
    pub fn with_ratings(mut self, writer: impl Write + 'a) -> Result<Self, EvaluateError> {
        self.ratings = Some(table(writer, "rating")?);
        Ok(self)
    }

    /// Writes what is still in buffers.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish(self) -> Result<(), EvaluateError> {
        for mut writer in self.scores.into_iter().chain(self.ratings) {
            writer.flush()?;
        }
        Ok(())
    }
}

fn table<'a>(writer: impl Write + 'a, last: &str) -> Result<csv::Writer<Box<dyn Write + 'a>>, EvaluateError> {
    let mut rows = csv::Writer::from_writer(Box::new(writer) as Box<dyn Write + 'a>);
    rows.write_record(["user", "k", "item", last])?;
    Ok(rows)
}

/// One row for each item; an item that stood before is passed over.
fn write_rows<W: Write>(
    writer: &mut csv::Writer<W>,
    data: &Dataset,
    predicted: &Predicted<'_>,
    text: impl Fn(f32) -> String,
) -> Result<(), EvaluateError> {
    let (user, k) = (data.users().id(predicted.user), predicted.shots.to_string());
    let mut seen = std::collections::HashSet::with_capacity(predicted.items.len());
    for &(item, value) in predicted.items {
        if seen.insert(item) {
            writer.write_record([user, &k, data.catalogue().id(item), &text(value)])?;
        }
    }
    Ok(())
}

impl PredictionSink for PredictionCsv<'_> {
    fn depth(&self) -> usize {
        if self.scores.is_some() { WRITTEN } else { 0 }
    }

    fn ranked(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
        let Some(writer) = &mut self.scores else { return Ok(()) };
        let finite = |score: f32| if score.is_finite() { score } else { f32::MIN };
        write_rows(writer, self.data, predicted, |score| format!("{:?}", finite(score)))
    }

    fn rated(&mut self, predicted: &Predicted<'_>) -> Result<(), EvaluateError> {
        let Some(writer) = &mut self.ratings else { return Ok(()) };
        write_rows(writer, self.data, predicted, |rating| format!("{rating:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, from_events};

    fn written(items: &[(ItemIndex, f32)]) -> (String, String) {
        let data = from_events([("ann", Event::click("tea, green")), ("ann", Event::click("milk"))]).unwrap();
        let predicted = Predicted { method: "made", user: UserIndex(0), shots: Shots::All, items };
        let (mut scores, mut ratings) = (Vec::new(), Vec::new());
        let mut csv = PredictionCsv::new(&data).with_scores(&mut scores).unwrap().with_ratings(&mut ratings).unwrap();
        csv.ranked(&predicted).unwrap();
        csv.rated(&predicted).unwrap();
        csv.finish().unwrap();
        (String::from_utf8(scores).unwrap(), String::from_utf8(ratings).unwrap())
    }

    #[test]
    fn rows_have_external_ids_and_numbers_that_read_back() {
        let third = 1.0_f32 / 3.0;
        let (scores, ratings) = written(&[(ItemIndex(0), third), (ItemIndex(1), -1e-30)]);
        assert_eq!(scores, "user,k,item,score\nann,all,\"tea, green\",0.33333334\nann,all,milk,-1e-30\n");
        assert_eq!("0.33333334".parse(), Ok(third));
        assert!(ratings.starts_with("user,k,item,rating\nann,all,"));
    }

    #[test]
    fn a_score_that_is_not_finite_is_the_least_finite_one() {
        let (scores, _) = written(&[(ItemIndex(1), f32::NAN), (ItemIndex(0), f32::INFINITY)]);
        assert_eq!(scores.matches("-3.4028235e38").count(), 2, "{scores}");
        assert_eq!("-3.4028235e38".parse(), Ok(f32::MIN));
    }

    #[test]
    fn an_item_of_two_events_is_written_once() {
        let (_, ratings) = written(&[(ItemIndex(1), 4.0), (ItemIndex(1), 4.0)]);
        assert_eq!(ratings, "user,k,item,rating\nann,all,milk,4.0\n");
    }

    #[test]
    fn what_is_not_asked_for_is_not_written() {
        let data = from_events([("ann", Event::click("milk"))]).unwrap();
        let mut csv = PredictionCsv::new(&data);
        let items = [(ItemIndex(0), 1.0)];
        let predicted = Predicted { method: "made", user: UserIndex(0), shots: Shots::First(0), items: &items };
        assert_eq!(csv.depth(), 0);
        csv.ranked(&predicted).and_then(|()| csv.rated(&predicted)).and_then(|()| csv.finish()).unwrap();
    }
}
