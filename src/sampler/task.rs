//! What the task of an episode is.

use serde::{Deserialize, Serialize};

use crate::data::{ItemIndex, UserIndex};

/// What the task of an episode is: whose or which events it was drawn from.
///
/// Training does not look at it; it is for looking an episode up, and for telling tasks apart in tests and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskId {
    /// One user's whole history.
    User(UserIndex),
    /// One item's whole history: who met it, and when. Its events name *users* where others name items: see
    /// [`Dataset::transposed`](crate::data::Dataset::transposed).
    Item(ItemIndex),
    /// What users of one group have in common, by the number of the group.
    Group(u32),
    /// One session of a user.
    Session {
        /// Whose session.
        user: UserIndex,
        /// Which of the user's sessions, from 0 in time order.
        number: u32,
    },
    /// What one user did within one category of the catalogue.
    Slice {
        /// Whose events.
        user: UserIndex,
        /// Code of the category: its place in [`Catalogue::categories`](crate::data::Catalogue::categories).
        category: u32,
    },
    /// A task of another crate's sampler, by a number of its own.
    Other(u64),
}

impl TaskId {
    /// The user whose events these are, where they are one user's.
    #[must_use]
    pub fn user(self) -> Option<UserIndex> {
        match self {
            Self::User(user) | Self::Session { user, .. } | Self::Slice { user, .. } => Some(user),
            Self::Item(_) | Self::Group(_) | Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tasks_of_one_user_have_a_user() {
        let user = UserIndex(3);
        for task in [TaskId::User(user), TaskId::Session { user, number: 1 }, TaskId::Slice { user, category: 2 }] {
            assert_eq!(task.user(), Some(user));
        }
        for task in [TaskId::Item(ItemIndex(3)), TaskId::Group(3), TaskId::Other(3)] {
            assert_eq!(task.user(), None);
        }
    }

    #[test]
    fn a_task_id_survives_json() {
        let task = TaskId::Session { user: UserIndex(3), number: 1 };
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(text, r#"{"session":{"user":3,"number":1}}"#);
        assert_eq!(serde_json::from_str::<TaskId>(&text).unwrap(), task);
    }
}
