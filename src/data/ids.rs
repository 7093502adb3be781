//! Dense indices, kept apart from external ids by their types.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// Dense index of a user in a [`Dataset`](crate::data::Dataset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserIndex(pub u32);

/// Dense index of an item in a [`Catalogue`](crate::data::Catalogue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemIndex(pub u32);

impl UserIndex {
    /// The index as a position in a slice.
    #[must_use]
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

impl ItemIndex {
    /// The index as a position in a slice.
    #[must_use]
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

/// A bijection between external names and `0..len`, in order of first appearance.
///
/// Look-ups cost one hash of the name; memory is the name, the 24 bytes of its `String` and 6 to 11 bytes for finding it.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    names: Vec<String>,
    /// Places in `names`, by the hash of what stands there.
    index: HashTable<u32>,
    hasher: RandomState,
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Ids {}

impl Ids {
    /// An empty set of ids.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of `name`, given out now if it is new.
    ///
    /// # Panics
    /// If `u32::MAX` names are already there.
    pub fn insert(&mut self, name: &str) -> u32 {
        let Self { names, index, hasher } = self;
        let hash = hasher.hash_one(name);
        if let Some(&index) = index.find(hash, |&index| names[index as usize] == name) {
            return index;
        }
        let place = u32::try_from(names.len()).ok().filter(|&place| place < u32::MAX);
        let place = place.expect("fewer than u32::MAX ids");
        names.push(name.to_owned());
        index.insert_unique(hash, place, |&index| hasher.hash_one(&names[index as usize]));
        place
    }

    /// The index of `name`, if it is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.index.find(self.hasher.hash_one(name), |&index| self.names[index as usize] == name).copied()
    }

    /// The name at `index`, if there is one.
    #[must_use]
    pub fn name(&self, index: u32) -> Option<&str> {
        self.names.get(index as usize).map(String::as_str)
    }

    /// All names, in the order of their indices.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many names there are.
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

/// Serialised as the list of names alone; the look-up table is built again on reading.
impl Serialize for Ids {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let mut ids = Self::new();
        for name in &names {
            if ids.find(name).is_some() {
                return Err(serde::de::Error::custom(format!("id {name:?} stands twice")));
            }
            ids.insert(name);
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_given_out_in_order_of_first_appearance() {
        let mut ids = Ids::new();
        assert_eq!(["b", "a", "b", "c"].map(|name| ids.insert(name)), [0, 1, 0, 2]);
        assert_eq!(ids.names(), ["b", "a", "c"]);
        assert_eq!((ids.find("c"), ids.find("d"), ids.name(1), ids.name(3)), (Some(2), None, Some("a"), None));
    }

    #[test]
    fn ids_survive_json_and_a_name_that_stands_twice_is_refused() {
        let ids: Ids = serde_json::from_str(r#"["x","y"]"#).unwrap();
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"["x","y"]"#);
        assert!(serde_json::from_str::<Ids>(r#"["x","x"]"#).unwrap_err().to_string().contains("stands twice"));
    }
}
