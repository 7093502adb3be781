//! What is read and predicted of each task, row by row.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::data::{IndexedEvent, ItemIndex};
use crate::model::task::{Supervision, Targets, TaskEvents};
use crate::model::transformer::Settings;

/// What the rows of a batch are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predicts {
    /// Targets of their own, from every prefix of the context.
    FromEveryPrefix,
    /// Targets of their own, from the whole context.
    FromTheWhole,
    /// The likes of the first row one by one, and its ratings.
    LeftOut,
}

/// One row of a batch.
pub(super) struct Row<'a> {
    pub(super) context: Cow<'a, [IndexedEvent]>,
    pub(super) targets: &'a [IndexedEvent],
    passed_over: &'a [IndexedEvent],
}

impl<'a> Row<'a> {
    fn reading(context: &'a [IndexedEvent]) -> Self {
        Self { context: Cow::Borrowed(context), targets: &[], passed_over: &[] }
    }

    /// The rows of a task whose likes are to be predicted one by one, each from all other events. An item that is liked again is left out once, with all its
    /// events.
    fn left_out(context: &'a [IndexedEvent], settings: &Settings) -> Vec<Self> {
        let mut rows = vec![Self::reading(context)];
        let mut liked = HashSet::new();
        for (place, event) in context.iter().enumerate() {
            if settings.schema.likes.weight(event) > 0.0 && liked.insert(event.item) {
                let others = context.iter().filter(|other| other.item != event.item).copied().collect();
                let targets = &context[place..=place];
                rows.push(Self { context: Cow::Owned(others), targets, passed_over: &[] });
            }
        }
        rows
    }

    /// Items that are no candidates because the context has them or they were passed over; an item that comes back later is a candidate after all.
    pub(super) fn passed(&self) -> HashSet<ItemIndex> {
        if self.targets.is_empty() {
            return HashSet::new();
        }
        let later: HashSet<ItemIndex> = self.targets.iter().map(|event| event.item).collect();
        let gone = self.context.iter().chain(self.passed_over).map(|event| event.item);
        gone.filter(|item| !later.contains(item)).collect()
    }
}

/// The most recent events that the model reads.
fn recent<'a>(events: &'a [IndexedEvent], settings: &Settings) -> &'a [IndexedEvent] {
    &events[events.len().saturating_sub(settings.config.max_context)..]
}

/// The rows of each task, equally many, and what they are for.
pub(super) fn rows<'a>(
    tasks: &[TaskEvents<'a>],
    supervision: Supervision,
    settings: &Settings,
) -> (Vec<Vec<Row<'a>>>, Predicts) {
    let left_out = tasks.iter().any(|task| matches!(task.targets, Targets::Others));
    let mut rows: Vec<Vec<Row<'a>>> = tasks
        .iter()
        .map(|task| {
            let context = recent(task.context, settings);
            match task.targets {
                Targets::Others => Row::left_out(context, settings),
                Targets::Nothing => vec![Row::reading(context)],
                Targets::Later(targets) => {
                    vec![Row { context: Cow::Borrowed(context), targets, passed_over: task.passed_over }]
                }
            }
        })
        .collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(1);
    rows.iter_mut().for_each(|rows| rows.resize_with(most, || Row::reading(&[])));
    let predicts = match supervision {
        _ if left_out => Predicts::LeftOut,
        Supervision::EveryPrefix => Predicts::FromEveryPrefix,
        Supervision::WholeContext => Predicts::FromTheWhole,
    };
    (rows, predicts)
}
