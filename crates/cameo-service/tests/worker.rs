//! A worker on a real store with an engine of a few lines: what ends a worker, and what does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cameo_core::codec::{self, Format, Image, Picture};
use cameo_core::pipeline::{
    CutoutOptions, Engine, EngineError, EngineHandle, EngineOutput, Enhancement, Operation, PixelBudget,
    ProcessingLimits, Recipe,
};
use cameo_core::tuning::Roi;
use cameo_models::Network;
use cameo_service::worker::{self, WorkerContext, WorkerError};
use cameo_store::{
    Accounts, Blobs, NewTask, QueueLimits, Sqlite, Store, Submission, Task, TaskId, TaskStatus, Tasks, Worker, Workers,
    now,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Photos of this width make the device fail.
const POISONED_WIDTH: u32 = 13;
/// Photos of this width become pictures too wide for WebP, which the encoder refuses.
const UNENCODABLE_WIDTH: u32 = 17;

/// Photos of this width stay in the engine until the gate opens.
const GATED_WIDTH: u32 = 19;

/// Photos of this width take as long as several looks at the queue.
const SLOW_WIDTH: u32 = 23;

/// An engine that enhances by doing nothing.
struct FakeEngine {
    gate_is_open: Arc<AtomicBool>,
}

impl Engine for FakeEngine {
    type Frame = Image;
    type Prior = ();
    type Input = ();
    type Matte = ();
    type RepairedMatte = ();
    type Enhanced = Image;

    fn name(&self) -> &'static str {
        "fake"
    }

    fn load(&mut self, _: Network) -> Result<(), EngineError> {
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<Image, EngineError> {
        match image.width {
            POISONED_WIDTH => Err(EngineError::Device { engine: "fake", reason: "lost".into() }),
            UNENCODABLE_WIDTH => Ok(Image::new(20_000, 1, vec![0; 4 * 20_000])),
            GATED_WIDTH => {
                while !self.gate_is_open.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(image)
            }
            SLOW_WIDTH => {
                std::thread::sleep(Duration::from_millis(400));
                Ok(image)
            }
            _ => Ok(image),
        }
    }

    fn locate(&mut self, _: &Image, _: Roi, _: &CutoutOptions) -> Result<(), EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn prepare(&mut self, _: &Image, (): &(), _: Network) -> Result<(), EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn matte(&mut self, (): (), _: Network) -> Result<(), EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn repair(&mut self, (): (), (): &(), _: &CutoutOptions) -> Result<(), EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn refine(&mut self, _: Image, (): (), (): (), _: &CutoutOptions) -> Result<Image, EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn decontaminate(&mut self, _: Image, _: &CutoutOptions) -> Result<Image, EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn edge(&mut self, _: Image, _: &CutoutOptions) -> Result<Image, EngineError> {
        unreachable!("only enhancement is tested")
    }

    fn enhance(&mut self, frame: Image, _: &Enhancement) -> Result<Image, EngineError> {
        Ok(frame)
    }

    fn readback(&mut self, picture: Image) -> Result<EngineOutput, EngineError> {
        Ok(EngineOutput { picture: Picture::Eight(picture), stats: None, recycler: Default::default() })
    }
}

/// A store in a folder of its own, with one user.
struct Fixture {
    folder: tempfile::TempDir,
    store: Arc<Sqlite>,
    blobs: Blobs,
    owner: i64,
    gate_is_open: Arc<AtomicBool>,
}

/// A worker that runs in the background.
struct RunningWorker {
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<(), WorkerError>>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("cameo.sqlite")).unwrap());
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        let owner = store.add_user("ann", "hash", false, now()).await.unwrap().id;
        Self { folder, store, blobs, owner, gate_is_open: Arc::default() }
    }

    /// Submits an enhancement of a photo of this width.
    async fn submit(&self, width: u32, format: Format) -> TaskId {
        let id = self.submit_without_photo(format).await;
        let photo = Image::new(width, 2, vec![200u8; 8 * width as usize]);
        let photo = codec::encode(&photo, Format::Png, None).unwrap();
        self.blobs.put(&Task::input_key(id), Bytes::from(photo)).await.unwrap();
        id
    }

    async fn submit_without_photo(&self, format: Format) -> TaskId {
        let id = TaskId::new_v4();
        let recipe = Recipe { format, scale: Some(1.0), ..Recipe::new(Operation::Enhance) };
        let task = NewTask {
            id,
            owner: self.owner,
            operation: "enhance".into(),
            recipe: serde_json::to_string(&recipe).unwrap(),
            pixels: 1,
            idempotency: None,
        };
        let limits = QueueLimits { tasks: 100, pixels: 100, tasks_per_user: 100 };
        assert_eq!(self.store.submit(task, limits, now()).await.unwrap(), Submission::Accepted);
        id
    }

    fn start_worker(&self) -> RunningWorker {
        self.start_worker_named("worker")
    }

    fn start_worker_named(&self, id: &str) -> RunningWorker {
        let engine = FakeEngine { gate_is_open: self.gate_is_open.clone() };
        let context = WorkerContext {
            id: id.into(),
            server: None,
            store: self.store.clone() as Arc<dyn Store>,
            blobs: self.blobs.clone(),
            engine: EngineHandle::start(|| Ok(engine), Vec::new()).unwrap(),
            limits: ProcessingLimits::default(),
            budget: PixelBudget::new(1 << 20),
            lease: Duration::from_secs(60),
            task_timeout: Duration::from_secs(60),
        };
        let (stop, stopped) = watch::channel(false);
        RunningWorker { stop, ended: tokio::spawn(worker::run(context, stopped)) }
    }

    /// Waits until `condition` holds for a task.
    async fn wait_for(&self, id: TaskId, condition: impl Fn(&Task) -> bool) -> Task {
        for _ in 0..1200 {
            let task = self.store.task(id).await.unwrap().unwrap();
            if condition(&task) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the task did not get there: {:?}", self.store.task(id).await)
    }

    fn results(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("blobs/results")
    }
}

impl RunningWorker {
    async fn stop(self) -> Result<(), WorkerError> {
        self.stop.send(true).unwrap();
        self.ended.await.unwrap()
    }
}

fn is_over(task: &Task) -> bool {
    !task.status.is_active()
}

/// A run of the task has failed, and the task waits for its next run.
fn is_waiting_for_retry(task: &Task) -> bool {
    task.status == TaskStatus::Pending && task.attempts > 0
}

#[tokio::test]
async fn a_worker_that_fails_to_encode_keeps_running() {
    let fixture = Fixture::new().await;
    let unencodable = fixture.submit(UNENCODABLE_WIDTH, Format::WebP).await;
    let good = fixture.submit(8, Format::WebP).await;
    let worker = fixture.start_worker();
    assert_eq!(fixture.wait_for(good, is_over).await.status, TaskStatus::Completed);
    fixture.wait_for(unencodable, is_waiting_for_retry).await;
    assert!(worker.stop().await.is_ok());
}

#[tokio::test]
async fn a_worker_whose_device_fails_ends_and_its_task_runs_again() {
    let fixture = Fixture::new().await;
    let poisoned = fixture.submit(POISONED_WIDTH, Format::Png).await;
    let worker = fixture.start_worker();
    let ended = tokio::time::timeout(Duration::from_secs(60), worker.ended).await.expect("the worker ends by itself");
    assert!(matches!(ended.unwrap(), Err(WorkerError::Device(_))));
    fixture.wait_for(poisoned, is_waiting_for_retry).await;
}

#[tokio::test]
async fn a_lost_photo_is_the_servers_fault() {
    let fixture = Fixture::new().await;
    let lost = fixture.submit_without_photo(Format::Png).await;
    let worker = fixture.start_worker();
    let task = fixture.wait_for(lost, is_over).await;
    let failure = task.failure.unwrap();
    assert_eq!((task.status, failure.code.as_str()), (TaskStatus::Failed, "photo_lost"));
    assert_eq!(failure.reason, "the server has lost the photo: submit it again");
    assert_eq!(task.attempts, 1, "another run would not find it either");
    assert!(worker.stop().await.is_ok());
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_is_kept_and_stored_later() {
    let fixture = Fixture::new().await;
    let hidden = fixture.results().with_extension("hidden");
    std::fs::rename(fixture.results(), &hidden).unwrap();
    std::fs::write(fixture.results(), "a file where the folder was").unwrap();
    let id = fixture.submit(8, Format::Png).await;
    let worker = fixture.start_worker();
    // Computing the result takes milliseconds.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let task = fixture.wait_for(id, |_| true).await;
    assert_eq!((task.status, task.result), (TaskStatus::Processing, None));

    std::fs::remove_file(fixture.results()).unwrap();
    std::fs::rename(hidden, fixture.results()).unwrap();
    let task = fixture.wait_for(id, is_over).await;
    assert_eq!((task.status, task.attempts), (TaskStatus::Completed, 1));
    assert!(worker.stop().await.is_ok());
}

#[tokio::test]
async fn each_worker_prefetches_another_photo_and_claims_its_task() {
    let fixture = Fixture::new().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        tasks.push(fixture.submit(GATED_WIDTH, Format::Png).await);
    }
    let workers = ["a", "b"].map(|id| fixture.start_worker_named(id));
    for id in &tasks[..2] {
        fixture.wait_for(*id, |task| task.status == TaskStatus::Processing).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Without the files, only photos that were prefetched can be processed, each by the worker that did.
    for id in &tasks[2..] {
        fixture.blobs.delete(&Task::input_key(*id)).await.unwrap();
    }
    fixture.gate_is_open.store(true, Ordering::Relaxed);
    for id in tasks {
        let task = fixture.wait_for(id, is_over).await;
        assert_eq!((task.status, task.failure), (TaskStatus::Completed, None));
    }
    for worker in workers {
        assert!(worker.stop().await.is_ok());
    }
}

#[tokio::test]
async fn a_task_is_passed_over_once_at_most() {
    let fixture = Fixture::new().await;
    // The other worker prefetches the first task and never comes to claim it.
    fixture.store.heartbeat(&busy_worker("a")).await.unwrap();
    let first = fixture.submit(GATED_WIDTH, Format::Png).await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(fixture.submit(SLOW_WIDTH, Format::Png).await);
    }
    let worker = fixture.start_worker_named("b");
    fixture.wait_for(first, |task| task.status == TaskStatus::Processing).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.gate_is_open.store(true, Ordering::Relaxed);
    let mut started = Vec::new();
    for id in &tasks {
        started.push((fixture.wait_for(*id, is_over).await.started_at, *id));
    }
    started.sort();
    let order: Vec<TaskId> = started.into_iter().map(|(_, id)| id).collect();
    let place = order.iter().position(|id| *id == tasks[0]).unwrap();
    assert!(place <= 1, "it started as number {place}");
    assert!(worker.stop().await.is_ok());
}

fn busy_worker(id: &str) -> Worker {
    Worker { id: id.into(), server: None, engine: "fake".into(), ready: true, heartbeat_at: now() }
}

#[tokio::test]
async fn a_store_that_is_locked_for_long_costs_neither_a_worker_nor_a_run() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(GATED_WIDTH, Format::Png).await;
    let worker = fixture.start_worker();
    fixture.wait_for(id, |task| task.status == TaskStatus::Processing).await;
    let other = rusqlite::Connection::open(fixture.folder.path().join("cameo.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.gate_is_open.store(true, Ordering::Relaxed);
    // Longer than the store waits for the lock, and longer than a result is kept when the disk is full.
    tokio::time::sleep(Duration::from_secs(32)).await;
    assert_eq!(fixture.wait_for(id, |_| true).await.status, TaskStatus::Processing);
    other.execute_batch("ROLLBACK").unwrap();
    let task = fixture.wait_for(id, is_over).await;
    assert_eq!((task.status, task.attempts, task.failure), (TaskStatus::Completed, 1, None));
    assert!(worker.stop().await.is_ok());
}
