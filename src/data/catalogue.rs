//! The items: ids, titles, texts, categories and optional dense vectors.

use serde::{Deserialize, Serialize};

use crate::data::ids::{Ids, ItemIndex};

/// What is known of one item besides its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What people call it; empty where unknown.
    pub title: String,
    /// Longer text; empty where there is none.
    pub text: String,
    /// Indices into [`Catalogue::categories`], each at most once.
    pub categories: Vec<u32>,
}

/// Dense vectors of items, of any origin (a text encoder, an image encoder, a knowledge graph).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemVectors {
    /// Length of each vector.
    pub width: usize,
    /// Row by row, `[items, width]`; a row of zeros where an item has none.
    pub values: Vec<f32>,
}

/// All items that can be recommended or appear in events.
///
/// ```
/// use metarec::data::Catalogue;
///
/// let mut catalogue = Catalogue::new();
/// let fargo = catalogue.describe("100", "Fargo (1996)", "", ["Crime", "Drama"]);
/// let other = catalogue.insert("101");
/// assert_eq!(catalogue.title(fargo), "Fargo (1996)");
/// assert_eq!(catalogue.title(other), "101");
/// assert_eq!(catalogue.find("100"), Some(fargo));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Catalogue {
    ids: Ids,
    items: Vec<Item>,
    categories: Ids,
    vectors: Option<ItemVectors>,
}

impl Catalogue {
    /// An empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of the item with this external id, added without title or categories if it is new.
    pub fn insert(&mut self, id: &str) -> ItemIndex {
        let index = self.ids.insert(id);
        if index as usize == self.items.len() {
            self.items.push(Item::default());
            if let Some(vectors) = &mut self.vectors {
                vectors.values.resize(vectors.values.len() + vectors.width, 0.0);
            }
        }
        ItemIndex(index)
    }

    /// Sets title, text and categories of the item with this external id, adding it if it is new.
    pub fn describe<'a>(
        &mut self,
        id: &str,
        title: &str,
        text: &str,
        categories: impl IntoIterator<Item = &'a str>,
    ) -> ItemIndex {
        let index = self.insert(id);
        let mut codes: Vec<u32> = Vec::new();
        for name in categories {
            let code = self.categories.insert(name);
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        self.items[index.position()] = Item { title: title.to_owned(), text: text.to_owned(), categories: codes };
        index
    }

    /// Gives every item a dense vector; `None` takes them away.
    ///
    /// # Panics
    /// If `vectors.values` is not `[len, width]`.
    pub fn set_vectors(&mut self, vectors: Option<ItemVectors>) {
        if let Some(vectors) = &vectors {
            assert_eq!(vectors.values.len(), self.len() * vectors.width, "one vector for each item of the catalogue");
        }
        self.vectors = vectors;
    }

    /// The items that are kept, in the same order; categories keep their codes.
    pub(super) fn part(&self, keep: &[bool]) -> Self {
        let kept = || keep.iter().enumerate().filter(|(_, keep)| **keep).map(|(place, _)| place);
        let mut ids = Ids::new();
        kept().for_each(|place| _ = ids.insert(&self.ids.names()[place]));
        let vectors = self.vectors.as_ref().map(|ItemVectors { width, values }| ItemVectors {
            width: *width,
            values: kept().flat_map(|place| &values[place * width..(place + 1) * width]).copied().collect(),
        });
        let items = kept().map(|place| self.items[place].clone()).collect();
        Self { ids, items, categories: self.categories.clone(), vectors }
    }

    /// The index of an external id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<ItemIndex> {
        self.ids.find(id).map(ItemIndex)
    }

    /// The external id at `index`.
    ///
    /// # Panics
    /// If the catalogue has no such index.
    #[must_use]
    pub fn id(&self, index: ItemIndex) -> &str {
        &self.ids.names()[index.position()]
    }

    /// All external ids, in the order of their indices.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        self.ids.names()
    }

    /// What is known of the item at `index`.
    ///
    /// # Panics
    /// If the catalogue has no such index.
    #[must_use]
    pub fn item(&self, index: ItemIndex) -> &Item {
        &self.items[index.position()]
    }

    /// The title of the item at `index`, or its external id where it has none.
    ///
    /// # Panics
    /// If the catalogue has no such index.
    #[must_use]
    pub fn title(&self, index: ItemIndex) -> &str {
        let title = self.item(index).title.as_str();
        if title.is_empty() { self.id(index) } else { title }
    }

    /// The names of all categories, in the order of their codes.
    #[must_use]
    pub fn categories(&self) -> &[String] {
        self.categories.names()
    }

    /// The dense vectors, if any were set.
    #[must_use]
    pub fn vectors(&self) -> Option<&ItemVectors> {
        self.vectors.as_ref()
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The fields as they come from a file, before they are checked against each other.
#[derive(Deserialize)]
struct Parts {
    ids: Ids,
    items: Vec<Item>,
    categories: Ids,
    vectors: Option<ItemVectors>,
}

impl TryFrom<Parts> for Catalogue {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { ids, items, categories, vectors } = parts;
        if items.len() != ids.len() {
            return Err(format!("{} items, expected {}", items.len(), ids.len()));
        }
        if items.iter().flat_map(|item| &item.categories).any(|&code| code as usize >= categories.len()) {
            return Err(format!("an item has a category that is none of the {}", categories.len()));
        }
        match &vectors {
            Some(vectors) if items.len().checked_mul(vectors.width) != Some(vectors.values.len()) => Err(format!(
                "{} numbers in vectors, expected {} of each of {}",
                vectors.values.len(),
                vectors.width,
                items.len()
            )),
            _ => Ok(Self { ids, items, categories, vectors }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_items() -> Catalogue {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "Alpha", "first", ["x", "y", "x"]);
        catalogue.insert("b");
        catalogue
    }

    #[test]
    fn a_category_named_twice_counts_once() {
        let catalogue = two_items();
        assert_eq!(catalogue.item(ItemIndex(0)).categories, [0, 1]);
        assert_eq!(catalogue.categories(), ["x", "y"]);
    }

    #[test]
    fn an_item_without_a_title_goes_by_its_id() {
        let catalogue = two_items();
        assert_eq!(catalogue.title(ItemIndex(0)), "Alpha");
        assert_eq!(catalogue.title(ItemIndex(1)), "b");
    }

    #[test]
    fn a_new_item_gets_a_vector_of_zeros() {
        let mut catalogue = two_items();
        catalogue.set_vectors(Some(ItemVectors { width: 2, values: vec![1.0; 4] }));
        catalogue.insert("c");
        assert_eq!(catalogue.vectors().unwrap().values, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_catalogue_survives_json() {
        let catalogue = two_items();
        let text = serde_json::to_string(&catalogue).unwrap();
        assert_eq!(serde_json::from_str::<Catalogue>(&text).unwrap(), catalogue);
    }

    #[test]
    fn a_catalogue_whose_parts_do_not_fit_is_refused() {
        let text = serde_json::to_string(&two_items()).unwrap();
        for (from, to) in [(r#"["a","b"]"#, r#"["a"]"#), (r#"["a","b"]"#, r#"["a","a"]"#), ("[0,1]", "[0,9]")] {
            let torn = text.replace(from, to);
            assert_ne!(torn, text);
            assert!(serde_json::from_str::<Catalogue>(&torn).is_err(), "{torn}");
        }
        let vectors = text.replace(r#""vectors":null"#, r#""vectors":{"width":18446744073709551615,"values":[1.0]}"#);
        assert!(serde_json::from_str::<Catalogue>(&vectors).is_err());
    }
}
