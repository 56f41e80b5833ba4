//! Conversions between columns or rows and the types of this crate.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use uuid::Uuid;

use crate::account::{Config, User};
use crate::queue::Worker;
use crate::task::{Failure, Task, TaskResult, TaskStatus};

impl FromSql for TaskStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(FromSqlError::other)
    }
}

/// A UUID, stored as text.
pub struct Id(pub Uuid);

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::try_parse(value.as_str()?).map(Id).map_err(FromSqlError::other)
    }
}

/// Returns a value as JSON. A list of ids is passed to a statement in this form.
pub fn json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// Stored as JSON.
impl ToSql for TaskResult {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(json(self)?.into())
    }
}

impl FromSql for TaskResult {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)
    }
}

/// Reads a row with all columns of `tasks`.
pub fn task(row: &Row<'_>) -> Result<Task> {
    task_columns(row).inspect_err(|error| {
        let id: String = row.get("id").unwrap_or_default();
        tracing::error!(task = id, %error, "the row of a task is damaged");
    })
}

fn task_columns(row: &Row<'_>) -> Result<Task> {
    let code: Option<String> = row.get("failure_code")?;
    let reason: Option<String> = row.get("failure_reason")?;
    Ok(Task {
        id: row.get::<_, Id>("id")?.0,
        seq: row.get("seq")?,
        owner: row.get("owner")?,
        operation: row.get("operation")?,
        recipe: row.get("recipe")?,
        status: row.get("status")?,
        pixels: row.get("pixels")?,
        created_at: row.get("created_at")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        progress: row.get("progress")?,
        stage: row.get("stage")?,
        engine: row.get("engine")?,
        attempts: row.get("attempts")?,
        failure: code.zip(reason).map(|(code, reason)| Failure { code, reason }),
        result: row.get("result")?,
        expired: row.get("expired")?,
    })
}

/// Leaves out a row whose values make no sense, so that one damaged row does not hide the others.
pub fn readable<T>(row: Result<T>) -> Option<Result<T>> {
    match row {
        Err(error) if is_damage(&error) => None,
        row => Some(row),
    }
}

/// Returns whether the values of a row make no sense. Any other error concerns the whole database.
pub fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

/// Reads a row with all columns of `workers`.
pub fn worker(row: &Row<'_>) -> Result<Worker> {
    worker_columns(row).inspect_err(|error| {
        let id: String = row.get("id").unwrap_or_default();
        tracing::error!(worker = id, %error, "the row of a worker is damaged");
    })
}

fn worker_columns(row: &Row<'_>) -> Result<Worker> {
    Ok(Worker {
        id: row.get("id")?,
        server: row.get("server")?,
        engine: row.get("engine")?,
        ready: row.get("ready")?,
        heartbeat_at: row.get("heartbeat_at")?,
    })
}

/// Reads a row with all columns of `users`.
pub fn user(row: &Row<'_>) -> Result<User> {
    user_columns(row).inspect_err(|error| {
        let id: i64 = row.get("id").unwrap_or_default();
        tracing::error!(user = id, %error, "the row of a user is damaged");
    })
}

fn user_columns(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        disabled: row.get("disabled")?,
        demo: row.get("demo")?,
        created_at: row.get("created_at")?,
        password_changed_at: row.get("password_changed_at")?,
    })
}

/// Reads a row with all columns of `configs`.
pub fn config(row: &Row<'_>) -> Result<Config> {
    config_columns(row).inspect_err(|error| {
        let id: String = row.get("id").unwrap_or_default();
        tracing::error!(config = id, %error, "the row of a config is damaged");
    })
}

fn config_columns(row: &Row<'_>) -> Result<Config> {
    Ok(Config {
        id: row.get::<_, Id>("id")?.0,
        owner: row.get("owner")?,
        name: row.get("name")?,
        shared: row.get("shared")?,
        options: row.get("options")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
