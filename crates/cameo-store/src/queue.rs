//! Admission to the queue, leases, workers and statistics.

use crate::task::{Task, TaskId, TaskStatus};
use crate::time::Millis;

/// The limits of the queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    /// The maximum number of pending tasks.
    pub tasks: u64,
    /// The maximum number of input pixels of all pending tasks. An empty queue accepts a single larger task.
    pub pixels: u64,
    /// The maximum number of active tasks of one user.
    pub tasks_per_user: u64,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The task is stored and will run.
    Accepted,
    /// The user has already submitted the same request with this idempotency key, as this task.
    Duplicate(TaskId),
    /// The user has already submitted a different request with this idempotency key.
    KeyReused,
    /// A limit of the queue is reached. The [`Admission`] is not [`Open`](Admission::Open).
    Refused(Admission),
}

/// Whether the queue accepts another task of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Open {
        /// The number of tasks that the user may still submit.
        remaining: u64,
    },
    /// [`QueueLimits::tasks`] or [`QueueLimits::pixels`] is reached.
    QueueFull,
    /// [`QueueLimits::tasks_per_user`] is reached.
    UserFull,
}

/// The right to run a task. Its holder loses it when the run ends, is reaped or requeued, or when the task is
/// cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub task: TaskId,
    /// The fencing token, which grows with each claim of the task. The store refuses operations with an older token.
    pub fence: i64,
}

impl Lease {
    /// Returns the blob key under which the holder of this lease writes the result. No other run of the task writes
    /// to this key.
    pub fn output_key(&self) -> String {
        format!("results/{}-{}", self.task, self.fence)
    }
}

/// A task that a worker has claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub lease: Lease,
    pub task: Task,
}

/// A worker process, as its last heartbeat described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub id: String,
    /// The host of the server that started it, which cleans up after it; `None` if it was started by hand.
    pub server: Option<String>,
    /// `cpu` or `gpu`.
    pub engine: String,
    /// The self-test has passed.
    pub ready: bool,
    pub heartbeat_at: Millis,
}

/// Statistics of the stored tasks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Load {
    /// The number of tasks by status and operation; combinations without a task are absent.
    pub counts: Vec<(TaskStatus, String, u64)>,
    /// The number of input pixels of all pending tasks.
    pub pending_pixels: u64,
    /// When the oldest pending task was submitted.
    pub oldest_pending: Option<Millis>,
    /// The mean run time of the completed ones among the tasks that ended last, in seconds. It excludes the time in
    /// the queue, and is `None` if none of them is completed.
    pub mean_seconds: Option<f64>,
}

impl Load {
    /// Returns the number of tasks with this status.
    pub fn count(&self, status: TaskStatus) -> u64 {
        self.counts.iter().filter(|(counted, ..)| *counted == status).map(|(.., count)| count).sum()
    }
}

/// The time spent in one stage since the store was created, over all completed tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTotal {
    pub stage: String,
    /// The number of times the stage ran.
    pub count: u64,
    pub seconds: f64,
}
