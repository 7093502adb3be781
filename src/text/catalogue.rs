//! A catalogue's words as its dense vectors.

use crate::data::{Catalogue, ItemIndex, ItemVectors};
use crate::text::cache::checked;
use crate::text::{TextEncoder, TextError};

/// What is said of an item, in words: its title, its text, and the names of its categories. Empty where it has none of them.
///
/// ```
/// use metarec::data::Catalogue;
/// use metarec::text::item_text;
///
/// let mut catalogue = Catalogue::new();
/// let alien = catalogue.describe("1", "Alien (1979)", "In space no one can hear you scream.", ["Horror", "Sci-Fi"]);
/// assert_eq!(item_text(&catalogue, alien), "Alien (1979). In space no one can hear you scream. Horror, Sci-Fi");
/// ```
#[must_use]
pub fn item_text(catalogue: &Catalogue, item: ItemIndex) -> String {
    let item = catalogue.item(item);
    let names: Vec<&str> = item.categories.iter().map(|&code| catalogue.categories()[code as usize].as_str()).collect();
    let mut said = String::new();
    for part in [&*item.title, &item.text, &names.join(", ")].map(str::trim).into_iter().filter(|part| !part.is_empty())
    {
        let ended = said.ends_with(['.', '!', '?']);
        said.push_str(if said.is_empty() {
            ""
        } else if ended {
            " "
        } else {
            ". "
        });
        said.push_str(part);
    }
    said
}

/// A vector of each item's [words](item_text), ready for [`Catalogue::set_vectors`]; a row of zeros where an item has none.
///
/// A host that wants other words encodes texts of its own, in the order of the items.
///
#[cfg_attr(feature = "text", doc = "```no_run")]
#[cfg_attr(not(feature = "text"), doc = "```ignore")]
/// use metarec::text::{BertEncoder, CachedEncoder, item_vectors};
///
/// let device = metarec::recommend::device_from_env()?;
/// let encoder = CachedEncoder::new(BertEncoder::read("all-MiniLM-L6-v2", &device)?, "vectors");
/// let mut data = metarec::data::read_dir("ml-latest-small")?;
/// let vectors = item_vectors(data.catalogue(), &encoder)?;
/// data.catalogue_mut().set_vectors(Some(vectors));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the encoder fails, or gives something else than a finite vector of its width for each text.
pub fn item_vectors(catalogue: &Catalogue, encoder: &(impl TextEncoder + ?Sized)) -> Result<ItemVectors, TextError> {
    let width = encoder.width();
    let texts: Vec<String> = (0..).take(catalogue.len()).map(|item| item_text(catalogue, ItemIndex(item))).collect();
    let said: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let vectors = checked(encoder.encode(&said)?, width, said.len())?;
    let mut rows = vectors.rows();
    let silent = vec![0.0; width];
    let values = texts.iter().flat_map(|text| match text.is_empty() {
        true => silent.as_slice(),
        false => rows.next().unwrap_or(&silent),
    });
    Ok(ItemVectors { width, values: values.copied().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextVectors;

    /// How many letters and how many words a text has.
    struct Sizes;

    impl TextEncoder for Sizes {
        fn width(&self) -> usize {
            2
        }

        fn fingerprint(&self) -> String {
            "sizes".to_owned()
        }

        fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
            let row = |text: &&str| [text.len() as f32, text.split_whitespace().count() as f32];
            Ok(TextVectors { width: 2, values: texts.iter().flat_map(row).collect() })
        }
    }

    #[test]
    fn each_item_has_the_vector_of_its_words() {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "Alien", " In space. ", ["Horror"]);
        catalogue.insert("b");
        catalogue.describe("c", "", "No title", []);
        catalogue.describe("d", "Up?", " ", ["Family", "Film"]);
        assert_eq!(item_text(&catalogue, ItemIndex(0)), "Alien. In space. Horror");
        assert_eq!(item_text(&catalogue, ItemIndex(3)), "Up? Family, Film");
        let vectors = item_vectors(&catalogue, &Sizes).unwrap();
        assert_eq!(vectors.values, [23.0, 4.0, 0.0, 0.0, 8.0, 2.0, 16.0, 3.0]);
        catalogue.set_vectors(Some(vectors));
    }

    #[test]
    fn a_catalogue_without_items_has_no_vectors() {
        assert!(item_vectors(&Catalogue::new(), &Sizes).unwrap().values.is_empty());
    }
}
