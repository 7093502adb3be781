//! Writes a split in the neutral folder format, so that any program can evaluate the same thing.

use std::io::Write;

use crate::data::{Dataset, IndexedEvent, UserIndex, UserSplit};
use crate::evaluate::error::EvaluateError;

/// Writes `episodes.csv`: columns `user,item,value,timestamp,role,split`, the users by their external ids, each user's
/// events in time order.
///
/// All events of a training user are `support`; a held-out user's pool is `support` and the rest `query`. Lines end in
/// CR LF and fields are quoted where they must be, as Python's `csv` module writes. A value is written as the shortest
/// text that reads back as the same number; where every value of the data set is whole without a decimal point (`4`),
/// else with one (`4.0`, `3.5`), which is how rating data are published. Unknown values and times are empty.
///
/// The format gives each user one part, and a pool that is not later than the query: a split by users. Of a
/// [`ColdSplit`](crate::data::ColdSplit) by items or time, whose users are trained on and scored as well, it takes none.
///
/// # Errors
/// [`EvaluateError::TwoParts`] if a user is in two parts; [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not; otherwise if writing
/// fails.
///
/// ```
/// use metarec::data::{DatasetBuilder, Event, HeldOutUser, UserIndex, UserSplit};
/// use metarec::evaluate::write_episodes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut events = DatasetBuilder::new();
/// events.push("ann", &Event::rating("tea", 5.0).at(10))?;
/// events.push("ann", &Event::rating("milk", 2.0).at(20))?;
/// let data = events.build();
/// let (pool, query) = data.history(UserIndex(0)).split_at(1);
/// let user = HeldOutUser { user: UserIndex(0), pool: pool.to_vec(), query: query.to_vec() };
/// let mut csv = Vec::new();
/// write_episodes(&mut csv, &data, &UserSplit { test: vec![user], ..UserSplit::default() })?;
/// let expected = "user,item,value,timestamp,role,split\r\nann,tea,5,10,support,test\r\nann,milk,2,20,query,test\r\n";
/// assert_eq!(csv, expected.as_bytes());
/// # Ok(())
/// # }
/// ```
pub fn write_episodes(writer: impl Write, data: &Dataset, split: &UserSplit) -> Result<(), EvaluateError> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(writer);
    rows.write_record(["user", "item", "value", "timestamp", "role", "split"])?;
    let values = ValueText::of(data.events());
    for (user, part, pool, query) in by_user_id(data, split)? {
        let roles = pool.iter().map(|event| ("support", event)).chain(query.iter().map(|event| ("query", event)));
        for (role, event) in roles {
            let item = data.catalogue().ids().get(event.item.position());
            let item = item.ok_or_else(|| EvaluateError::ForeignSplit(format!("item {}", event.item.0)))?;
            let time = event.timestamp.map(|time| time.to_string()).unwrap_or_default();
            rows.write_record([user, item.as_str(), &values.text(event.value), &time, role, part])?;
        }
    }
    Ok(rows.flush()?)
}

/// External id, part, pool and query of one user.
type UserRows<'a> = (&'a str, &'static str, &'a [IndexedEvent], &'a [IndexedEvent]);

fn by_user_id<'a>(data: &'a Dataset, split: &'a UserSplit) -> Result<Vec<UserRows<'a>>, EvaluateError> {
    let train = split.train.iter().map(|task| (task.user, "train", &task.events[..], &[][..]));
    let valid = split.valid.iter().map(|user| (user.user, "valid", &user.pool[..], &user.query[..]));
    let test = split.test.iter().map(|user| (user.user, "test", &user.pool[..], &user.query[..]));
    let named = |(user, part, pool, query): (UserIndex, _, _, _)| {
        let id = data.users().ids().get(user.position());
        let id = id.ok_or_else(|| EvaluateError::ForeignSplit(format!("user {}", user.0)))?;
        Ok((id.as_str(), part, pool, query))
    };
    let mut users: Vec<UserRows<'a>> =
        train.chain(valid).chain(test).map(named).collect::<Result<_, EvaluateError>>()?;
    users.sort_by_key(|&(id, ..)| id);
    if let Some(twice) = users.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let [first, second] = [twice[0].1, twice[1].1];
        return Err(EvaluateError::TwoParts { user: twice[0].0.to_owned(), first, second });
    }
    Ok(users)
}

/// How the values of one data set are written.
enum ValueText {
    Whole,
    Decimal,
}

impl ValueText {
    fn of(events: &[IndexedEvent]) -> Self {
        let whole = events.iter().filter_map(|event| event.value).all(|value| value.fract() == 0.0);
        if whole { Self::Whole } else { Self::Decimal }
    }

    fn text(&self, value: Option<f32>) -> String {
        match (self, value) {
            (_, None) => String::new(),
            (Self::Whole, Some(value)) => value.to_string(),
            (Self::Decimal, Some(value)) if value.fract() == 0.0 => format!("{value:.1}"),
            (Self::Decimal, Some(value)) => value.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, ItemIndex, TaskHistory};

    #[test]
    fn one_fraction_gives_every_value_a_decimal_point() {
        let event = |value| IndexedEvent { item: ItemIndex(0), action: Action::Rating, value, timestamp: None };
        let whole = ValueText::of(&[event(Some(4.0)), event(None)]);
        assert_eq!((whole.text(Some(4.0)), whole.text(None)), ("4".to_owned(), String::new()));
        let half = ValueText::of(&[event(Some(4.0)), event(Some(3.5))]);
        assert_eq!((half.text(Some(4.0)), half.text(Some(3.5))), ("4.0".to_owned(), "3.5".to_owned()));
    }

    #[test]
    fn a_user_that_the_data_does_not_have_is_an_error() {
        let task = TaskHistory { user: UserIndex(7), events: Vec::new() };
        let split = UserSplit { train: vec![task], ..UserSplit::default() };
        let error = write_episodes(Vec::new(), &crate::data::DatasetBuilder::new().build(), &split);
        assert!(matches!(error, Err(EvaluateError::ForeignSplit(_))));
    }

    #[test]
    fn a_user_in_two_parts_is_an_error() {
        let mut events = crate::data::DatasetBuilder::new();
        events.push("ann", &crate::data::Event::click("tea").at(1)).unwrap();
        let data = events.build();
        let history = data.history(UserIndex(0)).to_vec();
        let scored = crate::data::HeldOutUser { user: UserIndex(0), pool: Vec::new(), query: history.clone() };
        let train = vec![TaskHistory { user: UserIndex(0), events: history }];
        let split = UserSplit { train, test: vec![scored], ..UserSplit::default() };
        let error = write_episodes(Vec::new(), &data, &split).unwrap_err().to_string();
        assert_eq!(error, "user \"ann\" is in the parts train and test: expected one");
    }
}
