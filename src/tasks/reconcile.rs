//! Rows and files are two things, and a crash may come between them: files that no row knows are removed.

use std::time::{Duration, SystemTime};

use crate::{Blobs, Error, Result, Tasks};

/// A photo lies there this long before its task is accepted, at most.
const ACCEPTANCE: Duration = Duration::from_secs(60);

/// Removes blobs that belong to no task, and uploads that have not grown for `grace`. Returns their names.
///
/// `grace` keeps photos that are still being sent; nothing is sent while a server starts.
pub async fn reconcile(tasks: &(impl Tasks + Sync + ?Sized), blobs: &Blobs, grace: Duration) -> Result<Vec<String>> {
    let listed = {
        let blobs = blobs.clone();
        tokio::task::spawn_blocking(move || blobs.all()).await.map_err(|error| Error::Data(error.to_string()))??
    };
    // Asked after the listing: what was accepted in between is in it, and what came since was not listed.
    let alive = tasks.blobs().await?;
    let now = SystemTime::now();
    let orphan = |(name, changed): &(String, SystemTime)| {
        let unfinished = name.contains('#');
        // What was derived from a blob has its name and an ending, and goes when it goes.
        let base = name.split('.').next().unwrap_or(name);
        let kept_for = if unfinished { grace } else { grace.min(ACCEPTANCE) };
        !alive.contains(base) && now.duration_since(*changed).unwrap_or_default() >= kept_for
    };
    let removed = listed.into_iter().filter(orphan).filter(|(name, _)| blobs.remove(name).is_ok());
    Ok(removed.map(|(name, _)| name).collect())
}
