//! What a model is told of items: the same data with more or less said of them.

use std::error::Error;
use std::path::Path;

use metarec::data::{Catalogue, Dataset, ItemIndex, ItemVectors};

use crate::args::Args;

/// The names of models by what they are told of items.
pub const NAMES: [&str; 5] = ["ids", "categories", "titles", "text", "both"];
/// Which of them are compared, the second being told less, or in another way.
pub const PAIRS: [(&str, &str); 7] = [
    ("categories", "ids"),
    ("titles", "ids"),
    ("text", "ids"),
    ("text", "categories"),
    ("text", "titles"),
    ("both", "categories"),
    ("both", "text"),
];

/// A model's name and the data that it is told.
pub struct View {
    pub name: &'static str,
    pub data: Dataset,
}

/// The data of every view that was asked for.
pub fn asked(args: &Args, data: &Dataset) -> Result<Vec<View>, Box<dyn Error>> {
    let names = NAMES.into_iter().filter(|name| args.names(name));
    names.map(|name| Ok(View { name, data: told(name, args, data)? })).collect()
}

/// Categories where `categories` or `both` are told, vectors of words where `titles`, `text` or `both` are.
fn told(name: &str, args: &Args, data: &Dataset) -> Result<Dataset, Box<dyn Error>> {
    let mut told = data.clone();
    let vectors = match (name, &args.text) {
        ("ids" | "categories", _) => None,
        ("titles", Some(model)) => Some(vectors(&without_categories(data.catalogue()), model)?),
        (_, Some(model)) => Some(vectors(data.catalogue(), model)?),
        (_, None) => None,
    };
    if !["categories", "both"].contains(&name) {
        *told.catalogue_mut() = without_categories(data.catalogue());
    }
    told.catalogue_mut().set_vectors(vectors);
    Ok(told)
}

/// The same items in the same order.
fn without_categories(catalogue: &Catalogue) -> Catalogue {
    let mut plain = Catalogue::new();
    for (id, item) in catalogue.ids().iter().zip((0..).map(|item| catalogue.item(ItemIndex(item)))) {
        plain.describe(id, &item.title, &item.text, []);
    }
    plain
}

/// A vector of each item's words, which are kept for the next run.
#[cfg(feature = "text")]
fn vectors(catalogue: &Catalogue, model: &Path) -> Result<ItemVectors, Box<dyn Error>> {
    use metarec::text::{CachedEncoder, item_vectors, read_encoder};

    let encoder = read_encoder(model, &metarec::recommend::device_from_env()?)?;
    let encoder = CachedEncoder::new(encoder, crate::work::cache().join("text"));
    Ok(item_vectors(catalogue, &encoder)?)
}

#[cfg(not(feature = "text"))]
fn vectors(_: &Catalogue, model: &Path) -> Result<ItemVectors, Box<dyn Error>> {
    Err(format!("--text {}: this program was built without --features text", model.display()).into())
}
