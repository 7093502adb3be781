//! Who is trained on, and who is served.

use std::error::Error;
use std::fmt;

use metarec::data::{Dataset, HeldOutUser, IndexedEvent, ItemIndex, TaskHistory, UserIndex, UserSplit, digest_of_pair};

use crate::args::Args;

/// A split of users, what is ranked for those held out, and after how many events.
pub struct Protocol {
    pub name: String,
    pub split: UserSplit,
    /// What is ranked for the test users.
    pub candidates: Vec<ItemIndex>,
    /// What is ranked for the validation users.
    pub valid_candidates: Vec<ItemIndex>,
    pub shots: Vec<usize>,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UserSplit { train, valid, test } = &self.split;
        write!(
            f,
            "{}: {} users to train on, {} to validate, {} to test; ",
            self.name,
            train.len(),
            valid.len(),
            test.len()
        )?;
        write!(f, "{} and {} items are ranked", self.valid_candidates.len(), self.candidates.len())
    }
}

impl Protocol {
    pub fn new(args: &Args, data: &Dataset) -> Result<Self, Box<dyn Error>> {
        let protocol = match args.protocol.as_str() {
            "user-cold" => Self::of_users("user-cold", data.split()?),
            "group-shift" => Self::of_users("group-shift", group_shift(data)?),
            "genre-shift" => genre_shift(data, &args.genres)?,
            other => {
                return Err(format!("--protocol is {other:?}: expected user-cold, group-shift or genre-shift").into());
            }
        };
        let UserSplit { train, valid, test } = &protocol.split;
        if train.is_empty() || valid.is_empty() || test.is_empty() {
            return Err(format!("{protocol}: nobody is left for one of them").into());
        }
        Ok(protocol)
    }

    fn of_users(name: &str, split: UserSplit) -> Self {
        let candidates = split.candidates();
        let shots = vec![0, 1, 5, 20];
        Self { name: name.to_owned(), split, valid_candidates: candidates.clone(), candidates, shots }
    }
}

/// The pool and the query of a held-out user, if there are enough events.
fn held_out(user: UserIndex, events: Vec<IndexedEvent>, pool: usize, query: usize) -> Option<HeldOutUser> {
    if events.len() < pool + query {
        return None;
    }
    let (pool, query) = events.split_at(pool);
    Some(HeldOutUser { user, pool: pool.to_vec(), query: query.to_vec() })
}

/// Everybody of 45 and older is for test, women under 25 are for validation.
fn group_shift(data: &Dataset) -> Result<UserSplit, Box<dyn Error>> {
    let column = |name: &str| {
        let at = data.users().columns().iter().position(|column| column == name);
        at.ok_or_else(|| format!("group-shift needs the user column {name:?}"))
    };
    let (age, gender) = (column("age")?, column("gender")?);
    let mut split = UserSplit::default();
    for user in (0..).map(UserIndex).take(data.users().len()) {
        let Some(row) = data.users().row(user) else { continue };
        let years: u32 = row[age].parse().map_err(|_| format!("an age is {:?}: expected a whole number", row[age]))?;
        let events = data.history(user).to_vec();
        if years >= 45 {
            split.test.extend(held_out(user, events, 20, 10));
        } else if years < 25 && row[gender].starts_with(['F', 'f']) {
            split.valid.extend(held_out(user, events, 20, 10));
        } else if !events.is_empty() {
            split.train.push(TaskHistory { user, events });
        }
    }
    Ok(known_to_training(split))
}

/// Held-out users without the events on items that training does not know, as these are not ranked.
fn known_to_training(mut split: UserSplit) -> UserSplit {
    let known = split.candidates();
    for users in [&mut split.valid, &mut split.test] {
        for user in users.iter_mut() {
            user.query.retain(|event| known.binary_search(&event.item).is_ok());
        }
        users.retain(|user| !user.query.is_empty());
    }
    split
}

/// Two users in five are trained on, without any event in either genre; of the others one in four is for validation, with the events in the second genre alone,
/// and the rest for test, with those in the first.
fn genre_shift(data: &Dataset, [genre, valid_genre]: &[String; 2]) -> Result<Protocol, Box<dyn Error>> {
    let code = |name: &str| {
        let at = data.catalogue().categories().iter().position(|category| category == name);
        at.map(|at| at as u32).ok_or_else(|| format!("no category is called {name:?}"))
    };
    let (test, valid) = (code(genre)?, code(valid_genre)?);
    let is = |item: ItemIndex, code: u32| data.catalogue().item(item).categories.contains(&code);
    let items = || (0..).map(ItemIndex).take(data.catalogue().len());
    let mut split = UserSplit::default();
    for user in (0..).map(UserIndex).take(data.users().len()) {
        let within = |code: u32| data.history(user).iter().filter(|event| is(event.item, code)).copied().collect();
        match digest_of_pair("genre-shift", data.users().id(user))[0] % 20 {
            0..8 => {
                let apart = |event: &&IndexedEvent| !is(event.item, test) && !is(event.item, valid);
                let events: Vec<IndexedEvent> = data.history(user).iter().filter(apart).copied().collect();
                split.train.extend((!events.is_empty()).then_some(TaskHistory { user, events }));
            }
            8..11 => split.valid.extend(held_out(user, within(valid), 10, 5)),
            _ => split.test.extend(held_out(user, within(test), 10, 5)),
        }
    }
    Ok(Protocol {
        name: format!("genre-shift to {genre}"),
        split,
        candidates: items().filter(|&item| is(item, test)).collect(),
        valid_candidates: items().filter(|&item| is(item, valid)).collect(),
        shots: vec![0, 1, 5, 10],
    })
}
