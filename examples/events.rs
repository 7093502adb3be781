//! A shop with three logs, of pages browsed, items clicked and orders, merged by time as they are read. A visitor is then served while they look around.
//!
//! `cargo run --release --example events`

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;

use metarec::data::synthetic::{Feedback, MarketConfig};
use metarec::data::{Action, ActionWeights, DataError, Dataset, Event, LikeRule, UserIndex, from_events};
use metarec::recommend::{AdaptedUser, Filter, Hit, device_from_env};
use metarec::{Config, Recommender};

/// A line of a log: who, and what they did when.
type Row = (String, Event);

/// Several logs, each in time order, as one. Nothing but the next line of each is held in memory.
struct Merged<I: Iterator<Item = Row>> {
    logs: Vec<std::iter::Peekable<I>>,
    /// The time of each log's next line, and which log it is; the earliest on top.
    next: BinaryHeap<Reverse<(Option<i64>, usize)>>,
}

impl<I: Iterator<Item = Row>> Merged<I> {
    fn new(logs: impl IntoIterator<Item = I>) -> Self {
        let mut logs: Vec<_> = logs.into_iter().map(Iterator::peekable).collect();
        let first = |log: &mut std::iter::Peekable<I>| log.peek().map(|(_, event)| event.timestamp);
        let times = logs.iter_mut().enumerate().filter_map(|(at, log)| first(log).map(|time| Reverse((time, at))));
        Self { next: times.collect(), logs }
    }
}

impl<I: Iterator<Item = Row>> Iterator for Merged<I> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let Reverse((_, log)) = self.next.pop()?;
        let row = self.logs[log].next();
        if let Some((_, event)) = self.logs[log].peek() {
            self.next.push(Reverse((event.timestamp, log)));
        }
        row
    }
}

/// One log of a made-up shop. In an application: the lines of a file, or the rows of a query.
fn log(shop: &Dataset, action: Action) -> impl Iterator<Item = Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (user, id) in (0..).map(UserIndex).zip(shop.users().ids()) {
        for event in shop.history(user).iter().filter(|event| event.action == action) {
            let mut row = Event::new(shop.catalogue().id(event.item), action);
            row.timestamp = event.timestamp;
            rows.push((id.clone(), row));
        }
    }
    rows.sort_by_key(|(_, event)| event.timestamp);
    rows.into_iter()
}

/// The three logs as one data set. Within a user, events are put in time order in any case; merged logs come in the order in which they happened.
fn read(shop: &Dataset) -> Result<Dataset, DataError> {
    let logs = [Action::Browse, Action::Click, Action::Purchase].map(|action| log(shop, action));
    let mut data = from_events(Merged::new(logs))?;
    // How much of a like each action is: 1 for an order, little for a glance in passing.
    let weights = ActionWeights::default().with(Action::Browse, 0.05).with(Action::Click, 0.3);
    data.set_like_rule(LikeRule { threshold: None, weights });
    Ok(data)
}

fn show(title: &str, hits: &[Hit]) {
    let items: Vec<String> = hits.iter().map(|hit| format!("{} ({:.1})", hit.title, hit.score)).collect();
    println!("{title:<28} {}", items.join(", "));
}

/// What may be recommended: what was only looked at, again; what was bought, not.
fn filter(bought: &[String]) -> Filter {
    Filter::new().with_seen().without(bought.iter().cloned())
}

/// A visitor comes, looks around and buys.
fn visit(rec: &Recommender, shop: &Dataset) -> Result<(), Box<dyn Error>> {
    let item = |place: usize| shop.catalogue().ids()[place].clone();
    let visit = [
        Event::new(item(3), Action::Browse).at(1_000),
        Event::click(item(3)).at(1_010),
        Event::click(item(17)).at(1_060),
        Event::purchase(item(3)).at(1_200),
        Event::click(item(40)).at(1_300),
    ];
    let mut visitor: AdaptedUser = rec.adapt(&[])?;
    let mut bought: Vec<String> = Vec::new();
    println!("the best three items after each event, and their scores:");
    show("before anything", &rec.top_k_with(&visitor, 3, &filter(&bought))?);
    for event in visit {
        let title = format!("after {} of {}", event.action, event.item);
        if event.action == Action::Purchase {
            bought.push(event.item.clone());
        }
        rec.update(&mut visitor, event)?;
        let hits = rec.top_k_with(&visitor, 3, &filter(&bought))?;
        show(&title, &hits);
    }
    let all = rec.top_k_with(&visitor, rec.catalogue().len(), &filter(&bought))?;
    let place = |item: &String| match all.iter().position(|hit| &hit.item == item) {
        Some(place) => format!("at place {} of the {} that may be recommended", place + 1, all.len()),
        None => "not recommended any more".to_owned(),
    };
    println!(
        "\n{} was bought, and is {}; {} was only clicked, and is {}",
        item(3),
        place(&item(3)),
        item(17),
        place(&item(17))
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let market = MarketConfig::default().with_feedback(Feedback::Actions);
    let shop = market.generate()?.into_dataset();
    let data = read(&shop)?;
    for action in [Action::Browse, Action::Click, Action::Purchase] {
        let count = data.events().iter().filter(|event| event.action == action).count();
        println!("{count:>6} of {action}");
    }
    let rec = Recommender::train(&data, &Config::default(), &device_from_env()?)?;
    println!("       {} users, {} items\n", data.users().len(), data.catalogue().len());
    visit(&rec, &data)
}
