//! Tasks with their positions in the queue.

use std::collections::HashMap;

use cameo_store::{Result, Store, Task, TaskStatus};

/// A task and its position in the queue, 1 for the next one; `None` unless it is pending.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedTask {
    pub task: Task,
    pub position: Option<u64>,
}

impl QueuedTask {
    /// Adds the position of a task.
    pub async fn new(store: &dyn Store, task: Task) -> Result<Self> {
        let position = match task.status {
            TaskStatus::Pending => store.queue_positions(vec![task.id]).await?.remove(&task.id),
            _ => None,
        };
        Ok(Self { task, position })
    }
}

/// Adds the positions of tasks, with one query for all of them.
pub async fn with_positions(store: &dyn Store, tasks: Vec<Task>) -> Result<Vec<QueuedTask>> {
    let is_pending = |task: &&Task| task.status == TaskStatus::Pending;
    let pending: Vec<_> = tasks.iter().filter(is_pending).map(|task| task.id).collect();
    let positions = if pending.is_empty() { HashMap::new() } else { store.queue_positions(pending).await? };
    Ok(tasks.into_iter().map(|task| QueuedTask { position: positions.get(&task.id).copied(), task }).collect())
}
