//! Gaussian matrix factors of ratings.

mod config;
mod fit;
#[cfg(test)]
mod tests;

pub use config::GaussianFactorsConfig;

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::gaussian_factors::fit::{Fitted, Residuals};
use crate::baseline::offsets::Offsets;
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Numbers of factors with ridges that are tried.
const SHAPES: [(usize, f64); 5] = [(8, 3.0), (8, 8.0), (16, 8.0), (16, 16.0), (24, 16.0)];

/// Factors of the noise that are tried.
const NOISES: [f64; 3] = [0.8, 1.2, 2.0];

/// Predicts ratings by Gaussian factors (Salakhutdinov and Mnih, *Probabilistic matrix factorization*, 2008), a new user
/// being inferred in closed form.
///
/// The residuals of mean and item offsets ([`Offsets`]) are fitted by `user . (1, item)` with alternating ridge
/// regressions. Then a new user's vector is Gaussian with the mean and covariance of the training users' vectors, their
/// ratings having the variance of the residuals times [`GaussianFactorsConfig::noise`], and what is predicted is the
/// posterior mean. Without ratings that is the training users' mean.
///
/// Where the training values do not differ nothing is predicted.
///
/// A round costs `factors^2` for each rating and `factors^3 / 3` for each user and item, over threads; predicting for a
/// user `factors^2 / 2` for each of their ratings, `factors^3 / 6`, and `factors` for each item. The same seed gives the
/// same predictions on any number of threads.
///
/// ```
/// use metarec::baseline::{GaussianFactors, GaussianFactorsConfig, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let config = GaussianFactorsConfig::default().with_factors(6);
/// let factors = GaussianFactors::fit(&data, &data.split()?, &config)?;
/// let ratings = Ranker::new(factors, data.catalogue()).rate(&[Event::rating("i3", 5.0)], &["i4", "i5"])?;
/// assert!(ratings.iter().all(|rating| (0.0..6.0).contains(rating)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GaussianFactors {
    config: GaussianFactorsConfig,
    /// `None` where there is nothing to predict.
    fitted: Option<Arc<Fitted>>,
}

impl GaussianFactors {
    /// Fits to the training users' ratings.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Singular`] if the ridge is too small for the numbers.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &GaussianFactorsConfig) -> Result<Self, BaselineError> {
        config.check()?;
        let offsets = Offsets::fit(data, split, config.offsets)?;
        let fitted = Residuals::new(data, split, &offsets).map(|residuals| residuals.fit(config)).transpose()?;
        Ok(Self { config: config.clone(), fitted: fitted.map(Arc::new) })
    }

    /// Tunes factors with ridge, and the noise, for each number of shots of `tuner` on its validation users by RMSE: (8, 3), (8, 8), (16, 8),
    /// (16, 16) and (24, 16), by 0.8, 1.2 and 2. The ridges of the offsets are those that [`Offsets::tuned`] chooses for
    /// the most events. The default where there is nobody to tune on. Costs five fits and fifteen evaluations.
    ///
    /// # Errors
    /// As [`GaussianFactors::fit`] and [`Tuner::choose`].
    pub fn tuned(tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let tuned = Offsets::tuned(tuner)?;
        Self::tuned_on(tuned.at(usize::MAX), tuner, seed)
    }

    /// [`GaussianFactors::tuned`] on given offsets.
    pub(super) fn tuned_on(offsets: &Offsets, tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = GaussianFactorsConfig::default().with_seed(seed).with_offsets(offsets.ridge());
        let Some(residuals) = Residuals::new(data, split, offsets) else {
            return Ok(Tuned::of_one(Self { config, fitted: None }));
        };
        let fit = |config: GaussianFactorsConfig| {
            let fitted = Some(Arc::new(residuals.fit(&config)?));
            Ok(Self { config, fitted })
        };
        let shape = |(factors, ridge)| fit(config.clone().with_factors(factors).with_ridge(ridge));
        let candidates = SHAPES.into_iter().map(shape).flat_map(|fit| match fit {
            Ok(fit) => NOISES.map(|noise| Ok(fit.with_noise(noise))).into_iter().collect(),
            Err(error) => vec![Err(error)],
        });
        tuner.choose("rmse", candidates, || fit(config.clone()))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &GaussianFactorsConfig {
        &self.config
    }

    fn with_noise(&self, noise: f64) -> Self {
        Self { config: self.config.clone().with_noise(noise), fitted: self.fitted.clone() }
    }
}

impl Method for GaussianFactors {
    fn name(&self) -> &str {
        "pmf_foldin"
    }

    fn config(&self) -> String {
        let GaussianFactorsConfig { factors, ridge, noise, .. } = &self.config;
        format!("factors {factors} ridge {ridge} noise {noise}")
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let Some(fitted) = &self.fitted else { return Ok(None) };
        let row = |support: &Support<'_>| fitted.predict(support.events, self.config.noise);
        let rows: Result<Vec<_>, _> = supports.par_iter().map(row).collect();
        rows.map(Some).map_err(|error| EvaluateError::method(self.name(), error))
    }
}
