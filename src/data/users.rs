//! The users: ids and whatever columns are known of them.

use serde::{Deserialize, Serialize};

use crate::data::ids::{Ids, UserIndex};

/// The users: ids and whatever columns are known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct UserTable {
    ids: Ids,
    columns: Vec<String>,
    /// One row for each user, one text for each column; an empty row where nothing is known.
    rows: Vec<Vec<String>>,
}

impl UserTable {
    /// All external ids, in the order of their indices.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        self.ids.names()
    }

    /// The index of an external id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<UserIndex> {
        self.ids.find(id).map(UserIndex)
    }

    /// The external id at `index`.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn id(&self, index: UserIndex) -> &str {
        &self.ids.names()[index.position()]
    }

    /// Names of the columns besides the id.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The texts of one user, in the order of [`UserTable::columns`]; `None` where nothing is known of them.
    #[must_use]
    pub fn row(&self, index: UserIndex) -> Option<&[String]> {
        self.rows.get(index.position()).filter(|row| !row.is_empty()).map(Vec::as_slice)
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The index of the user with this external id, added without columns if new.
    pub(crate) fn insert(&mut self, id: &str) -> UserIndex {
        let index = self.ids.insert(id);
        if index as usize == self.rows.len() {
            self.rows.push(Vec::new());
        }
        UserIndex(index)
    }

    /// Replaces what is known of a user, adding columns that are new; columns that are not named become empty.
    pub(crate) fn describe<'a>(&mut self, id: &str, cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> UserIndex {
        let index = self.insert(id);
        let mut row = vec![String::new(); self.columns.len()];
        for (column, text) in cells {
            let place = self.columns.iter().position(|known| known == column).unwrap_or(self.columns.len());
            if place == self.columns.len() {
                self.columns.push(column.to_owned());
                row.push(String::new());
            }
            row[place] = text.to_owned();
        }
        self.rows[index.position()] = row;
        index
    }

    /// The users who are kept, in the same order.
    pub(super) fn part(&self, keep: &[bool]) -> Self {
        let mut part = Self { columns: self.columns.clone(), ..Self::default() };
        for (place, id) in self.ids.names().iter().enumerate().filter(|(place, _)| keep[*place]) {
            part.ids.insert(id);
            part.rows.push(self.rows[place].clone());
        }
        part
    }

    /// Gives rows that were written before the last column came their missing cells.
    pub(crate) fn fill(&mut self) {
        let width = self.columns.len();
        for row in self.rows.iter_mut().filter(|row| !row.is_empty()) {
            row.resize(width, String::new());
        }
    }
}

/// The fields as they come from a file, before they are checked against each other.
#[derive(Deserialize)]
struct Parts {
    ids: Ids,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl TryFrom<Parts> for UserTable {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { ids, columns, rows } = parts;
        if rows.len() != ids.len() {
            return Err(format!("{} rows of users, expected {}", rows.len(), ids.len()));
        }
        match rows.iter().position(|row| !row.is_empty() && row.len() != columns.len()) {
            Some(at) => Err(format!("row {at} of users has {} cells, expected {}", rows[at].len(), columns.len())),
            None => Ok(Self { ids, columns, rows }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_collected_as_they_come() {
        let mut users = UserTable::default();
        users.insert("a");
        users.describe("b", [("age", "30")]);
        users.describe("c", [("city", "Oslo")]);
        users.fill();
        assert_eq!(users.columns(), ["age", "city"]);
        assert_eq!(users.row(UserIndex(0)), None);
        assert_eq!(users.row(UserIndex(1)).unwrap(), ["30", ""]);
        assert_eq!(users.row(UserIndex(2)).unwrap(), ["", "Oslo"]);
    }

    #[test]
    fn a_table_survives_json_and_a_torn_one_is_refused() {
        let mut users = UserTable::default();
        users.describe("b", [("age", "30")]);
        let text = serde_json::to_string(&users).unwrap();
        assert_eq!(serde_json::from_str::<UserTable>(&text).unwrap(), users);
        let torn = text.replace(r#"["30"]"#, r#"["30","x"]"#);
        assert!(serde_json::from_str::<UserTable>(&torn).unwrap_err().to_string().contains("expected 1"));
    }
}
