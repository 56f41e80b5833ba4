//! Runs, and how they end.

use cameo_tasks::{Status, Worker};

use crate::{LEASE, START, failure, fresh, lost, outcome};

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
    assert_eq!(scene.store.next(START + 100).await.unwrap(), None, "nor is it the next");
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
