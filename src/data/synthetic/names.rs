//! Readable names for what is generated.

pub(super) const GENRES: [&str; 16] = [
    "Comedy",
    "Drama",
    "Thriller",
    "Romance",
    "Science Fiction",
    "Documentary",
    "Western",
    "Horror",
    "Musical",
    "War",
    "Fantasy",
    "Animation",
    "Crime",
    "Mystery",
    "Adventure",
    "Sport",
];
/// Each segment leans towards a genre of its own.
pub(super) const SEGMENTS: [&str; 4] = ["student", "parent", "traveller", "retired"];
pub(super) const CITIES: [&str; 6] = ["Lisbon", "Oslo", "Lagos", "Lima", "Hanoi", "Perth"];
const QUALITIES: [&str; 16] = [
    "Silver",
    "Quiet",
    "Hidden",
    "Burning",
    "Lost",
    "Golden",
    "Broken",
    "Distant",
    "Crimson",
    "Gentle",
    "Frozen",
    "Wandering",
    "Electric",
    "Hollow",
    "Patient",
    "Restless",
];
const THINGS: [&str; 16] = [
    "Harbour",
    "River",
    "Garden",
    "Letter",
    "Mountain",
    "Engine",
    "Island",
    "Mirror",
    "Orchard",
    "Signal",
    "Lantern",
    "Bridge",
    "Winter",
    "Voyage",
    "Neighbour",
    "Clock",
];

/// A title that no other item has.
pub(super) fn title(item: usize) -> String {
    let (quality, thing) = (QUALITIES[item % 16], THINGS[(item / 16 + item) % 16]);
    match item / 256 {
        0 => format!("The {quality} {thing}"),
        part => format!("The {quality} {thing}, Part {}", part + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_items_have_the_same_title() {
        let titles: HashSet<String> = (0..2000).map(title).collect();
        assert_eq!(titles.len(), 2000);
    }
}
