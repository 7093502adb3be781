//! Some users' events as tensors.

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use metarec::data::{IndexedEvent, LikeRule};
use metarec::model::{Supervision, Targets, TaskBatch, TaskEvents};

/// Added to the score of an item that is no candidate.
const NEVER: f32 = -1e4;

/// Some users' events: what they did, and what is to be predicted from which of it, in `rows` predictions a user. The first prediction is from
/// everything that is read, which is what serving needs.
#[derive(Clone, Debug)]
pub struct TasteBatch {
    /// `[tasks, shots]`.
    pub(crate) items: Tensor<2, Int>,
    /// How much each liked event counts in each prediction, `[tasks, rows, shots]`.
    pub(crate) liked: Tensor<3>,
    /// The same of events that are no likes.
    pub(crate) other: Tensor<3>,
    /// How much each item counts as a target, `[tasks, rows, items]`.
    pub(crate) targets: Tensor<3>,
    /// Added to scores, `[tasks, rows, items]`.
    pub(crate) excluded: Tensor<3>,
}

/// One prediction.
#[derive(Default)]
struct Row {
    /// Which events are read, by their places.
    reads: Vec<usize>,
    /// Items that are to be predicted, and how much each counts.
    targets: Vec<(usize, f32)>,
    /// Items that are no candidates.
    gone: Vec<usize>,
}

fn item(event: &IndexedEvent) -> usize {
    event.item.position()
}

/// What is to be predicted for one user, who is read as `context`.
fn rows(task: &TaskEvents<'_>, context: &[IndexedEvent], supervision: Supervision, likes: &LikeRule) -> Vec<Row> {
    let whole = || Row { reads: (0..context.len()).collect(), ..Row::default() };
    match task.targets {
        Targets::Nothing => vec![whole()],
        // Each liked item from the events of all other items.
        Targets::Others => {
            let mut rows = vec![whole()];
            for (place, event) in context.iter().enumerate().filter(|(_, event)| likes.is_like(event)) {
                if context[..place].iter().any(|earlier| earlier.item == event.item && likes.is_like(earlier)) {
                    continue;
                }
                let others = (0..context.len()).filter(|&other| context[other].item != event.item);
                let reads: Vec<usize> = others.collect();
                let gone = reads.iter().map(|&other| item(&context[other])).collect();
                rows.push(Row { reads, targets: vec![(item(event), likes.weight(event))], gone });
            }
            rows
        }
        Targets::Later(later) => {
            let shortest = if supervision == Supervision::EveryPrefix { 0 } else { context.len() };
            let share = 1.0 / (context.len() - shortest + 1) as f32;
            let comes_back = |event: &&IndexedEvent| later.iter().any(|target| target.item == event.item);
            let known = context.iter().chain(task.passed_over);
            let gone: Vec<usize> = known.filter(|event| !comes_back(event)).map(item).collect();
            let targets: Vec<_> = later.iter().map(|event| (item(event), share * likes.weight(event))).collect();
            let prefixes = (shortest..=context.len()).rev();
            prefixes
                .map(|end| Row { reads: (0..end).collect(), targets: targets.clone(), gone: gone.clone() })
                .collect()
        }
    }
}

impl TasteBatch {
    /// Of a context that is longer than `most`, the last events are read.
    pub(crate) fn new(
        tasks: &[TaskEvents<'_>],
        supervision: Supervision,
        (likes, items, most): (&LikeRule, usize, usize),
        device: &Device,
    ) -> Self {
        let recent = |task: &TaskEvents<'_>| task.context.len().saturating_sub(most);
        let contexts: Vec<&[IndexedEvent]> = tasks.iter().map(|task| &task.context[recent(task)..]).collect();
        let predicted: Vec<Vec<Row>> =
            tasks.iter().zip(&contexts).map(|(task, context)| rows(task, context, supervision, likes)).collect();
        let shots = contexts.iter().map(|context| context.len()).max().unwrap_or(0).max(1);
        let wide = predicted.iter().map(Vec::len).max().unwrap_or(1);
        let mut read = vec![0_i32; tasks.len() * shots];
        let (mut liked, mut other) = (vec![0.0_f32; read.len() * wide], vec![0.0_f32; read.len() * wide]);
        let mut targets = vec![0.0_f32; tasks.len() * wide * items];
        let mut excluded = targets.clone();
        for (task, (context, rows)) in contexts.iter().zip(&predicted).enumerate() {
            context.iter().enumerate().for_each(|(place, event)| read[task * shots + place] = item(event) as i32);
            for (at, row) in (task * wide..).zip(rows) {
                // A mean that one event does not dominate.
                let share = 1.0 / (row.reads.len() + 1) as f32;
                for &place in &row.reads {
                    let weight = likes.weight(&context[place]);
                    let column = if weight > 0.0 { &mut liked } else { &mut other };
                    column[at * shots + place] = if weight > 0.0 { share * weight } else { share };
                }
                row.gone.iter().for_each(|gone| excluded[at * items + gone] = NEVER);
                row.targets.iter().for_each(|(target, weight)| targets[at * items + target] += weight);
            }
        }
        let upload = |values, width| Tensor::from_data(TensorData::new(values, [tasks.len(), wide, width]), device);
        Self {
            items: Tensor::from_data(TensorData::new(read, [tasks.len(), shots]), device),
            liked: upload(liked, shots),
            other: upload(other, shots),
            targets: upload(targets, items),
            excluded: upload(excluded, items),
        }
    }

    fn each(&self, items: impl Fn(Tensor<2, Int>) -> Tensor<2, Int>, rows: impl Fn(Tensor<3>) -> Tensor<3>) -> Self {
        Self {
            items: items(self.items.clone()),
            liked: rows(self.liked.clone()),
            other: rows(self.other.clone()),
            targets: rows(self.targets.clone()),
            excluded: rows(self.excluded.clone()),
        }
    }
}

impl TaskBatch for TasteBatch {
    fn tasks(&self) -> usize {
        self.items.dims()[0]
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        self.each(|items| items.narrow(0, start, tasks), |rows| rows.narrow(0, start, tasks))
    }

    fn to_device(self, device: &Device) -> Self {
        self.each(|items| items.to_device(device), |rows| rows.to_device(device))
    }
}
