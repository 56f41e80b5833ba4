//! Reads and decodes photos for the engine: that of a claimed task, and that of the next task in advance.

use std::sync::Arc;

use cameo_core::codec::{self, Image};
use cameo_core::pipeline::{self, InFlight, PixelPermit, Recipe};
use cameo_store::{Task, TaskId, Worker};
use tokio::task::{AbortHandle, JoinHandle};

use super::context::WorkerContext;
use super::error::TaskError;
use super::progress::RunProgress;

/// A photo that is ready for the engine.
pub struct DecodedPhoto {
    pub image: InFlight<Image>,
    /// Held until the result is encoded.
    pub permit: PixelPermit,
}

/// A photo that is being read and decoded.
pub struct PhotoLoad {
    task: TaskId,
    pub progress: Arc<RunProgress>,
    /// It began before its task was claimed.
    pub prefetched: bool,
    photo: JoinHandle<Result<DecodedPhoto, TaskError>>,
}

impl PhotoLoad {
    fn start(context: &Arc<WorkerContext>, task: &Task, prefetched: bool) -> Self {
        let progress = Arc::new(RunProgress::default());
        let photo = tokio::spawn(load(context.clone(), task.id, task.recipe.clone(), progress.clone()));
        Self { task: task.id, progress, prefetched, photo }
    }

    /// Waits for the photo.
    pub async fn photo(self) -> Result<DecodedPhoto, TaskError> {
        self.photo.await?
    }

    /// Stops reading. A decoder that runs already finishes its photo, which is then dropped.
    fn cancel(self) {
        self.progress.cancel();
        self.photo.abort();
    }
}

/// Reads the photo of a task, waits for its share of the pixel budget, and decodes it.
async fn load(
    context: Arc<WorkerContext>,
    task: TaskId,
    recipe: String,
    progress: Arc<RunProgress>,
) -> Result<DecodedPhoto, TaskError> {
    let bytes = context.blobs.read(&Task::input_key(task)).await?.ok_or(TaskError::PhotoLost)?;
    let recipe: Recipe = serde_json::from_str(&recipe)?;
    let resolved = recipe.resolve(codec::header(&bytes, &context.limits.input)?, &context.limits)?;
    let permit = context.budget.acquire(resolved.pixels()).await;
    let decode = move || {
        let observer = Arc::new(move |stage| progress.begin_stage(stage));
        let image = pipeline::decode_input(&bytes, resolved, &context.limits, observer)?;
        Ok(DecodedPhoto { image, permit })
    };
    tokio::task::spawn_blocking(decode).await?
}

/// Loads the photo of a task that this worker will probably claim next, while the engine is busy.
///
/// The task is not claimed for that: another worker may claim it, and if this worker dies, the task has lost nothing.
/// An error while loading is reported once the task is claimed.
///
/// Each worker prefetches another one of the first tasks of the queue and prefers that task, so that photos are not
/// decoded twice. It may pass over the first task for that, but only once, so that tasks hardly change their order.
#[derive(Default)]
pub struct Prefetch {
    next: Option<PhotoLoad>,
    /// The first task of the queue, as far as this worker knows.
    first: Option<TaskId>,
    /// The task that was first when this worker claimed another one.
    passed_over: Option<TaskId>,
    /// Tells whether the photo of the task that was claimed last is loaded.
    claimed: Option<AbortHandle>,
}

/// The place of a worker among all workers.
#[derive(Debug, Clone, Copy)]
pub struct WorkerPlace {
    /// From 0 to the number of workers minus 1.
    rank: usize,
    workers: usize,
}

impl WorkerPlace {
    /// Returns the place of the worker `id`. A worker that is not registered has the first place.
    pub fn new(id: &str, workers: &[Worker]) -> Self {
        let rank = workers.iter().position(|worker| worker.id == id).unwrap_or(0);
        Self { rank, workers: workers.len().max(1) }
    }

    /// Returns how many tasks of the queue to look at: nearly always, one of them is this worker's own.
    pub fn tasks_to_look_at(self) -> u32 {
        if self.workers == 1 { 1 } else { 4 * self.workers as u32 }
    }

    /// Returns whether this worker is the one to prefetch a task. It stays so while the queue moves on.
    fn owns(self, task: &Task) -> bool {
        task.seq.unsigned_abs() % self.workers as u64 == self.rank as u64
    }
}

impl Prefetch {
    /// Returns whether a photo may be prefetched: only once the photo of the task claimed last is loaded. If the
    /// prefetched photo got the rest of the pixel budget first, both tasks would wait for each other forever.
    pub fn is_allowed(&self) -> bool {
        self.claimed.as_ref().is_some_and(AbortHandle::is_finished)
    }

    /// Loads the photo of this worker's own task instead of any other. `queue` has the first tasks of the queue.
    pub fn set_next(&mut self, context: &Arc<WorkerContext>, queue: &[Task], place: WorkerPlace) {
        self.first = queue.first().map(|task| task.id);
        let next = queue.iter().find(|task| place.owns(task)).or(queue.first());
        if self.next.as_ref().map(|load| load.task) == next.map(|task| task.id) {
            return;
        }
        self.clear();
        if let Some(task) = next {
            tracing::debug!(task = %task.id, "prefetching");
            self.next = Some(PhotoLoad::start(context, task, true));
        }
    }

    /// Returns the task to claim if it is still ready; `None` for the first one of the queue.
    pub fn preferred(&self) -> Option<TaskId> {
        let may_pass_over = self.passed_over.is_none() || self.passed_over != self.first;
        self.next.as_ref().map(|load| load.task).filter(|_| may_pass_over)
    }

    /// Returns the photo of a claimed task: the one that is being loaded already, or one whose loading starts now.
    pub fn take(&mut self, context: &Arc<WorkerContext>, task: &Task) -> PhotoLoad {
        self.passed_over = self.first.filter(|first| *first != task.id);
        if self.next.as_ref().is_some_and(|load| load.task != task.id) {
            self.clear();
        }
        let load = self.next.take().unwrap_or_else(|| PhotoLoad::start(context, task, false));
        self.claimed = Some(load.photo.abort_handle());
        load
    }

    /// Stops loading.
    pub fn clear(&mut self) {
        if let Some(load) = self.next.take() {
            load.cancel();
        }
    }
}
