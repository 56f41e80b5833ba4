//! The error of every store operation.

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store operation failed.
///
/// A row or blob that does not exist is not an error: look-ups return `None` for it. The causes are kept as text, so
/// that the traits do not depend on one database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The caller no longer holds the lease: the task was cancelled, or the lease expired and the task was given to
    /// another run. The caller must discard what it computed.
    #[error("the lease on this task was lost: discard the output of this run")]
    LeaseLost,
    /// The name is in use. The text says by what.
    #[error("{0} already exists: choose another name")]
    AlreadyExists(String),
    /// The database cannot be read or written, for example because the disk is full or the file is damaged.
    #[error("the database cannot be used: {0}")]
    Database(String),
    /// Another process has been writing for too long.
    #[error("the database is locked by another process")]
    Busy,
    /// The file of the database was deleted or replaced while it was open.
    #[error("the file of the database is not the one that is open: restart the server")]
    Replaced,
    /// The disk of the blob folder has less room than a blob needs.
    #[error("the blob folder has {free} bytes free, and {needed} are needed: make room")]
    NoRoom { needed: u64, free: u64 },
    /// A blob cannot be read or written.
    #[error("the blob folder cannot be used: {0}")]
    Storage(String),
}

impl StoreError {
    /// Returns whether the same operation will succeed when it is repeated a little later, without anybody's help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy)
    }
}
