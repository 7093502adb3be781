//! Baselines by their names in reports.

use std::sync::Arc;

use crate::baseline::{
    BaselineError, Blended, CategoryPopularity, ConditionalPopularity, Constant, Ease, EaseInput, GaussianFactors,
    ImplicitAls, ItemMean, Knn, LightFm, LightFmLoss, MeLu, Offsets, PersonalFrequency, Popularity, Random, SasRec,
    Tuned, Tuner,
};
use crate::evaluate::Method;

/// The names of all baselines, as in reports.
pub const NAMES: [&str; 24] = [
    "random",
    "constant",
    "popularity",
    "category_popularity",
    "popularity_cond",
    "item_mean",
    "bias",
    "pmf_foldin",
    "ease",
    "ease+pop",
    "ease_pos",
    "ease_pos+pop",
    "ease_w",
    "ease_w+pop",
    "knn",
    "knn+pop",
    "ials",
    "ials+pop",
    "lightfm-logistic",
    "lightfm-bpr",
    "lightfm-warp",
    "sasrec",
    "melu",
    "personal_frequency",
];

/// How much an event counts that is no like, in what goes by the name of `ease_w`.
const WEIGHTED: f32 = 0.4;

/// Fits baselines by their names, and tunes them on the validation users as `tuner` says.
///
/// What is fitted for a method is held and serves its form with popularity as well, so that both cost little more than
/// one.
///
/// ```
/// use metarec::baseline::{Named, Tuner};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{Method, Report, UserCold};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let split = data.split()?;
/// let protocol = UserCold::new(&data, &split)?;
/// let tuner = Tuner::new(&data, &split, protocol.shots())?;
/// let mut named = Named::new(&tuner, 1);
/// let mut report = Report::new();
/// for name in ["knn", "knn+pop"] {
///     protocol.run(named.fit(name)?.as_ref(), &mut report)?;
/// }
/// let error = named.fit("svd").err().map(|error| error.to_string()).unwrap_or_default();
/// assert!(error.starts_with("no baseline is called \"svd\": expected one of random, constant, "));
/// # Ok(())
/// # }
/// ```
pub struct Named<'a> {
    tuner: &'a Tuner<'a>,
    seed: u64,
    eases: Vec<(EaseInput, Arc<Tuned<Ease>>)>,
    knn: Option<Arc<Tuned<Knn>>>,
    ials: Option<Arc<Tuned<ImplicitAls>>>,
    offsets: Option<Arc<Tuned<Offsets>>>,
}

/// The baseline of this name, fitted on the training users and tuned on the validation users as `tuner` says; `seed` is for what is random. For several,
/// [`Named`] shares what they have in common.
///
/// Where the training values do not differ a baseline that only predicts ratings predicts nothing.
///
/// # Errors
/// As [`Named::fit`].
pub fn by_name(name: &str, tuner: &Tuner<'_>, seed: u64) -> Result<Box<dyn Method>, BaselineError> {
    Named::new(tuner, seed).fit(name)
}

impl<'a> Named<'a> {
    /// Nothing is fitted yet.
    #[must_use]
    pub fn new(tuner: &'a Tuner<'a>, seed: u64) -> Self {
        Self { tuner, seed, eases: Vec::new(), knn: None, ials: None, offsets: None }
    }

    /// The baseline of this name.
    ///
    /// # Errors
    /// [`BaselineError::UnknownName`] if it is none of [`NAMES`]; else those of its `fit` or `tuned`.
    pub fn fit(&mut self, name: &str) -> Result<Box<dyn Method>, BaselineError> {
        let (data, split) = (self.tuner.data(), self.tuner.split());
        let popular = name.ends_with("+pop");
        Ok(match name {
            "random" => Box::new(Random::new(data, self.seed).with_ratings(split)),
            "constant" => Box::new(Constant::fit(data, split)),
            "popularity" => Box::new(Popularity::fit(data, split)),
            "category_popularity" => Box::new(CategoryPopularity::fit(data, split)),
            "personal_frequency" => Box::new(PersonalFrequency::new(data)),
            "popularity_cond" => Box::new(ConditionalPopularity::fit(data, split)),
            "item_mean" => Box::new(ItemMean::fit(data, split)),
            "bias" => Box::new(self.offsets()?),
            "pmf_foldin" => {
                let offsets = self.offsets()?;
                Box::new(GaussianFactors::tuned_on(offsets.at(usize::MAX), self.tuner, self.seed)?)
            }
            "ease" | "ease+pop" => self.ease(EaseInput::All, popular)?,
            "ease_pos" | "ease_pos+pop" => self.ease(EaseInput::Liked, popular)?,
            "ease_w" | "ease_w+pop" => self.ease(EaseInput::Weighted(WEIGHTED), popular)?,
            "knn" | "knn+pop" => self.knn(popular)?,
            "ials" | "ials+pop" => self.ials(popular)?,
            "lightfm-logistic" => self.lightfm(LightFmLoss::Logistic)?,
            "lightfm-bpr" => self.lightfm(LightFmLoss::Bpr)?,
            "lightfm-warp" => self.lightfm(LightFmLoss::Warp)?,
            "melu" => Box::new(MeLu::tuned(self.tuner, self.seed)?),
            "sasrec" => Box::new(SasRec::tuned(self.tuner, self.seed)?),
            _ => return Err(BaselineError::UnknownName(name.to_owned())),
        })
    }

    fn ease(&mut self, input: EaseInput, popular: bool) -> Result<Box<dyn Method>, BaselineError> {
        let held = self.eases.iter().find(|(held, _)| *held == input).map(|(_, ease)| Arc::clone(ease));
        let ease = match held {
            Some(ease) => ease,
            None => {
                let ease = Arc::new(Ease::tuned(input, self.tuner)?);
                self.eases.push((input, Arc::clone(&ease)));
                ease
            }
        };
        self.ranking(ease, popular)
    }

    fn knn(&mut self, popular: bool) -> Result<Box<dyn Method>, BaselineError> {
        let tuner = self.tuner;
        let knn = held(&mut self.knn, || Knn::tuned(tuner))?;
        self.ranking(knn, popular)
    }

    fn ials(&mut self, popular: bool) -> Result<Box<dyn Method>, BaselineError> {
        let (tuner, seed) = (self.tuner, self.seed);
        let ials = held(&mut self.ials, || ImplicitAls::tuned(tuner, seed))?;
        self.ranking(ials, popular)
    }

    fn lightfm(&self, loss: LightFmLoss) -> Result<Box<dyn Method>, BaselineError> {
        Ok(Box::new(LightFm::tuned(loss, self.tuner, self.seed)?))
    }

    fn offsets(&mut self) -> Result<Arc<Tuned<Offsets>>, BaselineError> {
        let tuner = self.tuner;
        held(&mut self.offsets, || Offsets::tuned(tuner))
    }

    /// The method itself, or with popularity.
    fn ranking<M: Method + Send + 'static>(
        &self,
        method: Arc<Tuned<M>>,
        popular: bool,
    ) -> Result<Box<dyn Method>, BaselineError> {
        if !popular {
            return Ok(Box::new(method));
        }
        Ok(Box::new(Blended::tuned(method, self.tuner)?))
    }
}

/// What is held, made if it is not there.
fn held<T>(
    place: &mut Option<Arc<T>>,
    make: impl FnOnce() -> Result<T, BaselineError>,
) -> Result<Arc<T>, BaselineError> {
    if let Some(held) = place {
        return Ok(Arc::clone(held));
    }
    Ok(Arc::clone(place.insert(Arc::new(make()?))))
}
