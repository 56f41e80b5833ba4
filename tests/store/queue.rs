//! Tasks from submission to claim.

use cameo_tasks::{Admission, NewTask, Page, Queue, QueueLimits, Sqlite, Status, Submitted, Tasks};
use uuid::Uuid;

use crate::{LEASE, LIMITS, START, fresh, job, outcome};

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
async fn who_looks_sees_what_would_be_claimed_and_changes_nothing() {
    let scene = fresh().await;
    assert_eq!(scene.store.next(START).await.unwrap(), None);
    for owner in [scene.ann, scene.ann, scene.bob] {
        scene.submit(owner).await;
    }
    for turn in 0..3 {
        let seen = scene.store.next(START + turn).await.unwrap().unwrap();
        assert_eq!((seen.status, seen.attempts), (Status::Pending, 0));
        assert_eq!(scene.store.next(START + turn).await.unwrap().as_ref(), Some(&seen));
        assert_eq!(scene.task(seen.id).await, seen);
        assert_eq!(scene.claimed(START + turn).await.task, seen.id);
    }
    assert_eq!(scene.store.next(START + 3).await.unwrap(), None);
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
