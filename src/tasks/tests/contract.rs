//! What every store must do, one case a promise. Another store is held to it by another `fresh`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cameo_tasks::{
    Admission, Blobs, Claim, Config, Error, Failure, Lease, Millis, NewTask, Outcome, Page, Queue, QueueLimits, Sqlite,
    Status, Store, Submitted, Task, TaskId, Tasks, Worker, reconcile,
};
use uuid::Uuid;

/// A lease, in milliseconds.
const LEASE: Millis = 15_000;
const START: Millis = 1_000_000;
const LIMITS: QueueLimits = QueueLimits { tasks: 100, pixels: 1_000_000, tasks_per_user: 50 };

/// A new store with two users.
struct Scene {
    store: Arc<dyn Store>,
    blobs: Blobs,
    ann: i64,
    bob: i64,
    folder: tempfile::TempDir,
}

async fn fresh() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("cameo.sqlite")).unwrap());
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let ann = store.add_user("ann", "hash", false, START).await.unwrap().id;
    let bob = store.add_user("bob", "hash", false, START).await.unwrap().id;
    Scene { store, blobs, ann, bob, folder }
}

fn job(owner: i64) -> NewTask {
    let (kind, recipe) = ("combo".to_string(), "{}".to_string());
    NewTask { id: Uuid::new_v4(), owner, kind, recipe, pixels: 1000, idempotency: None }
}

fn outcome(lease: &Lease) -> Outcome {
    let stages = vec![("decode".to_string(), 10.0), ("matte".to_string(), 1500.0)];
    Outcome { blob: lease.output(), bytes: 5, sha256: "ab".repeat(32), width: 20, height: 10, stages }
}

fn failure() -> Failure {
    Failure { code: "undecodable_image".into(), reason: "cut short".into() }
}

impl Scene {
    async fn submit(&self, owner: i64) -> TaskId {
        let task = job(owner);
        let id = task.id;
        assert_eq!(self.store.submit(task, LIMITS, START).await.unwrap(), Submitted::Accepted);
        id
    }

    async fn claim(&self, now: Millis) -> Option<Claim> {
        self.store.claim("worker", LEASE, now).await.unwrap()
    }

    async fn claimed(&self, now: Millis) -> Lease {
        self.claim(now).await.expect("a task is waiting").lease
    }

    async fn task(&self, id: TaskId) -> Task {
        self.store.task(id).await.unwrap().expect("the task is there")
    }

    async fn status(&self, id: TaskId) -> Status {
        self.task(id).await.status
    }

    /// A task of Ann's that is completed, and its result.
    async fn completed(&self, now: Millis) -> (TaskId, String) {
        let id = self.submit(self.ann).await;
        self.blobs.put(&Task::input(id), Bytes::from_static(b"photo")).await.unwrap();
        let lease = self.claimed(now).await;
        self.blobs.put(&lease.output(), Bytes::from_static(b"12345")).await.unwrap();
        self.store.finish(&lease, &outcome(&lease), "cpu", now).await.unwrap();
        (id, lease.output())
    }

    fn files(&self) -> usize {
        let count = |folder: &str| std::fs::read_dir(self.blobs.path(folder)).unwrap().count();
        count("inputs") + count("results")
    }
}

fn lost<T: std::fmt::Debug>(done: cameo_tasks::Result<T>) {
    assert!(matches!(done, Err(Error::LeaseLost)), "{done:?}");
}

// Submitting.

#[tokio::test]
async fn an_accepted_task_is_pending_and_has_what_was_handed_in() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    let task = scene.task(id).await;
    assert_eq!((task.status, task.owner, task.kind.as_str(), task.pixels), (Status::Pending, scene.ann, "combo", 1000));
    assert_eq!((task.created_at, task.started_at, task.attempts, task.progress), (START, None, 0, 0.0));
}

#[tokio::test]
async fn an_accepted_task_is_there_for_another_process() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    let other = Sqlite::open(&scene.folder.path().join("cameo.sqlite")).unwrap();
    assert_eq!(other.task(id).await.unwrap().unwrap().status, Status::Pending);
}

#[tokio::test]
async fn an_unknown_task_is_nothing() {
    assert_eq!(fresh().await.store.task(Uuid::new_v4()).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing() {
    let scene = fresh().await;
    let limits = QueueLimits { tasks: 1, ..LIMITS };
    scene.submit(scene.ann).await;
    let refused = job(scene.bob);
    let id = refused.id;
    let done = scene.store.submit(refused, limits, START).await.unwrap();
    assert_eq!(done, Submitted::Refused(Admission::QueueFull));
    assert_eq!(scene.store.task(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_queue_full_of_pixels_refuses() {
    let scene = fresh().await;
    let limits = QueueLimits { pixels: 1500, ..LIMITS };
    assert_eq!(scene.store.submit(job(scene.ann), limits, START).await.unwrap(), Submitted::Accepted);
    let done = scene.store.submit(job(scene.bob), limits, START).await.unwrap();
    assert_eq!(done, Submitted::Refused(Admission::QueueFull));
}

#[tokio::test]
async fn an_empty_queue_takes_a_photo_larger_than_its_room() {
    let scene = fresh().await;
    let limits = QueueLimits { pixels: 10, ..LIMITS };
    assert_eq!(scene.store.submit(job(scene.ann), limits, START).await.unwrap(), Submitted::Accepted);
}

#[tokio::test]
async fn a_users_share_counts_waiting_and_running_tasks_of_that_user_alone() {
    let scene = fresh().await;
    let limits = QueueLimits { tasks_per_user: 2, ..LIMITS };
    scene.submit(scene.ann).await;
    scene.claimed(START).await;
    assert_eq!(scene.store.admission(scene.ann, limits).await.unwrap(), Admission::Open { remaining: 1 });
    scene.submit(scene.ann).await;
    assert_eq!(scene.store.admission(scene.ann, limits).await.unwrap(), Admission::UserFull);
    let done = scene.store.submit(job(scene.ann), limits, START).await.unwrap();
    assert_eq!(done, Submitted::Refused(Admission::UserFull));
    assert_eq!(scene.store.admission(scene.bob, limits).await.unwrap(), Admission::Open { remaining: 2 });
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_task() {
    let scene = fresh().await;
    let first = NewTask { idempotency: Some(("key".into(), "body".into())), ..job(scene.ann) };
    let again = NewTask { id: Uuid::new_v4(), ..first.clone() };
    assert_eq!(scene.store.submit(first.clone(), LIMITS, START).await.unwrap(), Submitted::Accepted);
    assert_eq!(scene.store.submit(again, LIMITS, START).await.unwrap(), Submitted::Known(first.id));
    assert_eq!(scene.store.list(scene.ann, Page { before: None, limit: 9 }).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_told() {
    let scene = fresh().await;
    let first = NewTask { idempotency: Some(("key".into(), "body".into())), ..job(scene.ann) };
    let other = NewTask { idempotency: Some(("key".into(), "other".into())), ..job(scene.ann) };
    assert_eq!(scene.store.submit(first, LIMITS, START).await.unwrap(), Submitted::Accepted);
    assert_eq!(scene.store.submit(other, LIMITS, START).await.unwrap(), Submitted::KeyReused);
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let scene = fresh().await;
    for owner in [scene.ann, scene.bob] {
        let task = NewTask { idempotency: Some(("key".into(), "body".into())), ..job(owner) };
        assert_eq!(scene.store.submit(task, LIMITS, START).await.unwrap(), Submitted::Accepted);
    }
}

// Claiming.

#[tokio::test]
async fn an_empty_queue_has_nothing_to_claim() {
    assert_eq!(fresh().await.claim(START).await, None);
}

#[tokio::test]
async fn a_claimed_task_is_processing_and_claimed_once() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    let claim = scene.claim(START + 5).await.unwrap();
    assert_eq!((claim.lease.task, claim.task.status, claim.task.attempts), (id, Status::Processing, 1));
    assert_eq!(scene.task(id).await.started_at, Some(START + 5));
    assert_eq!(scene.claim(START + 6).await, None);
}

#[tokio::test]
async fn two_processes_never_claim_the_same_task() {
    let scene = fresh().await;
    for _ in 0..20 {
        scene.submit(scene.ann).await;
    }
    let path = scene.folder.path().join("cameo.sqlite");
    let claimers = (0..4).map(|_| {
        let store = Sqlite::open(&path).unwrap();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(claim) = store.claim("one of many", LEASE, START).await.unwrap() {
                taken.push(claim.lease.task);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        taken.extend(claimer.await.unwrap());
    }
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 20);
}

#[tokio::test]
async fn one_users_tasks_run_in_their_order() {
    let scene = fresh().await;
    let want = [scene.submit(scene.ann).await, scene.submit(scene.ann).await, scene.submit(scene.ann).await];
    for id in want {
        assert_eq!(scene.claimed(START).await.task, id);
    }
}

#[tokio::test]
async fn users_take_turns() {
    let scene = fresh().await;
    let ann = [scene.submit(scene.ann).await, scene.submit(scene.ann).await, scene.submit(scene.ann).await];
    let bob = [scene.submit(scene.bob).await, scene.submit(scene.bob).await];
    let mut found = Vec::new();
    for turn in 0..5 {
        let lease = scene.claimed(START + turn).await;
        scene.store.finish(&lease, &outcome(&lease), "cpu", START + turn).await.unwrap();
        found.push(lease.task);
    }
    assert_eq!(found, [ann[0], bob[0], ann[1], bob[1], ann[2]]);
}

#[tokio::test]
async fn a_user_with_running_tasks_waits_for_one_without() {
    let scene = fresh().await;
    for _ in 0..3 {
        scene.submit(scene.ann).await;
    }
    scene.claimed(START).await;
    scene.claimed(START + 1).await;
    let bob = scene.submit(scene.bob).await;
    assert_eq!(scene.claimed(START + 2).await.task, bob);
}

#[tokio::test]
async fn a_place_in_the_queue_is_the_turn_in_which_it_is_claimed() {
    let scene = fresh().await;
    let mut ids = Vec::new();
    for owner in [scene.ann, scene.ann, scene.ann, scene.bob] {
        ids.push(scene.submit(owner).await);
    }
    let mut places = Vec::new();
    for id in &ids {
        places.push(scene.store.queue_position(*id).await.unwrap().unwrap());
    }
    assert_eq!(places, [1, 3, 4, 2]);
    let first = scene.claimed(START).await;
    assert_eq!(scene.store.queue_position(first.task).await.unwrap(), None);
    assert_eq!(scene.claimed(START + 1).await.task, ids[3]);
}

// Beating.

#[tokio::test]
async fn a_beat_prolongs_the_lease_and_tells_progress() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.beat(&lease, LEASE, 0.4, "matte", START + 10_000).await.unwrap();
    assert_eq!(scene.store.reap(START + LEASE + 1).await.unwrap(), 0);
    let task = scene.task(lease.task).await;
    assert_eq!((task.progress, task.stage.as_deref()), (0.4, Some("matte")));
}

#[tokio::test]
async fn a_beat_after_the_lease_was_lost_is_refused() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.reap(START + LEASE + 1).await.unwrap();
    lost(scene.store.beat(&lease, LEASE, 0.4, "matte", START + LEASE + 2).await);
}

// Ending.

#[tokio::test]
async fn a_finished_task_is_completed_and_has_its_outcome() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.finish(&lease, &outcome(&lease), "cpu", START + 900).await.unwrap();
    let task = scene.task(lease.task).await;
    assert_eq!((task.status, task.progress, task.finished_at), (Status::Completed, 1.0, Some(START + 900)));
    assert_eq!((task.outcome, task.engine.as_deref()), (Some(outcome(&lease)), Some("cpu")));
}

#[tokio::test]
async fn a_task_is_finished_once() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.finish(&lease, &outcome(&lease), "cpu", START).await.unwrap();
    lost(scene.store.finish(&lease, &outcome(&lease), "cpu", START).await);
}

#[tokio::test]
async fn a_stale_finish_is_refused_and_the_new_run_publishes() {
    let scene = fresh().await;
    let slow = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    let late = START + LEASE + 1;
    assert_eq!(scene.store.reap(late).await.unwrap(), 1);
    let fast = scene.claimed(late + 10_000).await;
    assert!(fast.fence > slow.fence && fast.task == slow.task);
    lost(scene.store.finish(&slow, &outcome(&slow), "cpu", late).await);
    assert_eq!(scene.status(slow.task).await, Status::Processing);
    scene.store.finish(&fast, &outcome(&fast), "cpu", late).await.unwrap();
    assert_eq!(scene.task(fast.task).await.outcome.unwrap().blob, fast.output());
    assert_ne!(fast.output(), slow.output());
}

#[tokio::test]
async fn a_failure_that_no_retry_mends_is_final_at_once() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    assert!(!scene.store.fail(&lease, &failure(), false, START + 1).await.unwrap());
    let task = scene.task(lease.task).await;
    assert_eq!((task.status, task.failure, task.finished_at), (Status::Failed, Some(failure()), Some(START + 1)));
}

#[tokio::test]
async fn a_failure_of_the_machine_waits_and_runs_again() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    assert!(scene.store.fail(&lease, &failure(), true, START).await.unwrap());
    assert_eq!(scene.status(lease.task).await, Status::Pending);
    assert_eq!(scene.claim(START + 100).await, None, "it waits before its retry");
    assert_eq!(scene.claimed(START + 60_000).await.task, lease.task);
}

#[tokio::test]
async fn a_task_waiting_for_its_retry_holds_nobody_up() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.fail(&lease, &failure(), true, START).await.unwrap();
    let next = scene.submit(scene.ann).await;
    assert_eq!(scene.claimed(START + 100).await.task, next);
}

#[tokio::test]
async fn after_three_retries_a_task_has_failed_with_the_reason() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    let mut now = START;
    for attempt in 1..=scene.store.max_attempts() {
        now += 600_000;
        let lease = scene.claimed(now).await;
        let again = scene.store.fail(&lease, &failure(), true, now).await.unwrap();
        assert_eq!(again, attempt < 4);
    }
    assert_eq!(scene.claim(now + 600_000).await, None);
    let task = scene.task(id).await;
    assert_eq!((task.status, task.failure, task.attempts), (Status::Failed, Some(failure()), 4));
}

#[tokio::test]
async fn a_stale_failure_is_refused() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.reap(START + LEASE + 1).await.unwrap();
    lost(scene.store.fail(&lease, &failure(), false, START + LEASE + 2).await);
}

#[tokio::test]
async fn a_released_task_waits_as_if_never_claimed() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    scene.store.release(&lease, START).await.unwrap();
    let task = scene.task(lease.task).await;
    assert_eq!((task.status, task.attempts, task.started_at), (Status::Pending, 0, None));
    assert_eq!(scene.claimed(START).await.task, lease.task);
    lost(scene.store.release(&lease, START).await);
}

// Workers that die.

#[tokio::test]
async fn a_lease_that_ran_out_is_reaped_and_no_other() {
    let scene = fresh().await;
    let old = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    let young = {
        scene.submit(scene.bob).await;
        scene.claimed(START + 5000).await
    };
    assert_eq!(scene.store.reap(START + LEASE + 1).await.unwrap(), 1);
    assert_eq!(scene.status(old.task).await, Status::Pending);
    assert_eq!(scene.status(young.task).await, Status::Processing);
}

#[tokio::test]
async fn a_dead_workers_tasks_are_given_to_others_at_once() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    assert_eq!(scene.store.abandon("another", START).await.unwrap(), 0);
    assert_eq!(scene.store.abandon("worker", START).await.unwrap(), 1);
    assert_eq!(scene.status(lease.task).await, Status::Pending);
    lost(scene.store.finish(&lease, &outcome(&lease), "cpu", START).await);
}

#[tokio::test]
async fn a_task_that_kills_its_workers_fails_in_the_end() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    let mut now = START;
    for _ in 0..scene.store.max_attempts() {
        now += 600_000;
        scene.claimed(now).await;
        scene.store.reap(now + LEASE + 1).await.unwrap();
    }
    let task = scene.task(id).await;
    assert_eq!((task.status, task.failure.unwrap().code.as_str()), (Status::Failed, "worker_lost"));
}

#[tokio::test]
async fn workers_tell_and_are_gone() {
    let scene = fresh().await;
    let worker = Worker { id: "w".into(), engine: "cpu".into(), ready: false, beat_at: START };
    scene.store.tell(&worker).await.unwrap();
    let ready = Worker { ready: true, beat_at: START + 1, ..worker };
    scene.store.tell(&ready).await.unwrap();
    assert_eq!(scene.store.workers().await.unwrap(), [ready]);
    scene.store.gone("w").await.unwrap();
    assert_eq!(scene.store.workers().await.unwrap(), []);
}

// Cancelling, forgetting, expiring.

#[tokio::test]
async fn a_pending_task_is_cancelled_and_never_claimed() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    assert!(scene.store.cancel(id, START).await.unwrap());
    assert_eq!(scene.status(id).await, Status::Cancelled);
    assert_eq!(scene.claim(START).await, None);
}

#[tokio::test]
async fn a_running_task_is_cancelled_and_its_worker_is_told() {
    let scene = fresh().await;
    let lease = {
        scene.submit(scene.ann).await;
        scene.claimed(START).await
    };
    assert!(scene.store.cancel(lease.task, START).await.unwrap());
    lost(scene.store.beat(&lease, LEASE, 0.5, "matte", START).await);
    lost(scene.store.finish(&lease, &outcome(&lease), "cpu", START).await);
    lost(scene.store.release(&lease, START).await);
    assert_eq!(scene.status(lease.task).await, Status::Cancelled);
}

#[tokio::test]
async fn what_is_over_cannot_be_cancelled() {
    let scene = fresh().await;
    let (id, _) = scene.completed(START).await;
    assert!(!scene.store.cancel(id, START).await.unwrap());
    assert_eq!(scene.status(id).await, Status::Completed);
    assert!(!scene.store.cancel(Uuid::new_v4(), START).await.unwrap());
}

#[tokio::test]
async fn what_is_over_can_be_forgotten_and_what_is_not_cannot() {
    let scene = fresh().await;
    let waiting = scene.submit(scene.bob).await;
    assert!(!scene.store.forget(waiting).await.unwrap());
    scene.store.cancel(waiting, START).await.unwrap();
    let (id, _) = scene.completed(START).await;
    for id in [id, waiting] {
        assert!(scene.store.forget(id).await.unwrap());
        assert_eq!(scene.store.task(id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn results_expire_and_tasks_are_forgotten_later() {
    let scene = fresh().await;
    let (id, _) = scene.completed(START).await;
    assert_eq!(scene.store.expire(START, 0).await.unwrap(), 0, "not yet");
    assert_eq!(scene.store.expire(START + 1, 0).await.unwrap(), 1);
    let task = scene.task(id).await;
    assert_eq!((task.status, task.expired), (Status::Completed, true));
    scene.store.expire(START + 1, START + 1).await.unwrap();
    assert_eq!(scene.store.task(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_waiting_task_never_expires() {
    let scene = fresh().await;
    let id = scene.submit(scene.ann).await;
    scene.store.expire(Millis::MAX, Millis::MAX).await.unwrap();
    assert_eq!(scene.status(id).await, Status::Pending);
}

#[tokio::test]
async fn a_list_has_ones_own_tasks_newest_first_by_pages() {
    let scene = fresh().await;
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(scene.submit(scene.ann).await);
        scene.submit(scene.bob).await;
    }
    mine.reverse();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = scene.store.list(scene.ann, Page { before, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        found.extend(page.iter().map(|task| task.id));
    }
    assert_eq!(found, mine);
}

// What is told of all.

#[tokio::test]
async fn the_load_counts_by_state_and_kind() {
    let scene = fresh().await;
    scene.completed(START).await;
    scene.submit(scene.ann).await;
    let load = scene.store.load().await.unwrap();
    assert_eq!((load.count(Status::Pending), load.count(Status::Completed)), (1, 1));
    assert_eq!((load.pending_pixels, load.oldest_pending, load.mean_seconds), (1000, Some(START), Some(0.0)));
    let totals = scene.store.stage_totals().await.unwrap();
    let found: Vec<_> = totals.iter().map(|total| (total.stage.as_str(), total.count, total.seconds)).collect();
    assert_eq!(found, [("decode", 1, 0.01), ("matte", 1, 1.5)]);
}

#[tokio::test]
async fn the_version_changes_with_every_change_and_only_then() {
    let scene = fresh().await;
    let first = scene.store.version().await.unwrap();
    assert_eq!(scene.store.version().await.unwrap(), first);
    scene.submit(scene.ann).await;
    assert_ne!(scene.store.version().await.unwrap(), first);
}

// Files.

#[tokio::test]
async fn orphans_are_removed_and_what_belongs_to_a_task_is_not() {
    let scene = fresh().await;
    let (_, result) = scene.completed(START).await;
    let waiting = scene.submit(scene.bob).await;
    scene.blobs.put(&Task::input(waiting), Bytes::from_static(b"photo")).await.unwrap();
    let running = scene.claimed(START).await;
    scene.blobs.put(&running.output(), Bytes::from_static(b"soon")).await.unwrap();
    let stale = Lease { fence: running.fence + 1, ..running.clone() };
    scene.blobs.put(&stale.output(), Bytes::from_static(b"stale")).await.unwrap();
    std::fs::write(scene.blobs.path("inputs/planted"), b"x").unwrap();
    std::fs::write(scene.blobs.path("inputs/half-sent#1"), b"x").unwrap();
    // The completed task's photo, the stale result and the two that were planted.
    let removed = reconcile(&*scene.store, &scene.blobs, Duration::ZERO).await.unwrap();
    assert_eq!(removed.len(), 4, "{removed:?}");
    for key in [result, Task::input(waiting), running.output()] {
        assert!(scene.blobs.path(&key).exists(), "{key}");
    }
}

#[tokio::test]
async fn a_photo_that_is_still_being_sent_is_no_orphan() {
    let scene = fresh().await;
    let mut upload = scene.blobs.upload("inputs/coming").await.unwrap();
    upload.write(b"half").await.unwrap();
    assert!(reconcile(&*scene.store, &scene.blobs, Duration::from_secs(60)).await.unwrap().is_empty());
    upload.complete().await.unwrap();
    assert_eq!(scene.blobs.bytes("inputs/coming").await.unwrap().unwrap(), "half");
}

#[tokio::test]
async fn what_is_derived_from_a_result_goes_with_it() {
    let scene = fresh().await;
    let (id, result) = scene.completed(START).await;
    scene.blobs.put(&format!("{result}.webp"), Bytes::from_static(b"webp")).await.unwrap();
    reconcile(&*scene.store, &scene.blobs, Duration::ZERO).await.unwrap();
    assert_eq!(scene.files(), 2);
    scene.store.forget(id).await.unwrap();
    reconcile(&*scene.store, &scene.blobs, Duration::ZERO).await.unwrap();
    assert_eq!(scene.files(), 0);
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let scene = fresh().await;
    let mut upload = scene.blobs.upload("inputs/given-up").await.unwrap();
    upload.write(&vec![7; 1 << 20]).await.unwrap();
    drop(upload);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.files(), 0);
}

#[tokio::test]
async fn part_of_a_blob_can_be_read() {
    use futures_util::TryStreamExt;
    let scene = fresh().await;
    scene.blobs.put("results/one", Bytes::from_static(b"0123456789")).await.unwrap();
    let blob = scene.blobs.get("results/one", Some(2..5)).await.unwrap().unwrap();
    assert_eq!(blob.bytes, 10);
    let parts: Vec<Bytes> = blob.stream.try_collect().await.unwrap();
    assert_eq!(parts.concat(), b"234");
    assert!(scene.blobs.get("results/none", None).await.unwrap().is_none());
}

// Accounts and configs.

#[tokio::test]
async fn a_name_is_taken_in_whatever_case() {
    let scene = fresh().await;
    let done = scene.store.add_user("ANN", "hash", false, START).await;
    assert!(matches!(done, Err(Error::Exists(_))), "{done:?}");
    assert_eq!(scene.store.user_named("Ann").await.unwrap().unwrap().id, scene.ann);
}

#[tokio::test]
async fn a_new_password_voids_older_tokens() {
    let scene = fresh().await;
    assert!(scene.store.set_password("ann", "new", START + 7).await.unwrap());
    let user = scene.store.user(scene.ann).await.unwrap().unwrap();
    assert_eq!((user.password_hash.as_str(), user.tokens_from), ("new", START + 7));
    assert!(!scene.store.set_password("nobody", "new", START).await.unwrap());
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled() {
    let scene = fresh().await;
    for disabled in [true, false] {
        assert!(scene.store.set_disabled("bob", disabled).await.unwrap());
        assert_eq!(scene.store.user(scene.bob).await.unwrap().unwrap().disabled, disabled);
    }
    assert_eq!(scene.store.users().await.unwrap().len(), 2);
}

#[tokio::test]
async fn configs_are_seen_by_their_owner_and_shared_ones_by_all() {
    let scene = fresh().await;
    let (id, owner) = (Uuid::new_v4(), scene.ann);
    let (created_at, updated_at) = (START, START);
    let own = Config { id, owner, name: "own".into(), shared: false, options: "{}".into(), created_at, updated_at };
    let shared = Config { id: Uuid::new_v4(), name: "shared".into(), shared: true, ..own.clone() };
    scene.store.put_config(&own).await.unwrap();
    scene.store.put_config(&shared).await.unwrap();
    assert_eq!(scene.store.configs(scene.ann).await.unwrap(), [own.clone(), shared.clone()]);
    assert_eq!(scene.store.configs(scene.bob).await.unwrap(), [shared.clone()]);
    assert!(!scene.store.delete_config(own.id, scene.bob).await.unwrap());
    // Nor does a foreigner change it.
    scene.store.put_config(&Config { owner: scene.bob, name: "mine".into(), ..own.clone() }).await.unwrap();
    assert_eq!(scene.store.config(own.id).await.unwrap(), Some(own.clone()));
    scene.store.put_config(&Config { name: "renamed".into(), ..own.clone() }).await.unwrap();
    assert_eq!(scene.store.config(own.id).await.unwrap().unwrap().name, "renamed");
    assert!(scene.store.delete_config(own.id, scene.ann).await.unwrap());
    assert_eq!(scene.store.config(own.id).await.unwrap(), None);
}
