//! Tasks that are over, and what is told of all.

use cameo_tasks::{Millis, Page, Status};
use uuid::Uuid;

use crate::{LEASE, START, fresh, lost, outcome};

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
