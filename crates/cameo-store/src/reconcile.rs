//! Removal of files that no task refers to.
//!
//! Rows and files cannot be changed in one transaction, so a crash may leave a file without a row. Writers publish the
//! file before the row, so that a row never lacks its file; this module removes the files that remain.

use std::time::{Duration, SystemTime};

use crate::blobs::Blobs;
use crate::error::{Result, StoreError};
use crate::store::Tasks;

/// How long a complete blob may exist before its task refers to it.
const MAX_ACCEPTANCE: Duration = Duration::from_secs(60);

/// Removes blobs that no task refers to, and incomplete uploads. Returns the names of the removed files.
///
/// A file is removed only if it has not changed for `grace`, so that uploads in progress are kept; for complete blobs,
/// a minute is enough. Pass zero while no request is being served, for example at the start of a server. A file that
/// cannot be removed is left for the next call.
///
/// # Errors
/// [`StoreError::Database`] or [`StoreError::Storage`] if the rows or the files cannot be listed.
pub async fn reconcile(tasks: &(impl Tasks + Sync + ?Sized), blobs: &Blobs, grace: Duration) -> Result<Vec<String>> {
    let files = {
        let blobs = blobs.clone();
        let list = tokio::task::spawn_blocking(move || blobs.list_files());
        list.await.map_err(|error| StoreError::Storage(error.to_string()))??
    };
    // Query the references after listing the files: a task accepted in between refers to its file, and a file created
    // in between is not in the list.
    let referenced = tasks.referenced_blobs().await?;
    let now = SystemTime::now();
    let is_orphan = |(name, modified): &(String, SystemTime)| {
        let incomplete = name.contains('#');
        // A file derived from a blob has the blob's name and an extension, and is needed as long as the blob is.
        let key = name.split('.').next().unwrap_or(name);
        let grace = if incomplete { grace } else { grace.min(MAX_ACCEPTANCE) };
        !referenced.contains(key) && now.duration_since(*modified).unwrap_or_default() >= grace
    };
    let removed = files.into_iter().filter(is_orphan).filter(|(name, _)| blobs.remove_file(name).is_ok());
    Ok(removed.map(|(name, _)| name).collect())
}
