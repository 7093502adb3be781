//! Users in groups.

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
