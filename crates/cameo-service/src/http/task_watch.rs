//! Tells those who watch a task of each change, whichever process makes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cameo_store::{Result, Store, TaskId};
use tokio::sync::watch;

use super::queued_task::{QueuedTask, with_positions};

/// How often the store is asked for the watched tasks: a watcher learns of a change at most this much late.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// A task as it was last seen; `None` if it does not exist.
pub type SeenTask = Option<Arc<QueuedTask>>;

/// Looks at the watched tasks, all of them at once and each of them once, however many watch it.
pub struct TaskWatch {
    store: Arc<dyn Store>,
    watched: Mutex<HashMap<TaskId, watch::Sender<SeenTask>>>,
    /// Held from a look at the store until it is published, so that no older one is published later.
    look: tokio::sync::Mutex<()>,
}

impl TaskWatch {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, watched: Mutex::default(), look: tokio::sync::Mutex::default() }
    }

    /// Returns a receiver that is notified of each change of a task, and at once of its present state.
    pub async fn watch(&self, id: TaskId) -> Result<watch::Receiver<SeenTask>> {
        let mut receiver = self.watched().entry(id).or_insert_with(|| watch::Sender::new(None)).subscribe();
        self.look_at(vec![id]).await?;
        receiver.mark_changed();
        Ok(receiver)
    }

    /// Looks at the watched tasks again and again. Never returns.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(LOOK_PERIOD).await;
            let ids = self.watched_ids();
            if !ids.is_empty()
                && let Err(error) = self.look_at(ids).await
            {
                tracing::warn!(%error, "the watched tasks cannot be read: trying again");
            }
        }
    }

    async fn look_at(&self, ids: Vec<TaskId>) -> Result<()> {
        let _look = self.look.lock().await;
        let tasks = with_positions(&*self.store, self.store.tasks(ids.clone()).await?).await?;
        let mut seen: HashMap<TaskId, QueuedTask> = tasks.into_iter().map(|queued| (queued.task.id, queued)).collect();
        let watched = self.watched();
        for id in ids {
            let task = seen.remove(&id);
            if let Some(sender) = watched.get(&id) {
                sender.send_if_modified(|last| {
                    let has_changed = last.as_deref() != task.as_ref();
                    if has_changed {
                        *last = task.map(Arc::new);
                    }
                    has_changed
                });
            }
        }
        Ok(())
    }

    /// Returns the tasks that somebody watches, and forgets the others.
    fn watched_ids(&self) -> Vec<TaskId> {
        let mut watched = self.watched();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.keys().copied().collect()
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<TaskId, watch::Sender<SeenTask>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cameo_store::{Accounts, NewTask, Queue, QueueLimits, Sqlite, TaskStatus, Tasks};

    use super::*;

    const LIMITS: QueueLimits = QueueLimits { tasks: 9, pixels: 9, tasks_per_user: 9 };

    fn open(folder: &Path) -> Sqlite {
        Sqlite::open(&folder.join("cameo.sqlite")).unwrap()
    }

    async fn submit(store: &Sqlite, owner: i64) -> TaskId {
        let (id, operation, recipe) = (TaskId::new_v4(), "combo".into(), "{}".into());
        let task = NewTask { id, owner, operation, recipe, pixels: 1, idempotency: None };
        store.submit(task, LIMITS, 0).await.unwrap();
        id
    }

    #[tokio::test]
    async fn watchers_of_a_task_learn_of_its_changes_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = open(folder.path());
        let ann = other.add_user("ann", "hash", false, 0).await.unwrap().id;
        let (first, second) = (submit(&other, ann).await, submit(&other, ann).await);
        let tasks = TaskWatch::new(Arc::new(open(folder.path())));
        let mut watchers = [tasks.watch(first).await.unwrap(), tasks.watch(first).await.unwrap()];
        let mut of_second = tasks.watch(second).await.unwrap();
        let position = |seen: &SeenTask| seen.as_ref().and_then(|queued| queued.position);
        for watcher in &mut watchers {
            assert!(watcher.has_changed().unwrap(), "the present state is news");
            assert_eq!(position(&watcher.borrow_and_update()), Some(1));
        }
        assert_eq!(position(&of_second.borrow_and_update()), Some(2));

        tasks.look_at(tasks.watched_ids()).await.unwrap();
        assert!(!watchers[0].has_changed().unwrap() && !of_second.has_changed().unwrap());
        other.cancel(second, 0).await.unwrap();
        tasks.look_at(tasks.watched_ids()).await.unwrap();
        assert!(!watchers[0].has_changed().unwrap() && of_second.has_changed().unwrap());
        other.claim("worker", None, 1, 0).await.unwrap();
        tasks.look_at(tasks.watched_ids()).await.unwrap();
        for watcher in &mut watchers {
            assert!(watcher.has_changed().unwrap());
            assert_eq!(watcher.borrow_and_update().as_ref().unwrap().task.status, TaskStatus::Processing);
        }

        other.delete(second).await.unwrap();
        tasks.look_at(tasks.watched_ids()).await.unwrap();
        assert!(of_second.borrow_and_update().is_none(), "it was deleted");
        drop((watchers, of_second));
        assert!(tasks.watched_ids().is_empty());
    }
}
