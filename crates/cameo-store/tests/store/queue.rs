//! Tasks from their submission to their claim.

use std::collections::HashMap;

use cameo_store::{Admission, IdempotencyKey, NewTask, Page, Queue, QueueLimits, Submission, TaskStatus, Tasks};
use uuid::Uuid;

use crate::{Fixture, LEASE, LIMITS, START, new_task, result_of};

#[tokio::test]
async fn an_accepted_task_is_pending() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    let task = fixture.task(id).await;
    assert_eq!((task.status, task.created_at, task.started_at), (TaskStatus::Pending, START, None));
    assert_eq!((task.attempts, task.progress), (0, 0.0));
}

#[tokio::test]
async fn an_accepted_task_has_the_submitted_fields() {
    let fixture = Fixture::new().await;
    let submitted = new_task(fixture.ann);
    fixture.store.submit(submitted.clone(), LIMITS, START).await.unwrap();
    let task = fixture.task(submitted.id).await;
    assert_eq!((task.owner, task.pixels), (submitted.owner, submitted.pixels));
    assert_eq!((task.operation, task.recipe), (submitted.operation, submitted.recipe));
}

#[tokio::test]
async fn an_accepted_task_is_visible_to_another_process() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    assert_eq!(fixture.reopen().task(id).await.unwrap().unwrap().status, TaskStatus::Pending);
}

#[tokio::test]
async fn an_unknown_task_is_none() {
    assert_eq!(Fixture::new().await.store.task(Uuid::new_v4()).await.unwrap(), None);
}

#[tokio::test]
async fn several_tasks_are_found_at_once() {
    let fixture = Fixture::new().await;
    let ids = [fixture.submit(fixture.ann).await, fixture.submit(fixture.bob).await];
    fixture.submit(fixture.ann).await;
    let mut found = fixture.store.tasks(vec![ids[1], Uuid::new_v4(), ids[0]]).await.unwrap();
    found.sort_by_key(|task| task.seq);
    assert_eq!(found, [fixture.task(ids[0]).await, fixture.task(ids[1]).await]);
}

#[tokio::test]
async fn a_full_queue_refuses_a_task_and_does_not_store_it() {
    let fixture = Fixture::new().await;
    let limits = QueueLimits { tasks: 1, ..LIMITS };
    fixture.submit(fixture.ann).await;
    let refused = new_task(fixture.bob);
    let id = refused.id;
    let submission = fixture.store.submit(refused, limits, START).await.unwrap();
    assert_eq!(submission, Submission::Refused(Admission::QueueFull));
    assert_eq!(fixture.store.task(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_queue_at_its_pixel_limit_refuses_a_task() {
    let fixture = Fixture::new().await;
    let limits = QueueLimits { pixels: 1500, ..LIMITS };
    assert_eq!(fixture.store.submit(new_task(fixture.ann), limits, START).await.unwrap(), Submission::Accepted);
    let submission = fixture.store.submit(new_task(fixture.bob), limits, START).await.unwrap();
    assert_eq!(submission, Submission::Refused(Admission::QueueFull));
}

#[tokio::test]
async fn some_places_are_always_left_for_another_user() {
    let fixture = Fixture::new().await;
    let limits = QueueLimits { tasks: 20, ..LIMITS };
    let submit = async |owner| fixture.store.submit(new_task(owner), limits, START).await.unwrap();
    let mut held = Vec::new();
    for number in 0..5 {
        let owner = fixture.store.add_user(&format!("user {number}"), "hash", false, START).await.unwrap().id;
        held.push(0);
        while submit(owner).await == Submission::Accepted {
            held[number] += 1;
        }
    }
    assert_eq!(held[0], 10, "one user takes half");
    assert!(held[4] >= 1, "{held:?}");
    assert_eq!(submit(fixture.bob).await, Submission::Accepted, "{held:?}");
    assert_eq!(fixture.store.admission(fixture.bob, limits).await.unwrap(), Admission::QueueFull);
}

#[tokio::test]
async fn an_empty_queue_accepts_a_photo_above_its_pixel_limit() {
    let fixture = Fixture::new().await;
    let limits = QueueLimits { pixels: 10, ..LIMITS };
    assert_eq!(fixture.store.submit(new_task(fixture.ann), limits, START).await.unwrap(), Submission::Accepted);
}

const TWO_PER_USER: QueueLimits = QueueLimits { tasks_per_user: 2, ..LIMITS };

#[tokio::test]
async fn pending_and_running_tasks_count_towards_the_limit_of_a_user() {
    let fixture = Fixture::new().await;
    fixture.start_task().await;
    assert_eq!(fixture.store.admission(fixture.ann, TWO_PER_USER).await.unwrap(), Admission::Open { remaining: 1 });
    fixture.submit(fixture.ann).await;
    assert_eq!(fixture.store.admission(fixture.ann, TWO_PER_USER).await.unwrap(), Admission::UserFull);
}

#[tokio::test]
async fn a_task_above_the_limit_of_its_user_is_refused() {
    let fixture = Fixture::new().await;
    fixture.submit(fixture.ann).await;
    fixture.submit(fixture.ann).await;
    let submission = fixture.store.submit(new_task(fixture.ann), TWO_PER_USER, START).await.unwrap();
    assert_eq!(submission, Submission::Refused(Admission::UserFull));
}

#[tokio::test]
async fn tasks_of_others_do_not_count_towards_the_limit_of_a_user() {
    let fixture = Fixture::new().await;
    fixture.submit(fixture.ann).await;
    fixture.submit(fixture.ann).await;
    assert_eq!(fixture.store.admission(fixture.bob, TWO_PER_USER).await.unwrap(), Admission::Open { remaining: 2 });
}

fn task_with_key(owner: i64, request_hash: &str) -> NewTask {
    let key = IdempotencyKey { key: "key".into(), request_hash: request_hash.into() };
    NewTask { idempotency: Some(key), ..new_task(owner) }
}

#[tokio::test]
async fn a_repeated_request_returns_the_first_task() {
    let fixture = Fixture::new().await;
    let (first, second) = (task_with_key(fixture.ann, "hash"), task_with_key(fixture.ann, "hash"));
    let id = first.id;
    assert_eq!(fixture.store.submit(first, LIMITS, START).await.unwrap(), Submission::Accepted);
    assert_eq!(fixture.store.submit(second, LIMITS, START).await.unwrap(), Submission::Duplicate(id));
    assert_eq!(fixture.store.list(fixture.ann, Page { before: None, limit: 9 }).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_request_with_the_same_key_is_reported() {
    let fixture = Fixture::new().await;
    let (first, second) = (task_with_key(fixture.ann, "hash"), task_with_key(fixture.ann, "other hash"));
    assert_eq!(fixture.store.submit(first, LIMITS, START).await.unwrap(), Submission::Accepted);
    assert_eq!(fixture.store.submit(second, LIMITS, START).await.unwrap(), Submission::KeyReused);
}

#[tokio::test]
async fn two_users_may_use_the_same_key() {
    let fixture = Fixture::new().await;
    for owner in [fixture.ann, fixture.bob] {
        let submission = fixture.store.submit(task_with_key(owner, "hash"), LIMITS, START).await.unwrap();
        assert_eq!(submission, Submission::Accepted);
    }
}

#[tokio::test]
async fn an_empty_queue_has_nothing_to_claim() {
    assert_eq!(Fixture::new().await.claim(START).await, None);
}

#[tokio::test]
async fn a_claimed_task_is_processing() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    let claim = fixture.claim(START + 5).await.unwrap();
    assert_eq!((claim.lease.task, claim.task.status, claim.task.attempts), (id, TaskStatus::Processing, 1));
    assert_eq!(fixture.task(id).await.started_at, Some(START + 5));
}

#[tokio::test]
async fn a_claimed_task_is_not_claimed_again() {
    let fixture = Fixture::new().await;
    fixture.start_task().await;
    assert_eq!(fixture.claim(START + 1).await, None);
}

#[tokio::test]
async fn peek_returns_the_tasks_that_are_claimed_next() {
    let fixture = Fixture::new().await;
    for owner in [fixture.ann, fixture.ann, fixture.bob] {
        fixture.submit(owner).await;
    }
    let all = fixture.store.peek(9, START).await.unwrap();
    assert_eq!(fixture.store.peek(2, START).await.unwrap(), all[..2]);
    for next in &all {
        assert_eq!(fixture.lease(START).await.task, next.id);
    }
    assert_eq!(fixture.store.peek(9, START).await.unwrap(), []);
}

#[tokio::test]
async fn peek_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.submit(fixture.ann).await;
    let next = fixture.store.peek(1, START).await.unwrap();
    assert_eq!((next[0].status, next[0].attempts), (TaskStatus::Pending, 0));
    assert_eq!(fixture.store.peek(1, START).await.unwrap(), next);
    assert_eq!(fixture.task(next[0].id).await, next[0]);
}

#[tokio::test]
async fn a_preferred_task_is_claimed_if_it_is_ready() {
    let fixture = Fixture::new().await;
    let [first, second, third] =
        [fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await];
    let claim = async |preferred| {
        let claim = fixture.store.claim("worker", Some(preferred), LEASE, START).await.unwrap();
        claim.map(|claim| claim.lease.task)
    };
    assert_eq!(claim(second).await, Some(second));
    assert_eq!(claim(second).await, Some(first), "it runs already");
    assert_eq!(claim(Uuid::new_v4()).await, Some(third), "there is no such task");
    fixture.store.requeue_worker_tasks("worker", START).await.unwrap();
    assert_eq!(claim(second).await, None, "it waits for its retry");
}

#[tokio::test]
async fn two_processes_never_claim_the_same_task() {
    let fixture = Fixture::new().await;
    for _ in 0..20 {
        fixture.submit(fixture.ann).await;
    }
    let claimers = (0..4).map(|_| {
        let store = fixture.reopen();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            while let Some(claim) = store.claim("one of four", None, LEASE, START).await.unwrap() {
                claimed.push(claim.lease.task);
            }
            claimed
        })
    });
    let mut claimed = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        claimed.extend(claimer.await.unwrap());
    }
    assert_eq!(claimed.len(), 20);
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 20);
}

#[tokio::test]
async fn the_tasks_of_one_user_are_claimed_in_the_order_of_submission() {
    let fixture = Fixture::new().await;
    let ids = [fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await];
    for id in ids {
        assert_eq!(fixture.lease(START).await.task, id);
    }
}

#[tokio::test]
async fn users_take_turns() {
    let fixture = Fixture::new().await;
    let ann = [fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await, fixture.submit(fixture.ann).await];
    let bob = [fixture.submit(fixture.bob).await, fixture.submit(fixture.bob).await];
    let mut order = Vec::new();
    for turn in 0..5 {
        let lease = fixture.lease(START + turn).await;
        fixture.store.finish(&lease, &result_of(&lease), "cpu", START + turn).await.unwrap();
        order.push(lease.task);
    }
    assert_eq!(order, [ann[0], bob[0], ann[1], bob[1], ann[2]]);
}

#[tokio::test]
async fn a_user_with_running_tasks_waits_for_one_without() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.submit(fixture.ann).await;
    }
    fixture.lease(START).await;
    fixture.lease(START + 1).await;
    let bob = fixture.submit(fixture.bob).await;
    assert_eq!(fixture.lease(START + 2).await.task, bob);
}

#[tokio::test]
async fn the_queue_position_is_the_turn_in_which_a_task_is_claimed() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for owner in [fixture.ann, fixture.ann, fixture.ann, fixture.bob] {
        ids.push(fixture.submit(owner).await);
    }
    let found = fixture.store.queue_positions(ids.clone()).await.unwrap();
    let positions: Vec<u64> = ids.iter().map(|id| found[id]).collect();
    assert_eq!(positions, [1, 3, 4, 2]);
    for (turn, id) in [ids[0], ids[3], ids[1], ids[2]].into_iter().enumerate() {
        assert_eq!(fixture.lease(START + turn as i64).await.task, id);
    }
}

#[tokio::test]
async fn a_running_task_has_no_queue_position() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    let waiting = fixture.submit(fixture.ann).await;
    let positions = fixture.store.queue_positions(vec![lease.task, waiting, Uuid::new_v4()]).await.unwrap();
    assert_eq!(positions, HashMap::from([(waiting, 1)]));
}
