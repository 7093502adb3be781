//! The recommender: adapt, update, rank.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::{Engine, State};
use super::error::RecommendError;
use super::filter::{Filter, Hit};
use super::incoming::{check_kept, index};
use super::user::AdaptedUser;
use crate::data::{Catalogue, Event, IndexedEvent, ItemIndex, tie_order};
use crate::model::{RatingBelief, RatingCalibration, RatingDistribution, RatingScale};
use crate::persist::ModelFacts;

/// A trained model that serves users it has never seen.
///
/// There are no type parameters: model and learner are behind it. It is `Send + Sync`, and everything takes `&self`, so a host keeps one in an `Arc` and calls it
/// from any thread; what belongs to a user is in the user's [`AdaptedUser`].
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
/// use metarec::{Config, Recommender};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = metarec::recommend::device_from_env()?;
/// let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
/// let mut config = Config::default();
/// config.training.epochs = 1;
/// let rec = Recommender::train(&data, &config, &device)?;
///
/// let mut user = rec.adapt(&[Event::rating("i3", 5.0)])?;
/// rec.update(&mut user, Event::click("i7"))?;
/// for hit in rec.top_k(&user, 10)? {
///     println!("{} {:.2}", hit.title, hit.score);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Recommender {
    pub(super) engine: Box<dyn Engine>,
    /// Which recommender of this process it is: what is kept beside a user belongs to one.
    number: u64,
    pub(super) catalogue: Catalogue,
    pub(super) places: Vec<u32>,
    pub(super) facts: ModelFacts,
    pub(super) config: serde_json::Value,
    pub(super) schema: serde_json::Value,
    fingerprint: String,
    /// Scores of the user of whom nothing is known.
    pub(super) nobody: OnceLock<Vec<f32>>,
}

impl fmt::Debug for Recommender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recommender")
            .field("facts", &self.facts)
            .field("items", &self.catalogue.len())
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Recommender {
    pub(super) fn assemble(
        engine: Box<dyn Engine>,
        catalogue: Catalogue,
        facts: ModelFacts,
        (config, schema): (serde_json::Value, serde_json::Value),
        fingerprint: String,
    ) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let places = tie_order(catalogue.ids());
        Self { engine, number, catalogue, places, facts, config, schema, fingerprint, nobody: OnceLock::new() }
    }

    /// The items, in the order of the scores.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What tells this model from any other: SHA-256 over weights, settings and catalogue. A copy that was saved and loaded has the same, and so has one that was
    /// trained from the same seed on the same kind of device.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What serving knows of the model: how many events it reads, the range of its ratings.
    #[must_use]
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// Adapts to a user's events.
    ///
    /// Events count in time order, wherever they stand in the slice; one without a time comes after those that stand before it. The model reads the most
    /// recent [`ModelFacts::max_context`]. No events at all give the user of whom nothing is known, who is served with what the model knows of everybody.
    ///
    /// Costs what adaptation costs the learner: with the default one a forward pass over the events.
    ///
    /// # Errors
    /// If an item is unknown, a value not finite, a time negative, or a rating outside the range that training saw. Values of other actions have
    /// no fixed scale, and are clipped to that range.
    pub fn adapt(&self, events: &[Event]) -> Result<AdaptedUser, RecommendError> {
        let mut users = self.adapt_many(&[events])?;
        Ok(users.pop().unwrap_or_else(|| AdaptedUser::new(&self.fingerprint, &[])))
    }

    /// Adapts to a user's events and to what else is known of them: texts of the columns that training had of its users, `[("age", "31")]`. Without events it
    /// is what a newcomer's form says.
    ///
    /// A text that training has not met is not known. The user keeps the profile through updates.
    ///
    /// # Errors
    /// As [`Recommender::adapt`]; [`RecommendError::Profile`] if a column is none that training had ([`ModelFacts::profile`]), comes twice, or needs a number and
    /// has none.
    pub fn adapt_known(&self, profile: &[(&str, &str)], events: &[Event]) -> Result<AdaptedUser, RecommendError> {
        let codes = self.facts.profile.codes(profile)?;
        let events = events.iter().map(|event| self.index(event)).collect::<Result<Vec<_>, _>>()?;
        let mut users = self.adapt_indexed(&[(&events, &codes)]);
        Ok(users.pop().unwrap_or_else(|| AdaptedUser::new(&self.fingerprint, &codes)))
    }

    /// Adapts to many users at once: on a GPU for little more than the price of one, on a CPU for about the price of each.
    ///
    /// Scores may differ from those of users adapted alone by rounding (1e-5 of their size), as sums are taken in another order.
    ///
    /// Memory: what the model makes of all users' events, padded to the longest; with the built-in one a number for each user, event and item of the
    /// catalogue. Some tens of users at a time are enough.
    ///
    /// # Errors
    /// As [`Recommender::adapt`], at the first event that is wrong.
    pub fn adapt_many<E: AsRef<[Event]>>(&self, users: &[E]) -> Result<Vec<AdaptedUser>, RecommendError> {
        let histories = users
            .iter()
            .map(|events| events.as_ref().iter().map(|event| self.index(event)).collect())
            .collect::<Result<Vec<Vec<IndexedEvent>>, _>>()?;
        let histories: Vec<(&[IndexedEvent], &[u32])> = histories.iter().map(|events| (&events[..], &[][..])).collect();
        Ok(self.adapt_indexed(&histories))
    }

    /// Adapts to events that are of this catalogue, and to codes of its profiles.
    pub(crate) fn adapt_indexed(&self, histories: &[(&[IndexedEvent], &[u32])]) -> Vec<AdaptedUser> {
        let user = |&(events, profile): &(&[IndexedEvent], &[u32])| {
            let mut user = AdaptedUser::new(&self.fingerprint, profile);
            events.iter().for_each(|event| user.insert(*event, self.facts.max_context));
            user
        };
        let users: Vec<AdaptedUser> = histories.iter().map(user).collect();
        let events: Vec<_> = users.iter().map(|user| (user.events(), user.profile())).collect();
        for (user, state) in users.iter().zip(self.engine.adapt(&events)) {
            user.keep(self.number, state);
        }
        users
    }

    /// Takes one more event in; the user is then the same as one adapted to all events from scratch. On an error the user stays as it was.
    ///
    /// Costs next to nothing: adaptation waits until scores are asked for, so that many updates in a row cost one.
    ///
    /// # Errors
    /// As [`Recommender::adapt`]; and if the user is another model's.
    pub fn update(&self, user: &mut AdaptedUser, event: Event) -> Result<(), RecommendError> {
        self.check_owner(user)?;
        let event = self.index(&event)?;
        user.insert(event, self.facts.max_context);
        Ok(())
    }

    /// Forgets everything that the user had to do with an item: it may then be recommended again. Says whether there was anything to forget.
    ///
    /// Events that were older than the model reads do not come back in its place.
    ///
    /// # Errors
    /// If the item is unknown or the user is another model's.
    pub fn forget(&self, user: &mut AdaptedUser, item: &str) -> Result<bool, RecommendError> {
        self.check_owner(user)?;
        Ok(user.remove(self.find(item)?))
    }

    /// The `k` best items that the user has not seen, best first; fewer if there are no more.
    ///
    /// Equal scores are ordered by a digest of the item's id, which means nothing. Costs a score for each item of the catalogue and a partial sort.
    ///
    /// # Errors
    /// If the user is another model's or damaged, or a score is not finite.
    pub fn top_k(&self, user: &AdaptedUser, k: usize) -> Result<Vec<Hit>, RecommendError> {
        self.top_k_with(user, k, &Filter::new())
    }

    /// The `k` best items that the filter lets through.
    ///
    /// # Errors
    /// As [`Recommender::top_k`].
    pub fn top_k_with(&self, user: &AdaptedUser, k: usize, filter: &Filter) -> Result<Vec<Hit>, RecommendError> {
        let scores = self.scores(user)?;
        Ok(self.best_of(filter, user, &scores, k))
    }

    pub(super) fn best_of(&self, filter: &Filter, user: &AdaptedUser, scores: &[f32], k: usize) -> Vec<Hit> {
        filter.best((&self.catalogue, &self.places), user.seen(), scores, k)
    }

    /// Ranking scores of all items, seen ones included, in the order of the catalogue.
    ///
    /// # Errors
    /// As [`Recommender::top_k`].
    pub fn scores(&self, user: &AdaptedUser) -> Result<Vec<f32>, RecommendError> {
        let state = self.state(user)?;
        self.checked(self.engine.rank(&state).unwrap_or_default())
    }

    /// What the user is expected to give each of these items, in the scale of the data.
    ///
    /// # Errors
    /// If an item is unknown or the model does not rate; else as [`Recommender::top_k`].
    pub fn rate<S: AsRef<str>>(&self, user: &AdaptedUser, items: &[S]) -> Result<Vec<f32>, RecommendError> {
        let places = items.iter().map(|item| self.find(item.as_ref())).collect::<Result<Vec<ItemIndex>, _>>()?;
        let ratings = self.ratings(user)?;
        Ok(places.into_iter().map(|item| ratings[item.position()]).collect())
    }

    /// What the user is expected to give each item of the catalogue, clipped to the range that training saw.
    ///
    /// # Errors
    /// If the model does not rate; else as [`Recommender::top_k`].
    pub fn ratings(&self, user: &AdaptedUser) -> Result<Vec<f32>, RecommendError> {
        let state = self.state(user)?;
        let mut ratings = self.checked(self.engine.rate(&state).ok_or(RecommendError::NoRatings)?)?;
        if let Some((low, high)) = self.facts.value_range {
            ratings.iter_mut().for_each(|rating| *rating = rating.max(low).min(high));
        }
        Ok(ratings)
    }

    /// What the user may give an item, and how likely.
    ///
    /// # Errors
    /// If the item is unknown; else as [`Recommender::distributions`].
    pub fn distribution(&self, user: &AdaptedUser, item: &str) -> Result<RatingDistribution, RecommendError> {
        let place = self.find(item)?.position();
        let belief = self.belief(user)?;
        Ok(self.calibration()?.distributions_of(&belief, [place]).swap_remove(0))
    }

    /// What the user may give each item of the catalogue, and how likely, in its order. Their means are the [`ratings`](Recommender::ratings).
    ///
    /// Variances come from the learner's posterior and are calibrated on the validation users of training ([`ModelFacts::rating`]). Costs a matrix product
    /// for each item: `items * d_head^2`.
    ///
    /// ```
    /// use metarec::data::Event;
    /// use metarec::data::synthetic::{Feedback, MarketConfig};
    /// use metarec::{Config, Recommender};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = metarec::recommend::device_from_env()?;
    /// let data = MarketConfig::default().with_users(60).with_feedback(Feedback::Ratings).generate()?.into_dataset();
    /// # let mut config = Config::default();
    /// # config.training.epochs = 1;
    /// let rec = Recommender::train(&data, &config, &device)?;
    /// let user = rec.adapt(&[Event::rating("i3", 5.0)])?;
    /// let rating = rec.distribution(&user, "i7")?;
    /// let (low, high) = rating.interval(0.9);
    /// println!("{:.1} stars, most likely {low} to {high}", rating.mean());
    /// # assert!(low <= rating.median() && rating.median() <= high);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RecommendError::NoRatings`] if the model does not rate, [`RecommendError::NoVariances`] if its learner keeps no posterior,
    /// [`RecommendError::VariancesNotFinite`] if adaptation left the numbers; else as [`Recommender::top_k`].
    pub fn distributions(&self, user: &AdaptedUser) -> Result<Vec<RatingDistribution>, RecommendError> {
        let belief = self.belief(user)?;
        Ok(self.calibration()?.distributions(&belief))
    }

    /// What variances of ratings are worth: those of training, else they are taken at their word.
    pub(super) fn calibration(&self) -> Result<RatingCalibration, RecommendError> {
        match (&self.facts.rating, self.facts.value_range) {
            (Some(calibration), _) => Ok(calibration.clone()),
            (None, Some((low, high))) => Ok(RatingCalibration::new(RatingScale::Range(low, high))),
            (None, None) => Err(RecommendError::NoRatings),
        }
    }

    /// What is believed of the user's ratings, before it is calibrated.
    pub(super) fn belief(&self, user: &AdaptedUser) -> Result<RatingBelief, RecommendError> {
        let state = self.state(user)?;
        let Some(belief) = self.engine.belief(&state) else {
            let rates = self.engine.rate(&state).is_some();
            return Err(if rates { RecommendError::NoVariances } else { RecommendError::NoRatings });
        };
        self.checked(belief.means().to_vec())?;
        if belief.is_finite() { Ok(belief) } else { Err(RecommendError::VariancesNotFinite) }
    }

    pub(super) fn find(&self, item: &str) -> Result<ItemIndex, RecommendError> {
        self.catalogue.find(item).ok_or_else(|| RecommendError::UnknownItem { item: item.to_owned() })
    }

    fn index(&self, event: &Event) -> Result<IndexedEvent, RecommendError> {
        index(event, self.find(&event.item)?, self.facts.value_range)
    }

    fn check_owner(&self, user: &AdaptedUser) -> Result<(), RecommendError> {
        if user.fingerprint() == self.fingerprint {
            return Ok(());
        }
        let (found, expected) = (user.fingerprint().to_owned(), self.fingerprint.clone());
        Err(RecommendError::Fingerprint { found, expected })
    }

    /// What adaptation found for a user, found now if it is not there.
    fn state(&self, user: &AdaptedUser) -> Result<State, RecommendError> {
        self.check_owner(user)?;
        if let Some(state) = user.state(self.number) {
            return Ok(state.clone());
        }
        check_kept(user, self.catalogue.len(), &self.facts)?;
        let [state]: [State; 1] = self
            .engine
            .adapt(&[(user.events(), user.profile())])
            .try_into()
            .map_err(|_| RecommendError::DamagedUser("nothing came of adapting to it".to_owned()))?;
        user.keep(self.number, state.clone());
        Ok(state)
    }

    /// One finite number for each item, or an error.
    fn checked(&self, scores: Vec<f32>) -> Result<Vec<f32>, RecommendError> {
        let (found, expected) = (scores.len(), self.catalogue.len());
        if found != expected {
            return Err(RecommendError::WrongShape { found, expected });
        }
        match (0..).zip(&scores).find(|(_, score)| !score.is_finite()) {
            None => Ok(scores),
            Some((item, &score)) => {
                Err(RecommendError::NotFinite { item: self.catalogue.id(ItemIndex(item)).to_owned(), score })
            }
        }
    }
}
