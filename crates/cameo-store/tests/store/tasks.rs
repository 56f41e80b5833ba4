//! Cancellation, deletion, expiry, lists and statistics of tasks, and the database file.

use std::path::Path;

use cameo_store::{Accounts, Millis, Page, Sqlite, StoreError, TaskStatus, Tasks, Workers};
use uuid::Uuid;

use crate::{Fixture, LEASE, START, assert_lease_lost, failure, result_of};

#[tokio::test]
async fn a_cancelled_pending_task_is_not_claimed() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    assert!(fixture.store.cancel(id, START).await.unwrap());
    assert_eq!(fixture.status(id).await, TaskStatus::Cancelled);
    assert_eq!(fixture.claim(START).await, None);
}

#[tokio::test]
async fn the_lease_on_a_cancelled_task_is_lost() {
    let fixture = Fixture::new().await;
    let lease = fixture.start_task().await;
    assert!(fixture.store.cancel(lease.task, START).await.unwrap());
    assert_lease_lost(fixture.store.renew(&lease, LEASE, 0.5, "matte", START).await);
    assert_lease_lost(fixture.store.finish(&lease, &result_of(&lease), "cpu", START).await);
    assert_lease_lost(fixture.store.release(&lease).await);
    assert_eq!(fixture.status(lease.task).await, TaskStatus::Cancelled);
}

#[tokio::test]
async fn a_completed_task_cannot_be_cancelled() {
    let fixture = Fixture::new().await;
    let (id, _) = fixture.complete_task().await;
    assert!(!fixture.store.cancel(id, START).await.unwrap());
    assert_eq!(fixture.status(id).await, TaskStatus::Completed);
}

#[tokio::test]
async fn an_unknown_task_cannot_be_cancelled() {
    assert!(!Fixture::new().await.store.cancel(Uuid::new_v4(), START).await.unwrap());
}

#[tokio::test]
async fn an_active_task_cannot_be_deleted() {
    let fixture = Fixture::new().await;
    let running = fixture.start_task().await.task;
    let pending = fixture.submit(fixture.bob).await;
    for id in [running, pending] {
        assert!(fixture.task(id).await.status.is_active());
        assert!(!fixture.store.delete(id).await.unwrap());
    }
}

#[tokio::test]
async fn an_inactive_task_can_be_deleted() {
    let fixture = Fixture::new().await;
    let (completed, _) = fixture.complete_task().await;
    let cancelled = fixture.submit(fixture.bob).await;
    fixture.store.cancel(cancelled, START).await.unwrap();
    for id in [completed, cancelled] {
        assert!(!fixture.task(id).await.status.is_active());
        assert!(fixture.store.delete(id).await.unwrap());
        assert_eq!(fixture.store.task(id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_result_expires_when_its_time_is_over() {
    let fixture = Fixture::new().await;
    let (id, result) = fixture.complete_task().await;
    assert_eq!(fixture.store.expire(START, 0).await.unwrap(), Vec::<String>::new(), "its time is not yet over");
    assert!(!fixture.task(id).await.expired);
    assert_eq!(fixture.store.expire(START + 1, 0).await.unwrap(), [result]);
    assert_eq!(fixture.store.expire(START + 1, 0).await.unwrap(), Vec::<String>::new(), "it expires once");
    let task = fixture.task(id).await;
    assert_eq!((task.status, task.expired), (TaskStatus::Completed, true));
}

#[tokio::test]
async fn a_task_is_deleted_when_its_time_is_over() {
    let fixture = Fixture::new().await;
    let (id, _) = fixture.complete_task().await;
    fixture.store.expire(START + 1, START).await.unwrap();
    assert!(fixture.task(id).await.expired);
    fixture.store.expire(START + 1, START + 1).await.unwrap();
    assert_eq!(fixture.store.task(id).await.unwrap(), None);
}

#[tokio::test]
async fn an_active_task_does_not_expire() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(fixture.ann).await;
    assert_eq!(fixture.store.expire(Millis::MAX, Millis::MAX).await.unwrap(), Vec::<String>::new());
    assert_eq!(fixture.status(id).await, TaskStatus::Pending);
}

#[tokio::test]
async fn a_list_has_the_tasks_of_its_owner_from_the_newest_in_pages() {
    let fixture = Fixture::new().await;
    let mut submitted = Vec::new();
    for _ in 0..5 {
        submitted.push(fixture.submit(fixture.ann).await);
        fixture.submit(fixture.bob).await;
    }
    let (mut listed, mut before) = (Vec::new(), None);
    loop {
        let page = fixture.store.list(fixture.ann, Page { before, limit: 2 }).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        listed.extend(page.iter().map(|task| task.id));
    }
    submitted.reverse();
    assert_eq!(listed, submitted);
}

#[tokio::test]
async fn the_load_counts_tasks_by_status_and_operation() {
    let fixture = Fixture::new().await;
    fixture.complete_task().await;
    fixture.submit(fixture.ann).await;
    let load = fixture.store.load().await.unwrap();
    assert_eq!((load.count(TaskStatus::Pending), load.count(TaskStatus::Completed)), (1, 1));
    assert!(load.counts.contains(&(TaskStatus::Pending, "combo".to_string(), 1)), "{load:?}");
}

#[tokio::test]
async fn the_counts_of_the_load_follow_each_change() {
    let fixture = Fixture::new().await;
    fixture.complete_task().await;
    let lease = fixture.start_task().await;
    fixture.store.fail(&lease, &failure(), false, START).await.unwrap();
    let lease = fixture.start_task().await;
    fixture.store.release(&lease).await.unwrap();
    let lease = fixture.lease(START).await;
    fixture.store.renew(&lease, LEASE, 0.5, "matte", START).await.unwrap();
    let cancelled = fixture.submit(fixture.bob).await;
    fixture.store.cancel(cancelled, START).await.unwrap();
    let counts = async || {
        let load = fixture.store.load().await.unwrap();
        use TaskStatus::{Cancelled, Completed, Failed, Pending, Processing};
        [Pending, Processing, Completed, Failed, Cancelled].map(|status| load.count(status))
    };
    assert_eq!(counts().await, [0, 1, 1, 1, 1]);
    fixture.store.delete(cancelled).await.unwrap();
    fixture.store.requeue_worker_tasks("worker", START).await.unwrap();
    assert_eq!(counts().await, [1, 0, 1, 1, 0]);
    fixture.store.expire(START + 1, START + 1).await.unwrap();
    assert_eq!(counts().await, [1, 0, 0, 0, 0]);
    assert_eq!(fixture.store.load().await.unwrap().counts.len(), 1, "combinations without a task are absent");
}

#[tokio::test]
async fn the_load_measures_pending_tasks() {
    let fixture = Fixture::new().await;
    fixture.submit(fixture.ann).await;
    fixture.submit(fixture.bob).await;
    let load = fixture.store.load().await.unwrap();
    assert_eq!((load.pending_pixels, load.oldest_pending), (2000, Some(START)));
}

#[tokio::test]
async fn the_load_has_the_mean_run_time_of_completed_tasks() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.store.load().await.unwrap().mean_seconds, None);
    for duration in [1000, 2000] {
        let lease = fixture.start_task().await;
        fixture.store.finish(&lease, &result_of(&lease), "cpu", START + duration).await.unwrap();
    }
    assert_eq!(fixture.store.load().await.unwrap().mean_seconds, Some(1.5));
}

#[tokio::test]
async fn the_stage_totals_add_up_all_completed_tasks() {
    let fixture = Fixture::new().await;
    fixture.complete_task().await;
    fixture.complete_task().await;
    let totals = fixture.store.stage_totals().await.unwrap();
    let totals: Vec<_> = totals.iter().map(|total| (total.stage.as_str(), total.count, total.seconds)).collect();
    assert_eq!(totals, [("decode", 2, 0.02), ("matte", 2, 3.0)]);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    std::fs::write(&path, "not a database, but long enough for the header of one".repeat(9)).unwrap();
    let result = Sqlite::open(&path);
    assert!(matches!(result, Err(StoreError::Database(_))), "{result:?}");
}

#[tokio::test]
async fn a_database_of_an_older_version_is_updated_and_keeps_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    let id = Uuid::new_v4();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/sqlite/schema/2.sql")).unwrap();
    old.execute_batch(&format!(
        "PRAGMA user_version = 2;
         INSERT INTO users (name, password_hash, created_at) VALUES ('ann', 'hash', 1);
         INSERT INTO tasks (id, owner, operation, recipe, status, pixels, created_at)
             VALUES ('{id}', 1, 'combo', '{{}}', 'pending', 7, 2);
         INSERT INTO workers VALUES ('w', 'cpu', 1, 3);"
    ))
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let store = Sqlite::open(&path).unwrap();
        let task = store.task(id).await.unwrap().unwrap();
        assert_eq!((task.status, task.owner, task.pixels), (TaskStatus::Pending, 1, 7));
        let load = store.load().await.unwrap();
        assert_eq!((load.count(TaskStatus::Pending), load.pending_pixels), (1, 7));
        assert_eq!(store.workers().await.unwrap(), [], "those that run register again");
    }
    let schema = |path: &Path| {
        let db = rusqlite::Connection::open(path).unwrap();
        let mut select = db.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<Vec<(String, Option<String>)>>>().unwrap()
    };
    let new = folder.path().join("new.sqlite");
    drop(Sqlite::open(&new).unwrap());
    assert_eq!(schema(&path), schema(&new));
}

/// Creates a file of schema version 2 with users of these names.
fn old_database(path: &Path, names: &[&str]) {
    let old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch(include_str!("../../src/sqlite/schema/2.sql")).unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    for name in names {
        old.execute("INSERT INTO users (name, password_hash, created_at) VALUES (?, 'hash', 1)", [name]).unwrap();
    }
}

#[tokio::test]
async fn an_update_brings_the_names_of_users_into_the_form_in_which_they_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    old_database(&path, &["ÉVE", "Ann", "bob"]);
    let store = Sqlite::open(&path).unwrap();
    for (id, name) in [(1, "ÉVE"), (1, "éve"), (2, "ann"), (3, "Bob")] {
        assert_eq!(store.user_named(name).await.unwrap().map(|user| user.id), Some(id), "{name}");
    }
}

#[test]
fn an_update_refuses_two_users_whose_names_have_become_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    old_database(&path, &["éve", "ÉVE"]);
    for _ in 0..2 {
        let error = Sqlite::open(&path).unwrap_err().to_string();
        assert!(error.contains("the users éve and ÉVE") && error.contains("rename one of them"), "{error}");
    }
}

#[test]
fn a_database_with_another_schema_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    drop(Sqlite::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(error.to_string().contains("schema version 99"), "{error}");
}
