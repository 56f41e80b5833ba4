//! The database file, its connections and its transactions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::rows;
use crate::account::canonical_user_name;
use crate::error::{Result, StoreError};

/// The versions of the schema, which SQLite keeps as `user_version`, from the oldest one that this program can read.
/// Each has the script that updates a file to it from the version before. A new file runs all scripts.
const SCHEMA: [(i64, &str); 2] = [(2, include_str!("schema/2.sql")), (3, include_str!("schema/3.sql"))];

/// How long a connection waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many prepared statements a connection keeps: more than there are different ones.
const CACHED_STATEMENTS: usize = 64;

/// A store in a SQLite file. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Sqlite(Arc<Connections>);

#[derive(Debug)]
struct Connections {
    path: PathBuf,
    /// What identifies the file that is open.
    file: Option<(u64, u64)>,
    writer: Mutex<Connection>,
    /// The idle read connections. A read opens a new one if there is none.
    readers: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Opens the file, and creates it if it does not exist. A file with an older schema version is updated.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be written, is not a database, or has a schema version
    /// that this program does not know.
    pub fn open(path: &Path) -> Result<Self> {
        let mut writer = connect(path, OpenFlags::default())?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        // A commit is on the disk when it returns, so that an accepted task survives a power failure.
        writer.pragma_update(None, "synchronous", "full")?;
        writer.pragma_update(None, "foreign_keys", true)?;
        // The log stays small, so that the database can be written for a while when the disk is nearly full.
        writer.pragma_update(None, "wal_autocheckpoint", 50)?;
        update_schema(&mut writer, path)?;
        Ok(Self(Arc::new(Connections {
            path: path.into(),
            file: file_identity(path),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })))
    }

    /// Runs a query on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        run_blocking(move || store.read_inline(query)).await
    }

    /// Runs a query on the current thread. Use it to look up a row by its key, which takes less time than a switch to
    /// another thread and back.
    pub(super) fn read_inline<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = lock(&self.0.readers).pop();
        let connection = idle.map_or_else(|| connect_reader(&self.0.path), Ok)?;
        let result = query(&connection);
        lock(&self.0.readers).push(connection);
        result
    }

    /// Runs a transaction on a thread that may block. It is committed if `change` succeeds, and rolled back otherwise.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connections = self.0.clone();
        run_blocking(move || {
            let mut writer = lock(&connections.writer);
            // SQLite refuses to upgrade a deferred transaction from reading to writing if another process has written
            // in between; an immediate transaction waits for that process at its start.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Checks that the file is still at its path.
    pub(super) fn check_file(&self) -> Result<()> {
        if file_identity(&self.0.path) == self.0.file { Ok(()) } else { Err(StoreError::Replaced) }
    }
}

/// Creates the tables in a new file, and updates those of an older schema version.
fn update_schema(writer: &mut Connection, path: &Path) -> Result<()> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let is_known = found == 0 || SCHEMA.iter().any(|(version, _)| *version == found);
    if !is_known {
        return Err(StoreError::Database(format!(
            "{} has schema version {found}, which this program does not know: use the program that wrote the file \
             last, or another data folder",
            path.display()
        )));
    }
    for (version, script) in SCHEMA.iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(script)?;
        if *version == 3 {
            canonicalise_user_names(&transaction, path)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
    }
    Ok(transaction.commit()?)
}

/// Brings the names of users into the form in which version 3 looks them up.
///
/// # Errors
/// [`StoreError::Database`] if two of them have the same form.
fn canonicalise_user_names(transaction: &Transaction<'_>, path: &Path) -> Result<()> {
    let mut select = transaction.prepare("SELECT id, name FROM users ORDER BY id")?;
    let users = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.filter_map(rows::readable);
    let users: Vec<(i64, String)> = users.collect::<rusqlite::Result<_>>()?;
    let mut names: HashMap<String, &str> = HashMap::new();
    for (_, name) in &users {
        if let Some(other) = names.insert(canonical_user_name(name), name) {
            return Err(StoreError::Database(format!(
                "{} has the users {other} and {name}, whose names count as the same one from this version on: rename \
                 one of them in its table `users`, then start again",
                path.display()
            )));
        }
    }
    for (id, name) in &users {
        transaction.execute("UPDATE users SET name = ? WHERE id = ?", params![canonical_user_name(name), id])?;
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

fn connect_reader(path: &Path) -> Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Locks a mutex even if a thread panicked while it held the lock: a panic rolls back the transaction of that thread,
/// so the connections remain usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(StoreError::Database(error.to_string())))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            _ => StoreError::Database(error.to_string()),
        }
    }
}

/// Returns what identifies the file at `path`. Other systems than Unix do not let an open file be deleted.
#[cfg(unix)]
fn file_identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn file_identity(_: &Path) -> Option<(u64, u64)> {
    None
}
