//! The mean of several methods.

use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};

/// Several methods of the same kind as one: the mean of their scores and of their ratings, whose median it does not know. Of models trained from different
/// seeds it says what an ensemble would be worth.
///
/// ```
/// use metarec::baseline::{Popularity, Random};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{Averaged, Method, Support};
/// use metarec::data::UserIndex;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let both = Averaged::new("two draws", vec![Random::new(&data, 1), Random::new(&data, 2)]);
/// let nobody = [Support { user: UserIndex(0), events: &[] }];
/// let scores = both.scores(&nobody)?.unwrap();
/// let one = Random::new(&data, 1).scores(&nobody)?.unwrap();
/// assert_eq!(scores[0].len(), one[0].len());
/// assert_ne!(scores, one);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Averaged<M> {
    name: String,
    members: Vec<M>,
}

impl<M: Method> Averaged<M> {
    /// The mean of `members`, under a name of its own.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn new(name: impl Into<String>, members: Vec<M>) -> Self {
        assert!(!members.is_empty(), "an average needs at least one member");
        Self { name: name.into(), members }
    }

    /// The mean of what all members give; nothing if one gives nothing.
    fn mean(
        &self,
        of: impl Fn(&M) -> Result<Option<Vec<Vec<f32>>>, EvaluateError>,
    ) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let mut sum: Option<Vec<Vec<f32>>> = None;
        for member in &self.members {
            let Some(rows) = of(member)? else { return Ok(None) };
            match &mut sum {
                None => sum = Some(rows),
                Some(sum) => sum.iter_mut().flatten().zip(rows.iter().flatten()).for_each(|(sum, value)| *sum += value),
            }
        }
        let share = 1.0 / self.members.len() as f32;
        if let Some(sum) = &mut sum {
            sum.iter_mut().flatten().for_each(|value| *value *= share);
        }
        Ok(sum)
    }
}

impl<M: Method> Method for Averaged<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        self.members.iter().map(Method::config).collect::<Vec<_>>().join(", ")
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.mean(|member| member.scores(supports))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.mean(|member| member.ratings(supports))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::UserIndex;

    /// Scores every item alike, and rates only if told to.
    struct Flat(f32, bool);

    impl Method for Flat {
        fn name(&self) -> &str {
            "flat"
        }

        fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
            Ok(Some(vec![vec![self.0, 2.0 * self.0]; supports.len()]))
        }

        fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
            Ok(self.1.then(|| vec![vec![self.0; 2]; supports.len()]))
        }
    }

    #[test]
    fn the_mean_is_of_all_members_and_needs_them_all() {
        let supports = [Support { user: UserIndex(0), events: &[] }; 2];
        let both = Averaged::new("both", vec![Flat(1.0, true), Flat(4.0, true)]);
        assert_eq!(both.scores(&supports).unwrap().unwrap(), [[2.5, 5.0], [2.5, 5.0]]);
        assert_eq!(both.ratings(&supports).unwrap().unwrap(), [[2.5, 2.5], [2.5, 2.5]]);
        let one = Averaged::new("one rates", vec![Flat(1.0, true), Flat(4.0, false)]);
        assert_eq!(one.ratings(&supports).unwrap(), None);
    }
}
