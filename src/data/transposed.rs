//! Users and items change places.

use std::collections::HashSet;

use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::ids::{ItemIndex, UserIndex};
use crate::data::users::UserTable;

/// A column with more different texts than this says who a user is rather than what kind of user.
const MOST_VALUES: usize = 64;

impl Dataset {
    /// The same events with users and items in each other's place: its "users" are the items and its "catalogue" are the users. So
    /// whatever serves a new user serves a new item: whom to show it to, from the first users who met it.
    ///
    /// - Ids are kept, and indices too: item 7 becomes user 7, user 3 becomes item 3.
    /// - Events keep action, value and time. Histories are in time order, by the same rule; events of unknown time come first, in
    ///   the order of users, as the order of arrival is known within each user alone.
    /// - Columns of users become categories of the catalogue, named `column=text`, where a column has no more than 64 different
    ///   texts. Titles, texts and categories of items become columns of users, categories joined by `|`. Vectors are not kept.
    /// - The rule of likes is kept. A pinned split is not, as it holds out users: [`Dataset::split`] holds out items here.
    ///
    /// Costs a sort of all events and a copy of all ids.
    ///
    /// ```
    /// use metarec::data::{Event, ItemIndex, UserIndex, from_events};
    ///
    /// let events = [("ann", "jaws", 20), ("bob", "jaws", 10), ("bob", "heat", 30)];
    /// let data = from_events(events.map(|(user, item, time)| (user, Event::click(item).at(time))))?;
    /// let items = data.transposed();
    /// assert_eq!(items.users().ids(), ["jaws", "heat"]);
    /// let met: Vec<&str> = items.history(UserIndex(0)).iter().map(|event| items.catalogue().id(event.item)).collect();
    /// assert_eq!(met, ["bob", "ann"]);
    /// # Ok::<(), metarec::data::DataError>(())
    /// ```
    #[must_use]
    pub fn transposed(&self) -> Dataset {
        let mut builder = DatasetBuilder::new();
        let kinds = self.kinds();
        for user in self.all_users() {
            let categories = self.users.row(user).into_iter().flatten().zip(&kinds);
            let categories = categories
                .filter_map(|(text, kind)| kind.map(|column| format!("{column}={text}")).filter(|_| !text.is_empty()));
            let categories: Vec<String> = categories.collect();
            builder.catalogue_mut().describe(self.users.id(user), "", "", categories.iter().map(String::as_str));
        }
        for item in (0..).map(ItemIndex).take(self.catalogue.len()) {
            self.describe_item(item, &mut builder.users);
        }
        for user in self.all_users() {
            let id = self.users.id(user);
            for event in self.history(user) {
                let item = self.catalogue.id(event.item);
                builder.push_checked(item, id, event.action, event.value, event.timestamp);
            }
        }
        let mut data = builder.build();
        data.set_like_rule(self.likes.clone());
        data
    }

    fn all_users(&self) -> impl Iterator<Item = UserIndex> + use<> {
        (0..).map(UserIndex).take(self.users.len())
    }

    /// For each column of users its name, if its texts are few.
    fn kinds(&self) -> Vec<Option<&str>> {
        let rows = || self.all_users().filter_map(|user| self.users.row(user));
        let texts = |column: usize| rows().map(|row| row[column].as_str()).collect::<HashSet<_>>();
        let few = |column| texts(column).into_iter().filter(|text| !text.is_empty()).count() <= MOST_VALUES;
        self.users.columns().iter().enumerate().map(|(column, name)| few(column).then_some(name.as_str())).collect()
    }

    /// Adds the item to the users, with what is known of it.
    fn describe_item(&self, index: ItemIndex, users: &mut UserTable) {
        let (id, item) = (self.catalogue.id(index), self.catalogue.item(index));
        let names = self.catalogue.categories();
        let categories: Vec<&str> = item.categories.iter().map(|&code| names[code as usize].as_str()).collect();
        let categories = categories.join("|");
        let cells = [("title", item.title.as_str()), ("text", item.text.as_str()), ("categories", &categories)];
        if cells.iter().all(|(_, text)| text.is_empty()) {
            users.insert(id);
        } else {
            users.describe(id, cells);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, IndexedEvent, LikeRule};
    use proptest::prelude::*;

    #[test]
    fn what_is_known_changes_places_too() {
        let mut builder = DatasetBuilder::new();
        builder.catalogue_mut().describe("50", "Star Wars", "", ["Action", "Sci-Fi"]);
        builder.catalogue_mut().insert("51");
        builder.describe_user("ann", [("gender", "F"), ("zip", "")]).unwrap();
        builder.push("bob", &Event::rating("50", 4.0)).unwrap();
        let mut data = builder.build();
        data.set_like_rule(LikeRule { threshold: Some(3.0), ..LikeRule::default() });
        let items = data.transposed();
        assert_eq!(items.users().columns(), ["title", "text", "categories"]);
        assert_eq!(items.users().row(UserIndex(0)).unwrap(), ["Star Wars", "", "Action|Sci-Fi"]);
        assert_eq!(items.users().row(UserIndex(1)), None);
        assert_eq!(items.catalogue().categories(), ["gender=F"]);
        assert_eq!(items.catalogue().ids(), ["ann", "bob"]);
        assert_eq!(items.like_rule(), data.like_rule());
        assert!(items.history(UserIndex(1)).is_empty());
    }

    #[test]
    fn a_column_of_too_many_texts_is_no_kind() {
        let kinds = |users: usize| {
            let mut builder = DatasetBuilder::new();
            for user in 0..users {
                let zip = user.to_string();
                builder.describe_user(&format!("u{user}"), [("zip", zip.as_str())]).unwrap();
            }
            builder.build().transposed().catalogue().categories().len()
        };
        assert_eq!((kinds(MOST_VALUES), kinds(MOST_VALUES + 1)), (MOST_VALUES, 0));
    }

    /// All events as text, sorted.
    fn sorted(of: impl Iterator<Item = (u32, IndexedEvent)>) -> Vec<String> {
        let mut all: Vec<String> = of.map(|(user, event)| format!("{user} {event:?}")).collect();
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn every_event_changes_places_and_twice_is_where_it_was(
            raw in proptest::collection::vec((0u8..5, 0u8..6, proptest::option::of(0i64..9)), 0..60),
        ) {
            let event = |item: u8, time| Event { timestamp: time, ..Event::click(format!("i{item}")) };
            let events = raw.iter().map(|&(user, item, time)| (format!("u{user}"), event(item, time)));
            let data = crate::data::from_events(events).unwrap();
            let all = |data: &Dataset| -> Vec<(u32, IndexedEvent)> {
                let of = |user: UserIndex| data.history(user).iter().map(move |event| (user.0, *event)).collect::<Vec<_>>();
                data.all_users().flat_map(of).collect()
            };
            let items = data.transposed();
            prop_assert_eq!(items.users().ids(), data.catalogue().ids());
            prop_assert_eq!(items.catalogue().ids(), data.users().ids());
            for item in items.all_users() {
                prop_assert!(items.history(item).is_sorted_by_key(|event| event.timestamp));
            }
            let swapped = all(&items).into_iter().map(|(item, event)| (event.item.0, IndexedEvent { item: ItemIndex(item), ..event }));
            prop_assert_eq!(sorted(swapped), sorted(all(&data).into_iter()));
            let known = |data: &Dataset| all(data).into_iter().filter(|(_, event)| event.timestamp.is_some()).collect::<Vec<_>>();
            prop_assert_eq!(known(&items.transposed()), known(&data), "events of known time are even in the same order");
        }
    }
}
