//! One user whom the model has never seen, before the reader's eyes.

use std::error::Error;
use std::time::Instant;

use metarec::Recommender;
use metarec::data::{Dataset, Event, HeldOutUser, IndexedEvent};
use metarec::recommend::Hit;

/// How many events the user brings.
const EVENTS: usize = 5;
/// Length of the lists.
const TOP: usize = 10;
/// Characters of a title in a column.
const WIDTH: usize = 43;

/// Shows the user's first events, and the top of the catalogue before and after them. Returns the events and the list after them.
///
/// # Errors
/// If the recommender can't serve the user.
pub fn introduce(
    rec: &Recommender,
    data: &Dataset,
    user: &HeldOutUser,
) -> Result<(Vec<Event>, Vec<Hit>), Box<dyn Error>> {
    let events: Vec<Event> = user.pool.iter().take(EVENTS).map(|event| external(data, event)).collect();
    println!(
        "User {} is new here: no event of theirs was trained on{}.",
        data.users().id(user.user),
        about(data, user)
    );
    println!("\n  The first {} events              title", events.len());
    for (event, indexed) in events.iter().zip(&user.pool) {
        let said = event.value.map_or_else(|| event.action.to_string(), |value| format!("{} {value}", event.action));
        println!("    {said:<28}  {}", data.catalogue().title(indexed.item));
    }

    let nobody = rec.adapt(&[])?;
    let before = rec.top_k(&nobody, TOP)?;
    let began = Instant::now();
    let adapted = rec.adapt(&events)?;
    let adapting = began.elapsed();
    let after = rec.top_k(&adapted, TOP)?;
    let both = began.elapsed();

    println!("\n      {:<WIDTH$}  after {} events", format!("top {TOP} before any event"), events.len());
    for (nth, (before, after)) in before.iter().zip(&after).enumerate() {
        println!("  {:>2}  {:<WIDTH$}  {}", nth + 1, line(data, user, before), line(data, user, after));
    }
    println!(
        "\n  + the user came to like it later. Adapted in {adapting:.1?}, with the ranking of the whole catalogue {both:.1?}.\n"
    );
    Ok((events, after))
}

/// The event as a host application would hand it in.
pub fn external(data: &Dataset, event: &IndexedEvent) -> Event {
    let mut external = Event::new(data.catalogue().id(event.item), event.action);
    external.value = event.value;
    external.timestamp = event.timestamp;
    external
}

/// What the data says of the user besides events.
fn about(data: &Dataset, user: &HeldOutUser) -> String {
    let row = data.users().row(user.user).unwrap_or_default();
    let columns =
        data.users().columns().iter().zip(row).filter(|(name, value)| *name != "zip_code" && !value.is_empty());
    let known: Vec<String> = columns.map(|(name, value)| format!("{name} {value}")).collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

fn line(data: &Dataset, user: &HeldOutUser, hit: &Hit) -> String {
    let likes = data.like_rule();
    let liked = |event: &&IndexedEvent| likes.is_like(event) && data.catalogue().id(event.item) == hit.item;
    let mark = if user.query.iter().any(|event| liked(&event)) { '+' } else { ' ' };
    let mut title: String = hit.title.chars().take(WIDTH - 2).collect();
    if title.len() < hit.title.len() {
        title.pop();
        title.push('…');
    }
    format!("{mark} {title}")
}
