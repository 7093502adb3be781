//! A recommender as a method: the path that is served is the path that is measured.

use std::ops::Deref;
use std::sync::Arc;

use crate::data::{Dataset, Profiles};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};
use crate::model::RatingDistribution;
use crate::recommend::{AdaptedUser, RecommendError, Recommender};

/// A [`Recommender`] as a [`Method`]. All support sets of a call are adapted to in one batch.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{Report, Served, UserCold};
/// use metarec::{Config, Recommender};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = metarec::recommend::device_from_env()?;
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let split = data.split()?;
/// let mut config = Config::default();
/// config.training.epochs = 1;
/// let rec = Recommender::trainer(&data).config(&config).split(split.clone()).train(&device)?;
///
/// let mut report = Report::new();
/// UserCold::new(&data, &split)?.run(&Served::new(&rec, &data)?, &mut report)?;
/// assert!(report.mean("metarec", 5, "ndcg@10").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Served<'a> {
    recommender: Held<'a>,
    profiles: Profiles,
    name: String,
}

#[derive(Clone, Debug)]
enum Held<'a> {
    Borrowed(&'a Recommender),
    Shared(Arc<Recommender>),
}

impl Deref for Held<'_> {
    type Target = Recommender;

    fn deref(&self) -> &Recommender {
        match self {
            Self::Borrowed(recommender) => recommender,
            Self::Shared(recommender) => recommender,
        }
    }
}

impl Served<'static> {
    /// The same holding the recommender, or a share of it: for methods that outlive the place where they are made, as in
    /// [`cross_validate`](crate::evaluate::cross_validate).
    ///
    /// # Errors
    /// As [`Served::new`].
    pub fn shared(recommender: impl Into<Arc<Recommender>>, data: &Dataset) -> Result<Self, EvaluateError> {
        Self::checked(Held::Shared(recommender.into()), data)
    }
}

impl<'a> Served<'a> {
    /// The recommender, under the name `metarec`, for an evaluation on `data`.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignCatalogue`] if the recommender was not made for the items of `data`, in this order.
    pub fn new(recommender: &'a Recommender, data: &Dataset) -> Result<Self, EvaluateError> {
        Self::checked(Held::Borrowed(recommender), data)
    }

    fn checked(recommender: Held<'a>, data: &Dataset) -> Result<Self, EvaluateError> {
        let (found, expected) = (recommender.catalogue().ids(), data.catalogue().ids());
        if found == expected {
            let profiles = recommender.facts().profile.profiles(data.users());
            return Ok(Self { recommender, profiles, name: "metarec".to_owned() });
        }
        let (found, expected) = (found.len(), expected.len());
        Err(EvaluateError::ForeignCatalogue { found, expected })
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same without what the data knows of users besides their events.
    #[must_use]
    pub fn without_profiles(mut self) -> Self {
        self.profiles = Profiles::default();
        self
    }

    /// One row of numbers for each support set.
    fn rows<T>(
        &self,
        supports: &[Support<'_>],
        row: impl Fn(&AdaptedUser) -> Result<Vec<T>, RecommendError>,
    ) -> Result<Option<Vec<Vec<T>>>, EvaluateError> {
        let histories: Vec<_> =
            supports.iter().map(|support| (support.events, self.profiles.of(support.user))).collect();
        let users = self.recommender.adapt_indexed(&histories);
        match users.iter().map(row).collect() {
            Ok(rows) => Ok(Some(rows)),
            Err(RecommendError::NoRatings | RecommendError::NoVariances) => Ok(None),
            Err(source) => Err(EvaluateError::method(&self.name, source)),
        }
    }
}

impl Method for Served<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        format!("fingerprint {}", self.recommender.fingerprint())
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |user| self.recommender.scores(user))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |user| self.recommender.ratings(user))
    }
    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        self.rows(supports, |user| self.recommender.distributions(user))
    }
}
