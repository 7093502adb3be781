//! Users in groups.

use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::ids::{Ids, UserIndex};
use crate::data::users::UserTable;

/// Which group each user belongs to, if any: a market, an age, whatever users have in common.
///
/// Groups are numbered from 0 in the order in which their first users come.
///
/// ```
/// use metarec::data::{DatasetBuilder, UserGroups};
///
/// let mut builder = DatasetBuilder::new();
/// for (user, gender, age) in [("ann", "F", "25"), ("bob", "M", "25"), ("cat", "F", "25"), ("dan", "M", "")] {
///     builder.describe_user(user, [("gender", gender), ("age", age)])?;
/// }
/// let data = builder.build();
/// let groups = UserGroups::by_columns(data.users(), &["gender", "age"])?;
/// assert_eq!(groups.names(), ["gender=F, age=25", "gender=M, age=25"]);
/// let of = |id| groups.group(data.users().find(id).unwrap());
/// assert_eq!((of("ann"), of("bob"), of("cat"), of("dan")), (Some(0), Some(1), Some(0), None));
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserGroups {
    of: Vec<Option<u32>>,
    names: Ids,
}

impl UserGroups {
    /// Groups by the name that `name` gives to each user; `None` for none.
    #[must_use]
    pub fn by(users: &UserTable, name: impl FnMut(UserIndex) -> Option<String>) -> Self {
        let mut names = Ids::new();
        let of = (0..).map(UserIndex).take(users.len()).map(name);
        let of = of.map(|name| name.map(|name| names.insert(&name))).collect();
        Self { of, names }
    }

    /// Groups of users whose texts are equal in each of these columns. A user of whom one of them is not known is in no group.
    ///
    /// # Errors
    /// [`DataError::Setting`] if there is no such column, or none is named.
    pub fn by_columns(users: &UserTable, columns: &[&str]) -> Result<Self, DataError> {
        let fail = |value: &str| {
            Err(DataError::Setting { field: "columns", value: value.to_owned(), expected: "columns of users" })
        };
        let mut places = Vec::new();
        for &column in columns {
            match users.columns().iter().position(|known| known == column) {
                Some(place) => places.push(place),
                None => return fail(&format!("{column:?}")),
            }
        }
        if places.is_empty() {
            return fail("empty");
        }
        Ok(Self::by(users, |user| {
            let row = users.row(user)?;
            let known = places.iter().all(|&place| !row[place].is_empty());
            let cell = |&place: &usize| format!("{}={}", users.columns()[place], row[place]);
            known.then(|| places.iter().map(cell).collect::<Vec<_>>().join(", "))
        }))
    }

    /// Groups by a number in a column, such as an age: one below the first bound, one from each bound to the next, one from the last on.
    /// `bounds` must ascend. A user whose text is no finite number is in no group.
    ///
    /// # Errors
    /// [`DataError::Setting`] if there is no such column, or the bounds do not ascend.
    ///
    /// ```
    /// use metarec::data::{DatasetBuilder, UserGroups};
    ///
    /// let mut builder = DatasetBuilder::new();
    /// for (user, age) in [("ann", "61"), ("bob", "25"), ("cat", "18"), ("dan", "")] {
    ///     builder.describe_user(user, [("age", age)])?;
    /// }
    /// let groups = UserGroups::by_bands(builder.build().users(), "age", &[25.0, 45.0])?;
    /// assert_eq!(groups.names(), ["age >= 45", "25 <= age < 45", "age < 25"]);
    /// # Ok::<(), metarec::data::DataError>(())
    /// ```
    pub fn by_bands(users: &UserTable, column: &str, bounds: &[f64]) -> Result<Self, DataError> {
        let wrong = |field, value, expected| Err(DataError::Setting { field, value, expected });
        let Some(place) = users.columns().iter().position(|known| known == column) else {
            return wrong("column", format!("{column:?}"), "a column of users");
        };
        if !bounds.is_sorted_by(|a, b| a < b) || bounds.iter().any(|bound| !bound.is_finite()) || bounds.is_empty() {
            return wrong("bounds", format!("{bounds:?}"), "finite numbers that ascend");
        }
        Ok(Self::by(users, |user| {
            let number: f64 = users.row(user)?[place].trim().parse().ok()?;
            number.is_finite().then(|| band(column, bounds, number))
        }))
    }

    /// Thirds of some users by how many events they have in all: `activity=low`, `activity=middle` and `activity=high`. Users with as many
    /// events are in one group, so thirds can be uneven; who is not named is in no group.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn by_activity(data: &Dataset, users: impl IntoIterator<Item = UserIndex>) -> Self {
        let mut counts = vec![None; data.users().len()];
        users.into_iter().for_each(|user| counts[user.position()] = Some(data.history(user).len()));
        let mut ascending: Vec<usize> = counts.iter().copied().flatten().collect();
        ascending.sort_unstable();
        let bound = |third: usize| ascending.get(third * ascending.len() / 3).copied().unwrap_or(0);
        let (low, high) = (bound(1), bound(2));
        Self::by(data.users(), |user| {
            let count = counts[user.position()]?;
            let third = if count < low {
                "low"
            } else if count < high {
                "middle"
            } else {
                "high"
            };
            Some(format!("activity={third}"))
        })
    }

    /// The group of a user; `None` for users in no group, and for users that were not there.
    #[must_use]
    pub fn group(&self, user: UserIndex) -> Option<u32> {
        self.of.get(user.position()).copied().flatten()
    }

    /// The names of the groups, in the order of their numbers.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.names.names()
    }

    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The name of the band that a number is in.
fn band(column: &str, bounds: &[f64], number: f64) -> String {
    let above = bounds.partition_point(|bound| *bound <= number);
    match (above.checked_sub(1).map(|below| bounds[below]), bounds.get(above)) {
        (Some(low), Some(high)) => format!("{low} <= {column} < {high}"),
        (Some(low), None) => format!("{column} >= {low}"),
        (None, Some(high)) => format!("{column} < {high}"),
        (None, None) => column.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, from_events};

    #[test]
    fn a_column_that_users_lack_is_named() {
        let mut users = UserTable::default();
        users.describe("ann", [("age", "30")]);
        let error = UserGroups::by_columns(&users, &["age", "sex"]).unwrap_err();
        assert_eq!(error.to_string(), r#"columns is "sex": expected columns of users"#);
        assert!(UserGroups::by_columns(&users, &[]).is_err());
    }

    #[test]
    fn users_of_whom_nothing_is_known_are_in_no_group() {
        let mut users = UserTable::default();
        users.insert("ann");
        users.describe("bob", [("age", "30")]);
        let groups = UserGroups::by_columns(&users, &["age"]).unwrap();
        assert_eq!([0, 1, 9].map(|user| groups.group(UserIndex(user))), [None, Some(0), None]);
    }

    #[test]
    fn any_function_groups_users() {
        let mut users = UserTable::default();
        for id in ["a1", "b1", "a2"] {
            users.insert(id);
        }
        let groups = UserGroups::by(&users, |user| users.id(user).get(..1).map(str::to_owned));
        assert_eq!(groups.names(), ["a", "b"]);
        assert_eq!([0, 1, 2].map(|user| groups.group(UserIndex(user))), [Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn bands_hold_their_lower_bound_and_errors_name_what_is_wrong() {
        let mut users = UserTable::default();
        for (id, age) in [("ann", "25"), ("bob", "24.9"), ("cat", "45"), ("dan", "old"), ("eve", "NaN")] {
            users.describe(id, [("age", age)]);
        }
        users.insert("fay");
        let groups = UserGroups::by_bands(&users, "age", &[25.0, 45.0]).unwrap();
        assert_eq!(groups.names(), ["25 <= age < 45", "age < 25", "age >= 45"]);
        let found: Vec<_> = (0..6).map(|user| groups.group(UserIndex(user))).collect();
        assert_eq!(found, [Some(0), Some(1), Some(2), None, None, None]);
        let wrong = |column, bounds: &[f64]| UserGroups::by_bands(&users, column, bounds).unwrap_err().to_string();
        assert_eq!(wrong("sex", &[1.0]), r#"column is "sex": expected a column of users"#);
        assert_eq!(wrong("age", &[2.0, 2.0]), "bounds is [2.0, 2.0]: expected finite numbers that ascend");
        assert!(UserGroups::by_bands(&users, "age", &[f64::NAN]).is_err());
    }

    #[test]
    fn activity_is_in_thirds_of_the_users_who_are_named() {
        let events = [("a", 1), ("b", 2), ("c", 2), ("d", 3), ("e", 5), ("f", 8), ("g", 9)];
        let clicks = events
            .iter()
            .flat_map(|(user, count)| (0..*count).map(move |item| (*user, Event::click(item.to_string()))));
        let data = from_events(clicks).unwrap();
        let groups = UserGroups::by_activity(&data, (0..6).map(UserIndex));
        let of = |user| groups.group(UserIndex(user)).map(|group| groups.names()[group as usize].as_str());
        // Counts 1 2 2 3 5 8: the thirds begin at the third and the fifth, and both twos are in one of them.
        let (low, middle, high) = (Some("activity=low"), Some("activity=middle"), Some("activity=high"));
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(of), [low, middle, middle, middle, high, high, None]);
        assert!(UserGroups::by_activity(&data, []).is_empty());
    }
}
