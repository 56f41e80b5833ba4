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

/// A photo that is read and decoded.
pub struct Reading {
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

impl Reading {
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
}

/// The photo of the task that will likely be claimed next, read while the engine is busy with another. The task is not
/// claimed for that: another worker may have it, and if this one dies, nothing has happened to it.
#[derive(Default)]
pub struct Ahead {
    next: Option<Reading>,
    /// Tells when the photo of the task that was claimed last is read.
    last: Option<AbortHandle>,
}

impl Ahead {
    /// Whether a photo may be read ahead. Not while a claimed task's is read: that one must get its pixels of the budget
    /// first, as the other gives its back only after it.
    pub fn is_wanted(&self) -> bool {
        self.next.is_none() && self.last.as_ref().is_some_and(AbortHandle::is_finished)
    }

    pub fn read(&mut self, plan: &Arc<Plan>, task: &Task) {
        self.next = Some(Reading { ahead: true, ..Reading::start(plan, task) });
    }

    /// The photo of `task`, which was claimed: the one that is read already, or begun now.
    pub fn take(&mut self, plan: &Arc<Plan>, task: &Task) -> Reading {
        let ahead = self.next.take().filter(|ahead| ahead.task == task.id);
        let reading = ahead.unwrap_or_else(|| Reading::start(plan, task));
        self.last = Some(reading.photo.abort_handle());
        reading
    }

    /// Nothing is next.
    pub fn forget(&mut self) {
        self.next = None;
    }
}
