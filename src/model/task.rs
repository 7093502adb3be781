//! Tasks as tensors.

use burn::tensor::Device;

use crate::data::IndexedEvent;

/// Tensors of some tasks, which are the leading dimension of each; padded and masked to a common length.
///
/// A batch lives on the plain device, without a graph. It can be cut along its tasks, which is how a meta-batch is spread over threads and how learners
/// that keep one set of fast weights a task go through it.
pub trait TaskBatch: Clone + Send + Sync + 'static {
    /// How many tasks there are.
    fn tasks(&self) -> usize;

    /// The tasks `start..start + tasks`, on the same device.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    fn narrow(&self, start: usize, tasks: usize) -> Self;

    /// The same tasks on another device.
    #[must_use]
    fn to_device(self, device: &Device) -> Self;

    /// The same tasks with regularising noise (dropout) that is a pure function of `seed` and of the whole batch: a part of the batch has other noise.
    ///
    /// Models without noise need not override this. A batch never has noise unless this was called, and training calls it for query sets alone: steps on
    /// support sets are deterministic.
    #[must_use]
    fn with_noise(self, seed: u64) -> Self {
        let _ = seed;
        self
    }
}

/// What one outer step learns from: for each task what adaptation sees, and what the adapted model is scored on.
#[derive(Clone, Debug)]
pub struct MetaBatch<B> {
    /// What adaptation sees.
    pub support: B,
    /// What the outer loss sees. Where a model reads its support in context, the batch carries that context as well.
    pub query: B,
}

impl<B: TaskBatch> MetaBatch<B> {
    /// How many tasks there are.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.support.tasks()
    }

    /// The tasks `start..start + tasks`.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn narrow(&self, start: usize, tasks: usize) -> Self {
        Self { support: self.support.narrow(start, tasks), query: self.query.narrow(start, tasks) }
    }
}

/// The events of one task that a model is to turn into tensors.
#[derive(Clone, Copy, Debug)]
pub struct TaskEvents<'a> {
    /// What the model reads, in time order.
    pub context: &'a [IndexedEvent],
    /// What it is to predict.
    pub targets: Targets<'a>,
    /// Events that are neither: their items count neither for nor against a prediction.
    pub passed_over: &'a [IndexedEvent],
    /// What else is known of whose events they are: codes of a [`ProfileSchema`](crate::data::ProfileSchema), ascending. A model that reads no profiles passes them by.
    pub profile: &'a [u32],
}

impl<'a> TaskEvents<'a> {
    /// A support set that is read, and of which nothing is to be predicted.
    #[must_use]
    pub fn context(events: &'a [IndexedEvent]) -> Self {
        Self { context: events, targets: Targets::Nothing, passed_over: &[], profile: &[] }
    }

    /// A support set to take gradient steps on: each event is predicted from the others.
    #[must_use]
    pub fn support(events: &'a [IndexedEvent]) -> Self {
        Self { context: events, targets: Targets::Others, passed_over: &[], profile: &[] }
    }

    /// A query set that is predicted from a support set.
    #[must_use]
    pub fn query(support: &'a [IndexedEvent], query: &'a [IndexedEvent]) -> Self {
        Self { context: support, targets: Targets::Later(query), passed_over: &[], profile: &[] }
    }

    /// The same task of somebody of whom these codes are known.
    #[must_use]
    pub fn known_as(mut self, profile: &'a [u32]) -> Self {
        self.profile = profile;
        self
    }

    /// The same task without these events' items among the candidates. Only [`Targets::Later`] has candidates to take them from.
    #[must_use]
    pub fn passing_over(mut self, events: &'a [IndexedEvent]) -> Self {
        self.passed_over = events;
        self
    }
}

/// What a model is to predict from the context of a task.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// Nothing: the loss is 0.
    Nothing,
    /// Each event of the context, from the *other* events of the context, later ones included. A model that reads no context predicts each from
    /// nothing but its own parameters.
    Others,
    /// These events, from the context.
    Later(&'a [IndexedEvent]),
}

/// What a learner does with a support set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupportUse {
    /// It is read: batches of it have [`Targets::Nothing`].
    Read,
    /// Steps are taken on its loss: batches of it have [`Targets::Others`].
    Descended,
}

impl SupportUse {
    /// A support set as such a learner needs it.
    #[must_use]
    pub fn of<'a>(self, events: &'a [IndexedEvent]) -> TaskEvents<'a> {
        match self {
            Self::Read => TaskEvents::context(events),
            Self::Descended => TaskEvents::support(events),
        }
    }
}

/// From how much of the context a model predicts [`Targets::Later`] when it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervision {
    /// From every prefix, the empty one included: one pass trains all numbers of shots at once. For models that read their support in context.
    EveryPrefix,
    /// From the whole context. For learners that have moved weights on all of it.
    WholeContext,
}
