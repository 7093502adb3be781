//! By number of likes, of the categories where an item has none.

use crate::baseline::{narrowed, same_for_all};
use crate::data::{Catalogue, Dataset, ItemIndex, UserSplit, popularity};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Ranks by the number of likes among the training users ([`popularity`]); an item without any training event by how many likes the items of its categories have on average, the
/// mean over its categories: what is expected of an item of which nothing but its categories is known.
#[derive(Clone, Debug)]
pub struct CategoryPopularity {
    likes: Vec<f32>,
}

impl CategoryPopularity {
    /// Counts the training users' likes.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    #[must_use]
    pub fn fit(data: &Dataset, split: &UserSplit) -> Self {
        let catalogue = data.catalogue();
        let mut known = vec![false; catalogue.len()];
        split.train.iter().flat_map(|task| &task.events).for_each(|event| known[event.item.position()] = true);
        let mut likes = popularity(&split.train, catalogue.len(), data.like_rule());
        let expected = Expected::of(catalogue, &known, &likes);
        for (item, likes) in (0..).map(ItemIndex).zip(&mut likes).filter(|(item, _)| !known[item.position()]) {
            *likes = expected.likes(&catalogue.item(item).categories);
        }
        Self { likes: narrowed(likes) }
    }
}

/// Mean likes of known items.
struct Expected {
    /// Of each category; the mean over all where nobody knows an item of it.
    categories: Vec<f64>,
    all: f64,
}

impl Expected {
    fn of(catalogue: &Catalogue, known: &[bool], likes: &[f64]) -> Self {
        let mut sums = vec![(0.0, 0.0); catalogue.categories().len()];
        let mut all = (0.0, 0.0);
        for item in (0..).map(ItemIndex).take(known.len()).filter(|item| known[item.position()]) {
            let add = |sum: &mut (f64, f64)| *sum = (sum.0 + likes[item.position()], sum.1 + 1.0);
            add(&mut all);
            catalogue.item(item).categories.iter().for_each(|&code| add(&mut sums[code as usize]));
        }
        let mean = |(sum, count): (f64, f64), other: f64| if count > 0.0 { sum / count } else { other };
        let all = mean(all, 0.0);
        Self { categories: sums.into_iter().map(|sum| mean(sum, all)).collect(), all }
    }

    fn likes(&self, categories: &[u32]) -> f64 {
        let sum: f64 = categories.iter().map(|&code| self.categories[code as usize]).sum();
        if categories.is_empty() { self.all } else { sum / categories.len() as f64 }
    }
}

impl Method for CategoryPopularity {
    fn name(&self) -> &str {
        "category_popularity"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(same_for_all(&self.likes, supports.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetBuilder, Event, TaskHistory, UserIndex};

    #[test]
    fn an_unknown_item_is_as_popular_as_its_categories() {
        let mut events = DatasetBuilder::new();
        for (id, categories) in [
            ("a", &["x"][..]),
            ("b", &["x", "y"]),
            ("new x", &["x"]),
            ("new x y", &["x", "y"]),
            ("new z", &["z"]),
            ("new", &[]),
        ] {
            events.catalogue_mut().describe(id, "", "", categories.iter().copied());
        }
        for (user, item) in [("1", "a"), ("2", "a"), ("3", "a"), ("1", "b")] {
            events.push(user, &Event::rating(item, 5.0).at(1)).unwrap();
        }
        let data = events.build();
        let task = |user| TaskHistory { user: UserIndex(user), events: data.history(UserIndex(user)).to_vec() };
        let split = UserSplit { train: (0..3).map(task).collect(), ..UserSplit::default() };
        // Likes of x: 3 and 1, so 2 on average; of y: 1; of all: 2.
        assert_eq!(CategoryPopularity::fit(&data, &split).likes, [3.0, 1.0, 2.0, 1.5, 2.0, 2.0]);
    }
}
