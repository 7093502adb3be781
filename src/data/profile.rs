//! What is known of users besides their events, as small numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::data::error::DataError;
use crate::data::ids::UserIndex;
use crate::data::users::UserTable;

/// A value that fewer training users have says nothing of its own.
const LEAST_USERS: usize = 5;
/// Numbers with more distinct values than this are cut into ranges; fewer are values like any others.
const MOST_DISTINCT: usize = 32;
/// How many ranges, each of about as many users.
const RANGES: usize = 8;

/// What one column's texts stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    /// One code for each of these texts, which are in ascending order.
    Texts(Vec<String>),
    /// One code for each range between these numbers, which are in ascending order: below the first, from the first on, and so on.
    Ranges(Vec<f64>),
}

impl Values {
    /// What the texts of the training users are; `None` where they tell nobody apart.
    fn fit(texts: &[&str]) -> Option<Self> {
        let mut counts = BTreeMap::<&str, usize>::new();
        texts.iter().for_each(|text| *counts.entry(text).or_default() += 1);
        let numbers: Option<Vec<f64>> = texts.iter().map(|text| number(text)).collect();
        let values = match numbers {
            Some(numbers) if counts.len() > MOST_DISTINCT => Self::Ranges(quantiles(numbers)),
            _ => {
                let common = counts.into_iter().filter(|&(_, users)| users >= LEAST_USERS);
                Self::Texts(common.map(|(text, _)| text.to_owned()).collect())
            }
        };
        (values.len() > 1).then_some(values)
    }

    fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Ranges(edges) => edges.len() + 1,
        }
    }

    /// The place of a text; `Ok(None)` for one that training has not met often enough, `Err` for one that is no number where numbers are expected.
    fn place(&self, text: &str) -> Result<Option<usize>, ()> {
        match self {
            Self::Texts(texts) => Ok(texts.binary_search_by(|known| known.as_str().cmp(text)).ok()),
            Self::Ranges(edges) => {
                let number = number(text).ok_or(())?;
                Ok(Some(edges.partition_point(|&edge| edge <= number)))
            }
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Where ranges of about equally many numbers begin, the first excepted.
fn quantiles(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..RANGES).map(|range| numbers[range * numbers.len() / RANGES]).collect();
    edges.dedup();
    edges.retain(|&edge| edge > numbers[0]);
    edges
}

/// Which columns of the users a model reads, and which numbers their texts become.
///
/// A column of texts has a code for each text that at least 5 training users have; one of numbers with more than 32 distinct values is cut into
/// 8 ranges of about as many users. Columns that tell no users apart are left out. An empty text is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileSchema {
    columns: Vec<(String, Values)>,
}

impl ProfileSchema {
    /// What the columns of these users hold.
    ///
    /// ```
    /// use metarec::data::{DatasetBuilder, ProfileSchema, UserIndex};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut data = DatasetBuilder::new();
    /// for user in 0..20 {
    ///     data.describe_user(&user.to_string(), [("plan", if user < 9 { "free" } else { "paid" })])?;
    /// }
    /// let data = data.build();
    /// let schema = ProfileSchema::fit(data.users(), (0..20).map(UserIndex));
    /// assert_eq!(schema.columns().collect::<Vec<_>>(), ["plan"]);
    /// assert_eq!(schema.codes(&[("plan", "paid")])?, [1]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fit(users: &UserTable, train: impl IntoIterator<Item = UserIndex>) -> Self {
        let rows: Vec<&[String]> = train.into_iter().filter_map(|user| users.row(user)).collect();
        let column = |(place, name): (usize, &String)| {
            let texts: Vec<&str> = rows
                .iter()
                .filter_map(|row| row.get(place))
                .map(String::as_str)
                .filter(|text| !text.is_empty())
                .collect();
            Some((name.clone(), Values::fit(&texts)?))
        };
        Self { columns: users.columns().iter().enumerate().filter_map(column).collect() }
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// How many codes each column has, in their order: those of a column follow those of the column before.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|(_, values)| values.len())
    }

    /// How many codes there are: each is below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.iter().map(|(_, values)| values.len()).sum()
    }

    /// Whether no column is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The codes of some columns' texts, ascending. A text that training has not met often enough has none, and neither has an empty one.
    ///
    /// # Errors
    /// [`DataError::Profile`] if a column is not read, comes twice, or needs a number and has none.
    pub fn codes(&self, cells: &[(&str, &str)]) -> Result<Vec<u32>, DataError> {
        let wrong = |column: &str, value: &str, expected: String| DataError::Profile {
            column: column.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let mut named = BTreeSet::new();
        let mut codes = Vec::with_capacity(cells.len());
        for &(column, text) in cells {
            let known = || match self.is_empty() {
                true => "nothing, as no column is read".to_owned(),
                false => format!("one of the columns {}", self.columns().collect::<Vec<_>>().join(", ")),
            };
            let (first, values) = self.column(column).ok_or_else(|| wrong(column, text, known()))?;
            if !named.insert(column) {
                return Err(wrong(column, text, "each column once".to_owned()));
            }
            if text.is_empty() {
                continue;
            }
            let place = values.place(text).map_err(|()| wrong(column, text, "a finite number".to_owned()))?;
            codes.extend(place.map(|place| (first + place) as u32));
        }
        codes.sort_unstable();
        Ok(codes)
    }

    /// The codes of a user of a table, ascending; what is not understood is not known.
    #[must_use]
    pub fn codes_of(&self, users: &UserTable, user: UserIndex) -> Vec<u32> {
        let Some(row) = users.row(user) else { return Vec::new() };
        let cell = |name: &str| users.columns().iter().position(|column| column == name).and_then(|at| row.get(at));
        let codes = self.columns.iter().scan(0, |next, (name, values)| {
            let first = *next;
            *next += values.len();
            let text = cell(name).filter(|text| !text.is_empty());
            Some(text.and_then(|text| values.place(text).ok().flatten()).map(|place| (first + place) as u32))
        });
        codes.flatten().collect()
    }

    /// The codes of all users of a table.
    #[must_use]
    pub fn profiles(&self, users: &UserTable) -> Profiles {
        if self.is_empty() {
            return Profiles::default();
        }
        Profiles((0..users.len()).map(|user| self.codes_of(users, UserIndex(user as u32))).collect())
    }

    /// The first code of a column, and what it holds.
    fn column(&self, name: &str) -> Option<(usize, &Values)> {
        let place = self.columns.iter().position(|(column, _)| column == name)?;
        let first = self.columns[..place].iter().map(|(_, values)| values.len()).sum();
        Some((first, &self.columns[place].1))
    }
}

/// The codes of some data set's users; nothing is known of a user who is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles(Vec<Vec<u32>>);

impl From<Vec<Vec<u32>>> for Profiles {
    /// The codes of users 0, 1, 2 ..., each ascending.
    fn from(codes: Vec<Vec<u32>>) -> Self {
        Self(codes)
    }
}

impl Profiles {
    /// The codes of a user, ascending.
    #[must_use]
    pub fn of(&self, user: UserIndex) -> &[u32] {
        self.0.get(user.position()).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 3]]) -> UserTable {
        let mut users = UserTable::default();
        for (user, [plan, age, zip]) in rows.iter().enumerate() {
            users.describe(&user.to_string(), [("plan", *plan), ("age", *age), ("zip", *zip)]);
        }
        users.fill();
        users
    }

    fn people() -> UserTable {
        let texts: Vec<[String; 3]> = (0..80)
            .map(|user| [["free", "paid"][user % 2].to_owned(), (10 + user).to_string(), format!("Z{user}")])
            .collect();
        let rows: Vec<[&str; 3]> = texts.iter().map(|[a, b, c]| [a.as_str(), b.as_str(), c.as_str()]).collect();
        table(&rows)
    }

    #[test]
    fn texts_have_a_code_each_and_numbers_are_cut_into_ranges() {
        let users = people();
        let schema = ProfileSchema::fit(&users, (0..80).map(UserIndex));
        assert_eq!(schema.columns().collect::<Vec<_>>(), ["plan", "age"], "each zip code is one user's");
        assert_eq!((schema.len(), schema.sizes().collect::<Vec<_>>()), (2 + 8, vec![2, 8]));
        assert_eq!(schema.codes(&[("age", "10"), ("plan", "free")]).unwrap(), [0, 2]);
        assert_eq!(schema.codes(&[("age", "1000"), ("plan", "paid")]).unwrap(), [1, 9]);
        assert_eq!(schema.codes(&[("age", ""), ("plan", "gold")]).unwrap(), [0_u32; 0]);
        let profiles = schema.profiles(&users);
        assert_eq!(profiles.of(UserIndex(1)), schema.codes(&[("plan", "paid"), ("age", "11")]).unwrap());
        assert_eq!(profiles.of(UserIndex(99)), [0_u32; 0]);
    }

    #[test]
    fn ranges_hold_about_as_many_users_each() {
        let users = people();
        let schema = ProfileSchema::fit(&users, (0..80).map(UserIndex));
        let mut counts = vec![0; schema.len()];
        (0..80).flat_map(|user| schema.codes_of(&users, UserIndex(user))).for_each(|code| counts[code as usize] += 1);
        assert_eq!(counts, [40, 40, 10, 10, 10, 10, 10, 10, 10, 10]);
    }

    #[test]
    fn what_is_not_read_is_an_error_that_names_what_is() {
        let schema = ProfileSchema::fit(&people(), (0..80).map(UserIndex));
        let error = |cells: &[(&str, &str)]| schema.codes(cells).unwrap_err().to_string();
        assert_eq!(error(&[("zip", "Z1")]), r#"profile column "zip" is "Z1": expected one of the columns plan, age"#);
        assert_eq!(error(&[("age", "old")]), r#"profile column "age" is "old": expected a finite number"#);
        assert_eq!(
            error(&[("plan", "free"), ("plan", "paid")]),
            r#"profile column "plan" is "paid": expected each column once"#
        );
    }

    #[test]
    fn a_column_that_tells_nobody_apart_is_left_out() {
        let users = table(&[["free", "7", ""]; 30]);
        assert!(ProfileSchema::fit(&users, (0..30).map(UserIndex)).is_empty());
        assert!(ProfileSchema::fit(&users, []).is_empty());
    }

    #[test]
    fn what_held_out_users_say_is_not_looked_at() {
        let users = people();
        let schema = ProfileSchema::fit(&users, (0..80).filter(|user| user % 2 == 0).map(UserIndex));
        assert_eq!(schema.columns().collect::<Vec<_>>(), ["age"]);
    }
}
