//! Runs of tasks and how they end, and the workers.

use cameo_store::{Page, TaskStatus, Worker};

use crate::{Fixture, LEASE, RETRY_WAIT, START, assert_lease_lost, failure, result_of};

#[tokio::test]
async fn a_renewed_lease_is_not_reaped() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.renew(&lease, LEASE, 0.4, "matte", START + 10_000).await.unwrap();
    assert_eq!(fixture.store.reap(START + LEASE + 1).await.unwrap(), 0);
}

#[tokio::test]
async fn a_renewed_lease_records_the_progress() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.renew(&lease, LEASE, 0.4, "matte", START).await.unwrap();
    let task = fixture.task(lease.task).await;
    assert_eq!((task.progress, task.stage.as_deref()), (0.4, Some("matte")));
}

#[tokio::test]
async fn a_lost_lease_cannot_be_renewed() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.reap(START + LEASE + 1).await.unwrap();
    assert_lease_lost(fixture.store.renew(&lease, LEASE, 0.4, "matte", START + LEASE + 2).await);
}

#[tokio::test]
async fn a_finished_task_is_completed_and_has_its_result() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.finish(&lease, &result_of(&lease), "cpu", START + 900).await.unwrap();
    let task = fixture.task(lease.task).await;
    assert_eq!((task.status, task.progress, task.finished_at), (TaskStatus::Completed, 1.0, Some(START + 900)));
    assert_eq!((task.result, task.engine.as_deref()), (Some(result_of(&lease)), Some("cpu")));
}

#[tokio::test]
async fn a_task_is_finished_once() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.finish(&lease, &result_of(&lease), "cpu", START).await.unwrap();
    assert_lease_lost(fixture.store.finish(&lease, &result_of(&lease), "cpu", START).await);
}

#[tokio::test]
async fn each_run_has_its_own_fence_and_output() {
    let fixture = Fixture::new().await;
    let first = fixture.start_task().await;
    fixture.store.reap(START + LEASE + 1).await.unwrap();
    let second = fixture.lease(START + RETRY_WAIT).await;
    assert_eq!(second.task, first.task);
    assert!(second.fence > first.fence);
    assert_ne!(second.output_key(), first.output_key());
}

#[tokio::test]
async fn a_stale_run_cannot_finish_and_the_current_one_can() {
    let fixture = Fixture::new().await;
    let stale = fixture.start_task().await;
    fixture.store.reap(START + LEASE + 1).await.unwrap();
    let now = START + RETRY_WAIT;
    let current = fixture.lease(now).await;
    assert_lease_lost(fixture.store.finish(&stale, &result_of(&stale), "cpu", now).await);
    assert_eq!(fixture.status(stale.task).await, TaskStatus::Processing);
    fixture.store.finish(&current, &result_of(&current), "cpu", now).await.unwrap();
    assert_eq!(fixture.task(current.task).await.result, Some(result_of(&current)));
}

#[tokio::test]
async fn a_failure_without_retry_is_final() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    assert!(!fixture.store.fail(&lease, &failure(), false, START + 1).await.unwrap());
    let task = fixture.task(lease.task).await;
    assert_eq!((task.status, task.failure, task.finished_at), (TaskStatus::Failed, Some(failure()), Some(START + 1)));
}

#[tokio::test]
async fn a_failure_with_retry_runs_again_after_a_delay() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    assert!(fixture.store.fail(&lease, &failure(), true, START).await.unwrap());
    assert_eq!(fixture.status(lease.task).await, TaskStatus::Pending);
    assert_eq!(fixture.claim(START + 100).await, None);
    assert_eq!(fixture.store.peek(1, START + 100).await.unwrap(), []);
    assert_eq!(fixture.lease(START + RETRY_WAIT).await.task, lease.task);
}

#[tokio::test]
async fn a_retry_does_not_wait_for_a_clock_that_was_put_back() {
    let fixture = Fixture::new().await;
    for _ in 1..fixture.store.max_attempts() {
        let lease = match fixture.claim(START - 3_600_000).await {
            Some(claim) => claim.lease,
            None => fixture.start_task().await,
        };
        fixture.store.fail(&lease, &failure(), true, START).await.unwrap();
        assert_eq!(fixture.claim(START).await, None, "it waits by the present time");
    }
    assert!(fixture.claim(START - 3_600_000).await.is_some());
}

#[tokio::test]
async fn a_delayed_retry_does_not_block_other_tasks() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.fail(&lease, &failure(), true, START).await.unwrap();
    let next = fixture.submit(fixture.ann).await;
    assert_eq!(fixture.lease(START + 100).await.task, next);
}

#[tokio::test]
async fn a_task_fails_after_three_retries() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    let mut now = START;
    let mut retried = Vec::new();
    for _ in 0..fixture.store.max_attempts() {
        now += RETRY_WAIT;
        let lease = fixture.lease(now).await;
        retried.push(fixture.store.fail(&lease, &failure(), true, now).await.unwrap());
    }
    assert_eq!(retried, [true, true, true, false]);
    let task = fixture.task(id).await;
    assert_eq!((task.status, task.failure, task.attempts), (TaskStatus::Failed, Some(failure()), 4));
}

#[tokio::test]
async fn a_failed_task_is_not_claimed_again() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.fail(&lease, &failure(), false, START).await.unwrap();
    assert_eq!(fixture.claim(START + RETRY_WAIT).await, None);
}

#[tokio::test]
async fn a_stale_run_cannot_fail() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.reap(START + LEASE + 1).await.unwrap();
    assert_lease_lost(fixture.store.fail(&lease, &failure(), false, START + LEASE + 2).await);
}

#[tokio::test]
async fn a_released_task_is_pending_as_if_it_had_not_been_claimed() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.release(&lease).await.unwrap();
    let task = fixture.task(lease.task).await;
    assert_eq!((task.status, task.attempts, task.started_at), (TaskStatus::Pending, 0, None));
    assert_eq!(fixture.lease(START).await.task, lease.task);
}

#[tokio::test]
async fn a_released_lease_is_lost() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    fixture.store.release(&lease).await.unwrap();
    assert_lease_lost(fixture.store.release(&lease).await);
}

#[tokio::test]
async fn only_expired_leases_are_reaped() {
    let fixture = Fixture::new().await;
    let expired = fixture.start_task().await;
    fixture.submit(fixture.bob).await;
    let valid = fixture.lease(START + 5000).await;
    assert_eq!(fixture.store.reap(START + LEASE + 1).await.unwrap(), 1);
    assert_eq!(fixture.status(expired.task).await, TaskStatus::Pending);
    assert_eq!(fixture.status(valid.task).await, TaskStatus::Processing);
}

#[tokio::test]
async fn the_tasks_of_a_dead_worker_are_requeued_before_their_leases_expire() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    assert_eq!(fixture.store.requeue_worker_tasks("worker", START).await.unwrap(), 1);
    assert_eq!(fixture.status(lease.task).await, TaskStatus::Pending);
    assert_lease_lost(fixture.store.finish(&lease, &result_of(&lease), "cpu", START).await);
}

#[tokio::test]
async fn the_tasks_of_other_workers_are_not_requeued() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    assert_eq!(fixture.store.requeue_worker_tasks("another", START).await.unwrap(), 0);
    assert_eq!(fixture.status(lease.task).await, TaskStatus::Processing);
}

#[tokio::test]
async fn a_task_whose_workers_keep_dying_fails() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    let mut now = START;
    for _ in 0..fixture.store.max_attempts() {
        now += RETRY_WAIT;
        fixture.lease(now).await;
        fixture.store.reap(now + LEASE + 1).await.unwrap();
    }
    let task = fixture.task(id).await;
    assert_eq!((task.status, task.failure.unwrap().code.as_str()), (TaskStatus::Failed, "worker_lost"));
}

fn worker() -> Worker {
    Worker { id: "w".into(), server: Some("host".into()), engine: "cpu".into(), ready: false, heartbeat_at: START }
}

#[tokio::test]
async fn a_heartbeat_replaces_the_previous_one() {
    let fixture = Fixture::new().await;
    let starting = worker();
    let ready = Worker { ready: true, heartbeat_at: START + 1, ..starting.clone() };
    for worker in [starting, ready] {
        fixture.store.heartbeat(&worker).await.unwrap();
        assert_eq!(fixture.store.workers().await.unwrap(), [worker]);
    }
}

#[tokio::test]
async fn a_deregistered_worker_is_not_listed() {
    let fixture = Fixture::new().await;
    fixture.store.heartbeat(&worker()).await.unwrap();
    fixture.store.deregister("w").await.unwrap();
    assert_eq!(fixture.store.workers().await.unwrap(), []);
}

#[tokio::test]
async fn damaged_rows_of_pending_tasks_fail_and_hold_up_nobody() {
    for damage in ["result = '{'", "id = 'no UUID'", "pixels = -5", "attempts = -9", "recipe = CAST(x'ff' AS TEXT)"] {
        let fixture = Fixture::new().await;
        fixture.submit(fixture.ann).await;
        let next = fixture.submit(fixture.bob).await;
        fixture.damage(&format!("UPDATE tasks SET {damage} WHERE owner = {}", fixture.ann));
        let third = fixture.submit(fixture.bob).await;
        assert_eq!(fixture.store.list(fixture.ann, Page { before: None, limit: 9 }).await.unwrap(), [], "{damage}");
        assert_eq!(fixture.lease(START).await.task, next, "{damage}");
        assert_eq!(fixture.lease(START).await.task, third, "{damage}");
        assert_eq!(fixture.claim(START).await, None, "{damage}");
        let load = fixture.store.load().await.unwrap();
        assert_eq!((load.count(TaskStatus::Failed), load.pending_pixels), (1, 0), "{damage}");
    }
}

#[tokio::test]
async fn damaged_rows_keep_no_other_run_from_being_ended_and_no_result_from_expiring() {
    let fixture = Fixture::new().await;
    let runs = [fixture.start_task().await.task, fixture.start_task().await.task];
    fixture.damage(&format!("UPDATE tasks SET attempts = -9 WHERE id = '{}'", runs[0]));
    assert_eq!(fixture.store.reap(START + 2 * LEASE).await.unwrap(), 2);
    assert_eq!(fixture.status(runs[1]).await, TaskStatus::Pending);
    fixture.store.cancel(runs[1], START).await.unwrap();

    let (_, damaged) = fixture.complete_task().await;
    let (_, key) = fixture.complete_task().await;
    fixture.damage(&format!("UPDATE tasks SET id = 'no UUID' WHERE result LIKE '%{damaged}%'"));
    assert_eq!(fixture.store.expire(START + 1, START).await.unwrap(), [key]);
}
