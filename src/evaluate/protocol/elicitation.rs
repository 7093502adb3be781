//! How good a recommender becomes by asking.

use rayon::prelude::*;

use crate::data::{
    Dataset, Draws, HeldOutUser, IndexedEvent, ItemIndex, LikeRule, TrainValues, UserIndex, UserSplit, tie_order,
};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};
use crate::evaluate::metric::{Direction, Ndcg, Positions, RankingMetric, rmse};
use crate::evaluate::policy::{Interview, QuestionPolicy};
use crate::evaluate::protocol::measure::check_shape;
use crate::evaluate::protocol::question::Question;
use crate::evaluate::protocol::shots::Part;
use crate::evaluate::report::{Measured, Report};

/// Users who are handed to a policy or a method at once.
const BATCH: usize = 64;
/// Questions that a policy plans until one is answered.
const AHEAD: usize = 20;

/// The elicitation protocol: held-out users of whom nothing is known are asked about items, and served from their answers.
///
/// - The events after a user's pool are divided in two halves by a draw from `(seed, user)`: one is the *query*, the other and the pool are the *answer book*. So the query is a part of that
///   of [`UserCold`](crate::evaluate::UserCold); events of items that are in the answer book as well are left out of it, so that no answer
///   is asked for again. Asked about an item in
///   the answer book, the user answers with the event as it was, the first if there are several; asked about any other, they do not know it (which is a question, too, and is not
///   asked again). Answers are at one sitting: all have the time of the user's first event, and stand in the order in which they were given.
/// - Only items that training knows are asked about and ranked. Ranked are all but those of the answer book, the same after every question and under every policy; relevant are the likes of the query,
///   and its ratings are predicted.
/// - An interview ends after as many questions as [`with_most`](Self::with_most) says; who has not given so many answers by then is measured with those that there are.
///
/// Metrics, under the name of the policy: `ndcg@10/questions`, `rmse/questions`, `answers/questions` after so many questions; `ndcg@10/answers`,
/// `rmse/answers`, `questions/answers` after so many answers, the last being how many questions these took.
///
/// Costs besides the policy's and the method's own one ranking a user, number of questions and number of answers.
pub struct Elicitation<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    seed: u64,
    questions: Vec<usize>,
    answers: Vec<usize>,
    most: usize,
    candidates: Vec<ItemIndex>,
    values: Option<TrainValues>,
    places: Vec<u32>,
}

/// A user, and what they know.
struct Newcomer {
    user: UserIndex,
    /// In the order of items, one event of each.
    book: Vec<IndexedEvent>,
    /// None of an item in the book.
    query: Vec<IndexedEvent>,
}

impl Newcomer {
    fn new(user: &HeldOutUser, seed: u64) -> Self {
        let (later, sitting) = (user.query.len(), user.pool.iter().filter_map(|event| event.timestamp).min());
        let known = Draws::new(*b"the book", seed, u64::from(user.user.0)).subset(later / 2, later);
        let (mut book, mut query) = (user.pool.clone(), Vec::new());
        for (place, event) in user.query.iter().enumerate() {
            if known.binary_search(&place).is_ok() { book.push(*event) } else { query.push(*event) }
        }
        book.iter_mut().for_each(|event| event.timestamp = sitting);
        book.sort_by_key(|event| event.item);
        book.dedup_by_key(|event| event.item);
        query.retain(|event| book.binary_search_by_key(&event.item, |known| known.item).is_err());
        Self { user: user.user, book, query }
    }

    fn answer(&self, item: ItemIndex) -> Option<IndexedEvent> {
        let place = self.book.binary_search_by_key(&item, |event| event.item).ok()?;
        Some(self.book[place])
    }
}

/// How an interview goes.
struct Protocolled {
    answers: Vec<IndexedEvent>,
    /// How many questions had been asked when each answer came.
    asked_at: Vec<usize>,
    asked: usize,
    open: Vec<bool>,
    over: bool,
}

impl Protocolled {
    /// How many answers there were after so many questions.
    fn after(&self, questions: usize) -> usize {
        self.asked_at.partition_point(|at| *at <= questions)
    }

    /// Asks about one item after the other until one is answered.
    ///
    /// # Errors
    /// With the first item that may not be asked about.
    fn ask(&mut self, newcomer: &Newcomer, items: &[ItemIndex], most: usize) -> Result<(), ItemIndex> {
        for &item in items {
            if self.asked == most {
                break;
            }
            match self.open.get_mut(item.position()) {
                Some(open) if *open => *open = false,
                _ => return Err(item),
            }
            self.asked += 1;
            if let Some(event) = newcomer.answer(item) {
                self.answers.push(event);
                self.asked_at.push(self.asked);
                return Ok(());
            }
        }
        self.over = items.is_empty() || self.asked == most;
        Ok(())
    }
}

impl<'a> Elicitation<'a> {
    /// The protocol on the test users, after 1, 3, 5, 10, 20 and 40 questions and after 1, 3, 5 and 10 answers, with at most 100 questions.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        let items = data.catalogue().len();
        let held_out = split.valid.iter().chain(&split.test).flat_map(|user| user.pool.iter().chain(&user.query));
        let mut events = held_out.chain(split.train.iter().flat_map(|task| &task.events));
        if let Some(event) = events.find(|event| event.item.position() >= items) {
            return Err(EvaluateError::ForeignSplit(format!("item {} of {items}", event.item.0)));
        }
        Ok(Self {
            data,
            split,
            part: Part::Test,
            seed: 1,
            questions: vec![1, 3, 5, 10, 20, 40],
            answers: vec![1, 3, 5, 10],
            most: 100,
            candidates: split.candidates(),
            values: TrainValues::of(split),
            places: tie_order(data.catalogue().ids()),
        })
    }

    /// The same protocol on the users of `part`.
    #[must_use]
    pub fn on(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// The same with other halves.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same measured after other numbers of questions and of answers.
    #[must_use]
    pub fn with_counts(mut self, questions: impl Into<Vec<usize>>, answers: impl Into<Vec<usize>>) -> Self {
        (self.questions, self.answers) = (questions.into(), answers.into());
        self
    }

    /// The same with at most so many questions.
    #[must_use]
    pub fn with_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Interviews everybody by a policy, serves them with a method, and adds what that was worth to `report`.
    ///
    /// # Errors
    /// [`EvaluateError::NoUsers`] if there is nobody; what policy or method fails with; [`EvaluateError::WrongShape`] and [`EvaluateError::NotOpen`] if they break their
    /// contracts; [`EvaluateError::MethodTwice`]. The report is unchanged then.
    pub fn run(
        &self,
        policy: &dyn QuestionPolicy,
        method: &dyn Method,
        report: &mut Report,
    ) -> Result<(), EvaluateError> {
        let newcomers: Vec<Newcomer> =
            self.part.of(self.split).iter().map(|user| Newcomer::new(user, self.seed)).collect();
        if newcomers.is_empty() {
            return Err(EvaluateError::NoUsers(self.part));
        }
        let interviews = self.interview(&newcomers, policy)?;
        let mut measured = Vec::new();
        let counted = |name: &str, k: usize, direction, of: &dyn Fn(&Protocolled) -> usize| {
            let values = newcomers.iter().zip(&interviews).map(|(user, interview)| (user.user, of(interview) as f64));
            Measured::per_user(name, k, direction, values.collect())
        };
        for &k in &self.questions {
            measured.push(counted("answers/questions", k, Direction::HigherIsBetter, &|interview| interview.after(k)));
            measured.extend(self.measure((&newcomers, &interviews), method, ("questions", k), &|one| one.after(k))?);
        }
        for &k in &self.answers {
            let asked = |one: &Protocolled| {
                k.checked_sub(1).map_or(0, |last| one.asked_at.get(last).copied().unwrap_or(one.asked))
            };
            measured.push(counted("questions/answers", k, Direction::LowerIsBetter, &asked));
            let given = |one: &Protocolled| one.answers.len().min(k);
            measured.extend(self.measure((&newcomers, &interviews), method, ("answers", k), &given)?);
        }
        report.add(policy.name(), method.config(), measured)
    }

    fn interview(
        &self,
        newcomers: &[Newcomer],
        policy: &dyn QuestionPolicy,
    ) -> Result<Vec<Protocolled>, EvaluateError> {
        let mut open = vec![false; self.data.catalogue().len()];
        self.candidates.iter().for_each(|item| open[item.position()] = true);
        let begin = |_: &Newcomer| Protocolled {
            answers: Vec::new(),
            asked_at: Vec::new(),
            asked: 0,
            open: open.clone(),
            over: self.most == 0,
        };
        let mut interviews: Vec<Protocolled> = newcomers.iter().map(begin).collect();
        for (newcomers, interviews) in newcomers.chunks(BATCH).zip(interviews.chunks_mut(BATCH)) {
            loop {
                let going: Vec<usize> = (0..interviews.len()).filter(|&at| !self.is_over(&interviews[at])).collect();
                if going.is_empty() {
                    break;
                }
                let of = |&at: &usize| {
                    let Protocolled { answers, open, .. } = &interviews[at];
                    Interview { user: newcomers[at].user, answers, open }
                };
                let asked: Vec<Interview<'_>> = going.iter().map(of).collect();
                let next = policy.next(&asked, AHEAD)?;
                if next.len() != going.len() {
                    let (what, expected, found) = ("lists of questions", going.len(), next.len());
                    return Err(EvaluateError::WrongShape { method: policy.name().to_owned(), what, expected, found });
                }
                for (at, items) in going.into_iter().zip(next) {
                    interviews[at].ask(&newcomers[at], &items, self.most).map_err(|item| EvaluateError::NotOpen {
                        policy: policy.name().to_owned(),
                        item: item.0,
                        items: open.len(),
                    })?;
                }
            }
        }
        Ok(interviews)
    }

    /// Whether nothing that is measured can change any more.
    fn is_over(&self, interview: &Protocolled) -> bool {
        let asked = self.questions.iter().all(|&questions| interview.asked >= questions);
        let answered = self.answers.iter().all(|&answers| interview.answers.len() >= answers);
        interview.over || (asked && answered)
    }

    /// nDCG and error when each user has given so many answers.
    fn measure(
        &self,
        (newcomers, interviews): (&[Newcomer], &[Protocolled]),
        method: &dyn Method,
        (what, k): (&str, usize),
        given: &dyn Fn(&Protocolled) -> usize,
    ) -> Result<Vec<Measured>, EvaluateError> {
        let (mut ndcg, mut error) = (Vec::new(), Vec::new());
        for (newcomers, interviews) in newcomers.chunks(BATCH).zip(interviews.chunks(BATCH)) {
            let users = newcomers.iter().zip(interviews);
            let supports: Vec<Support<'_>> =
                users.map(|(user, one)| Support { user: user.user, events: &one.answers[..given(one)] }).collect();
            if let Some(scores) = method.scores(&supports)? {
                check_shape(method, &scores, supports.len(), self.data.catalogue().len())?;
                let of =
                    |(newcomer, scores): (&Newcomer, &Vec<f32>)| Some((newcomer.user, self.ndcg(newcomer, scores)?));
                ndcg.extend(newcomers.par_iter().zip(&scores).filter_map(of).collect::<Vec<_>>());
            }
            if let Some(ratings) = method.ratings(&supports)? {
                check_shape(method, &ratings, supports.len(), self.data.catalogue().len())?;
                let of =
                    |(newcomer, ratings): (&Newcomer, &Vec<f32>)| Some((newcomer.user, self.error(newcomer, ratings)?));
                error.extend(newcomers.iter().zip(&ratings).filter_map(of));
            }
        }
        Ok(vec![
            Measured::per_user(format!("ndcg@10/{what}"), k, Direction::HigherIsBetter, ndcg),
            Measured::per_user(format!("rmse/{what}"), k, Direction::LowerIsBetter, error),
        ])
    }

    fn question<'n>(&self, newcomer: &'n Newcomer, likes: &LikeRule) -> Question<'n> {
        let book = newcomer.book.iter().map(|event| event.item);
        Question::all_but(newcomer.user, (&[], &newcomer.query), book, &self.candidates, likes)
    }

    fn ndcg(&self, newcomer: &Newcomer, scores: &[f32]) -> Option<f64> {
        let question = self.question(newcomer, self.data.like_rule());
        let ranked = question.ranked(&self.candidates);
        let positions = Positions::by_score(scores, &ranked, &question.relevant, &self.places);
        (!question.relevant.is_empty()).then(|| Ndcg { k: 10 }.at(&positions))
    }

    fn error(&self, newcomer: &Newcomer, ratings: &[f32]) -> Option<f64> {
        let range = self.values?;
        let question = self.question(newcomer, self.data.like_rule());
        let predicted = |item: &ItemIndex| ratings[item.position()].max(range.low).min(range.high);
        rmse(&question.rated.iter().map(predicted).collect::<Vec<f32>>(), &question.values)
    }
}

#[cfg(test)]
mod tests;
