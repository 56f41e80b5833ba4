//! The uploads that each user has under way: they count as tasks, because their photos take room on the disk.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cameo_store::UserId;

/// Counts uploads by user.
#[derive(Default)]
pub struct Uploads(Mutex<HashMap<UserId, u64>>);

impl Uploads {
    /// Counts an upload of `user` until it is dropped; `None` if there are `max` already.
    pub fn begin(&self, user: UserId, max: u64) -> Option<UploadPlace<'_>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        (*count < max).then(|| {
            *count += 1;
            UploadPlace { uploads: self, user }
        })
    }
}

/// The place of an upload under way.
pub struct UploadPlace<'a> {
    uploads: &'a Uploads,
    user: UserId,
}

impl Drop for UploadPlace<'_> {
    fn drop(&mut self) {
        let mut counts = self.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_count_while_they_are_under_way() {
        let uploads = Uploads::default();
        let first = uploads.begin(1, 2);
        let second = uploads.begin(1, 2);
        assert!(first.is_some() && second.is_some());
        assert!(uploads.begin(1, 2).is_none());
        assert!(uploads.begin(2, 2).is_some());
        drop(second);
        assert!(uploads.begin(1, 2).is_some());
    }
}
