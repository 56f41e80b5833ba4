//! Removal of files that no task refers to.
//!
//! Rows and files cannot be changed in one transaction, so a crash may leave a file without a row. Writers publish the
//! file before the row, so that a row never lacks its file; this module removes the files that remain.

use std::collections::HashSet;
use std::time::Duration;

use crate::blobs::Blobs;
use crate::error::{Result, StoreError};
use crate::store::Tasks;

/// How long a complete photo may exist before its task refers to it.
const MAX_ACCEPTANCE: Duration = Duration::from_secs(60);

/// How many files are compared with tasks at once.
const BATCH_FILES: usize = 1000;

/// Removes blobs that no task refers to, and incomplete uploads. Returns the names of the removed files.
///
/// Other processes may write blobs meanwhile. A photo has no row until it is accepted, so it is removed only if its
/// file has not changed for a minute, or for `max_upload` while it is incomplete. A result has a row, that of its run,
/// before it has a file. A file that cannot be removed is left for the next call.
///
/// # Errors
/// [`StoreError::Database`] or [`StoreError::Storage`] if the rows or the files cannot be listed.
pub async fn reconcile(
    tasks: &(impl Tasks + Sync + ?Sized),
    blobs: &Blobs,
    max_upload: Duration,
) -> Result<Vec<String>> {
    let files = run_blocking(blobs, Blobs::list_files).await??;
    let mut removed = Vec::new();
    // The references are queried after the files are listed: a task accepted in between refers to its file, and a file
    // created in between is not in the list.
    for batch in files.chunks(BATCH_FILES) {
        let keys: HashSet<&str> = batch.iter().map(|name| key(name)).collect();
        let referenced = tasks.referenced(keys.into_iter().map(String::from).collect()).await?;
        let batch = batch.to_vec();
        let remove = move |blobs: &Blobs| {
            let is_orphan = |name: &String| {
                min_age_of_orphan(name, referenced.contains(key(name)), max_upload)
                    .is_some_and(|min_age| min_age.is_zero() || blobs.age(name).is_some_and(|age| age >= min_age))
            };
            batch.into_iter().filter(is_orphan).filter(|name| blobs.remove_file(name).is_ok()).collect::<Vec<_>>()
        };
        removed.extend(run_blocking(blobs, remove).await?);
    }
    Ok(removed)
}

/// Returns the key of the blob that a file belongs to: a file derived from a blob has the blob's name and an extension,
/// and a temporary file a `#` and a number.
fn key(name: &str) -> &str {
    name.split(['.', '#']).next().unwrap_or(name)
}

/// Returns the age from which a file is an orphan; `None` if it is needed.
fn min_age_of_orphan(name: &str, is_referenced: bool, max_upload: Duration) -> Option<Duration> {
    let is_incomplete = name.contains('#');
    let is_photo = name.starts_with("inputs/");
    match (is_incomplete, is_referenced) {
        (false, true) => None,
        (true, true) => Some(max_upload),
        (true, false) if is_photo => Some(max_upload),
        (false, false) if is_photo => Some(max_upload.min(MAX_ACCEPTANCE)),
        (_, false) => Some(Duration::ZERO),
    }
}

async fn run_blocking<T: Send + 'static>(blobs: &Blobs, work: impl FnOnce(&Blobs) -> T + Send + 'static) -> Result<T> {
    let blobs = blobs.clone();
    let done = tokio::task::spawn_blocking(move || work(&blobs)).await;
    done.map_err(|error| StoreError::Storage(error.to_string()))
}
