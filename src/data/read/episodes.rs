//! `episodes.csv`: a split that is pinned row by row.

use std::collections::HashMap;
use std::io::Read;

use super::row::Row;
use super::row_errors::OnRowError;
use super::table::Table;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::{Action, IndexedEvent};
use crate::data::ids::UserIndex;
use crate::data::split::{HeldOutUser, TaskHistory, UserSplit};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Valid,
    Test,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Support,
    Query,
}

/// What was read of one user so far.
struct Draft {
    user: UserIndex,
    part: Part,
    support: Vec<IndexedEvent>,
    query: Vec<IndexedEvent>,
}

impl Draft {
    fn last(&self) -> Option<&IndexedEvent> {
        self.query.last().or(self.support.last())
    }
}

/// The columns that the file must or may have.
struct Columns {
    user: usize,
    item: usize,
    value: Option<usize>,
    action: Option<usize>,
    timestamp: usize,
    role: usize,
    split: usize,
}

/// Reads the split that a table pins. In each part users are in the order in which they first appear.
pub(super) fn read_episodes<R: Read>(table: Table<R>, data: &Dataset) -> Result<UserSplit, DataError> {
    let columns = Columns {
        user: table.column("user")?,
        item: table.column("item")?,
        value: table.find("value"),
        action: table.find("action"),
        timestamp: table.column("timestamp")?,
        role: table.column("role")?,
        split: table.column("split")?,
    };
    let mut drafts: Vec<Draft> = Vec::new();
    let mut places: HashMap<UserIndex, usize> = HashMap::new();
    table.for_each(OnRowError::Fail, |row| {
        let (user, event) = event(row, &columns, data)?;
        let (role, part) = (role(row, columns.role)?, part(row, columns.split)?);
        let place = *places.entry(user).or_insert(drafts.len());
        if place == drafts.len() {
            drafts.push(Draft { user, part, support: Vec::new(), query: Vec::new() });
        }
        add(&mut drafts[place], part, role, event, row, &columns)
    })?;
    Ok(assemble(drafts))
}

fn event(row: &Row<'_>, columns: &Columns, data: &Dataset) -> Result<(UserIndex, IndexedEvent), DataError> {
    let find = |id, column: usize| data.users().find(id).ok_or_else(|| row.error(column, "a user of interactions.csv"));
    let user = find(row.id(columns.user)?, columns.user)?;
    let item = data.catalogue().find(row.id(columns.item)?);
    let item = item.ok_or_else(|| row.error(columns.item, "an item of interactions.csv or items.csv"))?;
    let value = row.value(columns.value)?;
    let timestamp = row.time(Some(columns.timestamp))?;
    let known = || {
        let history = data.history(user);
        let from = history.partition_point(|event| event.timestamp < timestamp);
        let same_time = history[from..].iter().take_while(|event| event.timestamp == timestamp);
        same_time.filter(|event| event.item == item).map(|event| event.action).next()
    };
    let implied = if value.is_some() { Action::Rating } else { Action::Click };
    let action = row.action(columns.action)?.or_else(known).unwrap_or(implied);
    Ok((user, IndexedEvent { item, action, value, timestamp }))
}

fn role(row: &Row<'_>, column: usize) -> Result<Role, DataError> {
    match row.cell(column) {
        "support" => Ok(Role::Support),
        "query" => Ok(Role::Query),
        _ => Err(row.error(column, "support or query")),
    }
}

fn part(row: &Row<'_>, column: usize) -> Result<Part, DataError> {
    match row.cell(column) {
        "train" => Ok(Part::Train),
        "valid" => Ok(Part::Valid),
        "test" => Ok(Part::Test),
        _ => Err(row.error(column, "train, valid or test")),
    }
}

/// Adds one event to its user after checking that it fits what came before.
fn add(
    draft: &mut Draft,
    part: Part,
    role: Role,
    event: IndexedEvent,
    row: &Row<'_>,
    columns: &Columns,
) -> Result<(), DataError> {
    if draft.part != part {
        return Err(row.error(columns.split, "the same split as in this user's earlier rows"));
    }
    if part == Part::Train && role == Role::Query {
        return Err(row.error(columns.role, "support, as for all events of training users"));
    }
    if role == Role::Support && !draft.query.is_empty() {
        return Err(row.error(columns.role, "query, as in this user's earlier row"));
    }
    if draft.last().is_some_and(|last| last.timestamp > event.timestamp) {
        return Err(row.error(columns.timestamp, "a time not before that of this user's earlier row"));
    }
    match role {
        Role::Support => draft.support.push(event),
        Role::Query => draft.query.push(event),
    }
    Ok(())
}

fn assemble(drafts: Vec<Draft>) -> UserSplit {
    let mut split = UserSplit::default();
    for Draft { user, part, support, query } in drafts {
        match part {
            Part::Train => split.train.push(TaskHistory { user, events: support }),
            Part::Valid => split.valid.push(HeldOutUser { user, pool: support, query }),
            Part::Test => split.test.push(HeldOutUser { user, pool: support, query }),
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::super::table::Format;
    use super::*;
    use crate::data::{Event, from_events};

    fn read(rows: &str) -> Result<UserSplit, String> {
        let data = from_events([
            ("u", Event::purchase("a").at(1)),
            ("u", Event::rating("b", 2.0).at(2)),
            ("v", Event::click("a").at(3)),
        ])
        .unwrap();
        let text = format!("user,item,value,timestamp,role,split\n{rows}");
        let table = Table::new("episodes.csv".into(), text.as_bytes(), Format::CSV).unwrap();
        read_episodes(table, &data).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_become_histories_pools_and_queries() {
        let split = read("u,a,,1,support,test\nv,a,5,3,support,train\nu,b,2,2,query,test\n").unwrap();
        assert_eq!((split.train.len(), split.valid.len(), split.test.len()), (1, 0, 1));
        let held = &split.test[0];
        assert_eq!((held.user, held.pool.len(), held.query.len()), (UserIndex(0), 1, 1));
    }

    #[test]
    fn the_action_is_that_of_the_same_event_in_the_data() {
        let split = read("u,a,,1,support,test\nu,b,2,2,support,test\nv,b,5,3,support,train\n").unwrap();
        let actions: Vec<Action> = split.test[0].pool.iter().map(|event| event.action).collect();
        assert_eq!(actions, [Action::Purchase, Action::Rating]);
        assert_eq!(split.train[0].events[0].action, Action::Rating);
    }

    #[test]
    fn what_contradicts_itself_is_an_error() {
        for (rows, expected) in [
            ("u,a,1,1,suport,test\n", r#"line 2, column "role": "suport": expected support or query"#),
            ("u,a,1,1,support,exam\n", r#"line 2, column "split": "exam": expected train, valid or test"#),
            ("w,a,1,1,support,test\n", r#"line 2, column "user": "w": expected a user of interactions.csv"#),
            (
                "u,z,1,1,support,test\n",
                r#"line 2, column "item": "z": expected an item of interactions.csv or items.csv"#,
            ),
            (
                "u,a,1,1,query,train\n",
                r#"line 2, column "role": "query": expected support, as for all events of training users"#,
            ),
            (
                "u,a,1,1,support,test\nu,b,1,2,support,train\n",
                r#"line 3, column "split": "train": expected the same split as in this user's earlier rows"#,
            ),
            (
                "u,a,1,1,query,test\nu,b,1,2,support,test\n",
                r#"line 3, column "role": "support": expected query, as in this user's earlier row"#,
            ),
            (
                "u,a,1,2,support,test\nu,b,1,1,query,test\n",
                r#"line 3, column "timestamp": "1": expected a time not before that of this user's earlier row"#,
            ),
            ("", "empty: expected at least one row"),
        ] {
            let error = read(rows).unwrap_err();
            assert!(error.starts_with("episodes.csv") && error.ends_with(expected), "{error}");
        }
    }
}
