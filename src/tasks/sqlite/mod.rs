//! The store of one machine: one SQLite file, one writer at a time, readers that nobody holds up.

mod accounts;
mod queue;
mod rows;
mod tasks;
mod workers;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Error, Result};

/// The schema's version, kept in SQLite's `user_version`.
const VERSION: i64 = 1;
const SCHEMA: &str = include_str!("schema.sql");

/// A first run and three retries.
const MAX_ATTEMPTS: u32 = 4;

/// Shared by its clones; several processes may open the same file.
#[derive(Debug, Clone)]
pub struct Sqlite(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Mutex<Connection>,
    /// Idle ones; as many are opened as there are reads at once.
    readers: Mutex<Vec<Connection>>,
    /// Sees every commit, its own process's too, because nothing is ever written through it.
    versions: Mutex<Connection>,
    path: std::path::PathBuf,
}

impl Sqlite {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`Error::Data`] if it cannot be written, is no database, or was made by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let mut writer = connect(path, OpenFlags::default())?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        // A commit is on the disk when it returns: an accepted task survives a power cut.
        writer.pragma_update(None, "synchronous", "full")?;
        writer.pragma_update(None, "foreign_keys", true)?;
        let made = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = made.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match version {
            0 => {
                made.execute_batch(SCHEMA)?;
                made.pragma_update(None, "user_version", VERSION)?;
            }
            VERSION => {}
            newer => {
                let text = format!("{} has version {newer}, this program knows {VERSION}", path.display());
                return Err(Error::Data(format!("{text}: use the newer program")));
            }
        }
        made.commit()?;
        let versions = Mutex::new(reader(path)?);
        let inner = Inner { writer: Mutex::new(writer), readers: Mutex::default(), versions, path: path.into() };
        Ok(Self(Arc::new(inner)))
    }

    /// Reads, on a thread that may block.
    async fn read<T: Send + 'static>(&self, run: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let store = self.clone();
        blocking(move || store.look_up(run)).await
    }

    /// Reads where it stands: for a row by its key, which takes less than changing threads twice.
    fn look_up<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| reader(&self.0.path), Ok)?;
        let done = run(&connection);
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        done
    }

    /// Changes all of what `run` changes, or nothing.
    async fn write<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Transaction) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = self.0.clone();
        blocking(move || {
            let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            // Immediate: a transaction that began by reading could not wait for another process's write.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = run(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(run).await.unwrap_or_else(|error| Err(Error::Data(error.to_string())))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let opened = Connection::open_with_flags(path, flags);
    let connection = opened.map_err(|error| Error::Data(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn reader(path: &Path) -> Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Error::Data(error.to_string())
    }
}
