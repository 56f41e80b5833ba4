//! Blobs, and the files that a crash leaves behind.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cameo_store::{Lease, StoreError, Task, reconcile};
use futures_util::TryStreamExt;

use crate::{Fixture, START};

impl Fixture {
    /// Removes all orphans, also those that may belong to an upload.
    async fn reconcile(&self) -> Vec<String> {
        reconcile(&*self.store, &self.blobs, Duration::ZERO).await.unwrap()
    }
}

impl Fixture {
    /// Removes orphans while other processes may upload.
    async fn reconcile_during_uploads(&self) -> Vec<String> {
        let mut removed = reconcile(&*self.store, &self.blobs, Duration::from_secs(300)).await.unwrap();
        removed.sort();
        removed
    }
}

#[tokio::test]
async fn the_photo_of_a_pending_task_is_kept() {
    let fixture = Fixture::new().await;
    let photo = Task::input_key(fixture.submit(fixture.ann).await);
    fixture.put(&photo).await;
    assert_eq!(fixture.reconcile().await, Vec::<String>::new());
    assert_eq!(fixture.files(), [photo]);
}

#[tokio::test]
async fn the_photo_and_the_output_of_a_running_task_are_kept() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    let keys = [Task::input_key(lease.task), lease.output_key()];
    for key in &keys {
        fixture.put(key).await;
    }
    assert_eq!(fixture.reconcile().await, Vec::<String>::new());
    assert_eq!(fixture.files(), keys);
}

#[tokio::test]
async fn the_output_of_another_run_is_removed() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    let other = Lease { fence: lease.fence + 1, ..lease };
    fixture.put(&other.output_key()).await;
    assert_eq!(fixture.reconcile().await, [other.output_key()]);
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn the_result_of_a_completed_task_is_kept_and_its_photo_removed() {
    let fixture = Fixture::new().await;
    let (task, result) = fixture.complete_task().await;
    assert_eq!(fixture.reconcile().await, [Task::input_key(task)]);
    assert_eq!(fixture.files(), [result]);
}

#[tokio::test]
async fn an_expired_result_is_removed() {
    let fixture = Fixture::new().await;
    fixture.complete_task().await;
    fixture.store.expire(START + 1, 0).await.unwrap();
    fixture.reconcile().await;
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn files_of_no_task_are_removed() {
    let fixture = Fixture::new().await;
    for name in ["inputs/unknown", "inputs/incomplete#1"] {
        std::fs::write(fixture.blobs.path(name), b"x").unwrap();
    }
    let mut removed = fixture.reconcile().await;
    removed.sort();
    assert_eq!(removed, ["inputs/incomplete#1", "inputs/unknown"]);
}

#[tokio::test]
async fn a_file_derived_from_a_result_is_kept_with_it() {
    let fixture = Fixture::new().await;
    let (_, result) = fixture.complete_task().await;
    let derived = format!("{result}.webp");
    fixture.put(&derived).await;
    fixture.reconcile().await;
    assert_eq!(fixture.files(), [result, derived]);
}

#[tokio::test]
async fn a_file_derived_from_a_result_is_removed_with_it() {
    let fixture = Fixture::new().await;
    let (task, result) = fixture.complete_task().await;
    fixture.put(&format!("{result}.webp")).await;
    fixture.store.delete(task).await.unwrap();
    fixture.reconcile().await;
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_in_progress_is_kept_during_the_grace_period() {
    let fixture = Fixture::new().await;
    let mut upload = fixture.blobs.upload("inputs/photo").await.unwrap();
    upload.write(b"first half").await.unwrap();
    assert_eq!(fixture.reconcile_during_uploads().await, Vec::<String>::new());
    upload.complete().await.unwrap();
    assert_eq!(fixture.blobs.read("inputs/photo").await.unwrap().unwrap(), "first half");
}

#[tokio::test]
async fn an_upload_appears_when_it_is_complete() {
    let fixture = Fixture::new().await;
    let photo = vec![7; 1 << 20];
    let mut upload = fixture.blobs.upload("inputs/photo").await.unwrap();
    upload.write(&photo).await.unwrap();
    assert_eq!(fixture.blobs.read("inputs/photo").await.unwrap(), None);
    upload.complete().await.unwrap();
    assert_eq!(fixture.blobs.read("inputs/photo").await.unwrap().unwrap(), photo);
}

#[test]
fn a_dropped_upload_leaves_no_file() {
    // The file is removed on a blocking thread. With a single one, work that is queued later ends later.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::new().await;
        let mut upload = fixture.blobs.upload("inputs/photo").await.unwrap();
        upload.write(&vec![7; 1 << 20]).await.unwrap();
        assert_eq!(fixture.files(), ["inputs/photo#1"]);
        drop(upload);
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert_eq!(fixture.files(), Vec::<String>::new());
    });
}

#[tokio::test]
async fn during_uploads_only_files_that_nobody_writes_are_removed() {
    let fixture = Fixture::new().await;
    let (completed, running) = (fixture.complete_task().await.1, fixture.start_task().await);
    let stale = Lease { fence: running.fence + 1, ..running.clone() }.output_key();
    fixture.put("inputs/accepted-soon").await;
    for name in [
        "inputs/being-uploaded#1".to_string(),
        format!("{}#1", running.output_key()),
        format!("{completed}.webp#1"),
        format!("{stale}#1"),
        stale.clone(),
    ] {
        std::fs::write(fixture.blobs.path(&name), b"x").unwrap();
    }
    assert_eq!(fixture.reconcile_during_uploads().await, [stale.clone(), format!("{stale}#1")]);
}

#[tokio::test]
async fn a_file_is_an_orphan_when_it_has_not_changed_for_long() {
    let fixture = Fixture::new().await;
    let age = |name: &str, secs| {
        let path = fixture.blobs.path(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(secs)).unwrap();
    };
    for (secs, removed) in [(50, &[][..]), (70, &["inputs/photo"]), (310, &["inputs/photo", "inputs/photo#1"])] {
        age("inputs/photo", secs);
        age("inputs/photo#1", secs);
        assert_eq!(fixture.reconcile_during_uploads().await, removed, "{secs}");
    }
}

#[tokio::test]
async fn many_files_are_compared_with_tasks() {
    let fixture = Fixture::new().await;
    let result = fixture.complete_task().await.1;
    for index in 0..2500 {
        std::fs::write(fixture.blobs.path(&format!("results/{index}")), b"x").unwrap();
    }
    assert_eq!(fixture.reconcile_during_uploads().await.len(), 2500);
    assert!(fixture.files().contains(&result));
}

#[tokio::test]
async fn a_range_of_a_blob_can_be_read() {
    let fixture = Fixture::new().await;
    fixture.blobs.put("results/digits", Bytes::from_static(b"0123456789")).await.unwrap();
    let blob = fixture.blobs.get("results/digits", Some(2..5)).await.unwrap().unwrap();
    assert_eq!(blob.size, 10, "the size is that of the whole blob");
    let chunks: Vec<Bytes> = blob.stream.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"234");
}

#[tokio::test]
async fn a_missing_blob_is_not_an_error() {
    let fixture = Fixture::new().await;
    assert!(fixture.blobs.get("results/none", None).await.unwrap().is_none());
    assert_eq!(fixture.blobs.read("results/none").await.unwrap(), None);
    fixture.blobs.delete("results/none").await.unwrap();
}

#[tokio::test]
async fn a_blob_that_cannot_be_read_is_an_error() {
    let fixture = Fixture::new().await;
    let too_long = format!("results/{}", "x".repeat(1000));
    let result = fixture.blobs.read(&too_long).await;
    assert!(matches!(result, Err(StoreError::Storage(_))), "{result:?}");
}
