//! Blobs, and what a crash leaves.

use std::time::Duration;

use bytes::Bytes;
use cameo_tasks::{Lease, Task, reconcile};

use crate::{START, fresh};

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
