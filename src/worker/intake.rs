//! A task's photo on its way from the store to the engine.

use std::sync::Arc;

use cameo_tasks::{Task, TaskId};
use tokio::task::{AbortHandle, JoinHandle};

use super::failure::{failed, stored};
use super::progress::Track;
use super::run::Plan;
use crate::codec::{self, Image};
use crate::error::{Error, Result};
use crate::pipeline::{self, Parcel, Recipe, Share};

/// A photo that is being read and decoded.
pub struct Intake {
    task: TaskId,
    /// Of the task's stages, the first of which is here.
    pub track: Arc<Track>,
    /// Whether it began before the task was claimed.
    pub ahead: bool,
    photo: JoinHandle<Result<Photo>>,
}

/// A photo that the engine can begin with.
pub struct Photo {
    pub parcel: Parcel<Image>,
    pub recipe: Recipe,
    /// Of the budget, until the result is written.
    pub share: Share,
}

impl Intake {
    /// Begins to read the photo of `task`, and to decode it on a thread that may block.
    fn start(plan: &Arc<Plan>, task: &Task) -> Self {
        let track = Arc::new(Track::default());
        let (plan, key, recipe, enters) = (plan.clone(), Task::input(task.id), task.recipe.clone(), track.clone());
        let photo = tokio::spawn(async move {
            let bytes = plan.blobs.bytes(&key).await.map_err(stored)?;
            let bytes = bytes.ok_or_else(|| Error::Undecodable("the photo is gone".into()))?;
            let decode = move || {
                let unreadable = |error| Error::BadRecipe(format!("the recipe cannot be read: {error}"));
                let recipe: Recipe = serde_json::from_str(&recipe).map_err(unreadable)?;
                let Plan { bounds, budget, .. } = &*plan;
                let size = codec::header_of(&bytes, &bounds.input)?;
                let share = budget.take(pipeline::pixels(size, &recipe, bounds).unwrap_or(u64::MAX));
                let watch = Arc::new(move |stage| enters.enter(stage));
                let parcel = pipeline::read(&bytes, &recipe, bounds, watch)?;
                Ok(Photo { parcel, recipe, share })
            };
            tokio::task::spawn_blocking(decode).await.unwrap_or_else(|error| Err(failed(error)))
        });
        Self { task: task.id, track, ahead: false, photo }
    }

    pub async fn photo(self) -> Result<Photo> {
        self.photo.await.unwrap_or_else(|error| Err(failed(error)))
    }

    /// Gives it up. A thread that decodes already comes to its end, and one that waits for the budget decodes nothing.
    fn abandon(self) {
        self.track.stop();
        self.photo.abort();
    }
}

/// The photo of the task that will likely be claimed next, read while none can be. The task is not claimed for that:
/// another worker may have it, and if this one dies, nothing has happened to it. Whether its photo can be read is told
/// once the task is claimed.
#[derive(Default)]
pub struct Ahead {
    next: Option<Intake>,
    /// Tells when the photo of the task that was claimed last is read.
    last: Option<AbortHandle>,
}

impl Ahead {
    /// Whether a photo may be read ahead: not while that of a claimed task is, which must get its pixels of the budget
    /// first, as the other gives its own back only after it.
    pub fn may_look(&self) -> bool {
        self.last.as_ref().is_some_and(AbortHandle::is_finished)
    }

    /// Reads the photo of the task that is next now, if there is one, instead of another.
    pub fn look(&mut self, plan: &Arc<Plan>, task: Option<&Task>) {
        if self.next.as_ref().map(|intake| intake.task) == task.map(|task| task.id) {
            return;
        }
        self.forget();
        self.next = task.map(|task| Intake { ahead: true, ..Intake::start(plan, task) });
    }

    /// The photo of `task`, which was claimed: the one that is being read already, or begun now.
    pub fn take(&mut self, plan: &Arc<Plan>, task: &Task) -> Intake {
        if self.next.as_ref().is_some_and(|intake| intake.task != task.id) {
            self.forget();
        }
        let intake = self.next.take().unwrap_or_else(|| Intake::start(plan, task));
        self.last = Some(intake.photo.abort_handle());
        intake
    }

    /// Nothing is next.
    pub fn forget(&mut self) {
        if let Some(intake) = self.next.take() {
            intake.abandon();
        }
    }
}
