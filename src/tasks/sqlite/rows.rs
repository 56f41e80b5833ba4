//! Rows to what they stand for.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Result, Row};
use uuid::Uuid;

use crate::{Config, Failure, Outcome, Status, Task, User};

impl ToSql for Status {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Status::ALL.into_iter().find(|status| status.name() == name).ok_or(FromSqlError::InvalidType)
    }
}

/// A UUID in a column of text.
pub struct Id(pub Uuid);

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::try_parse(value.as_str()?).map(Id).map_err(FromSqlError::other)
    }
}

/// An outcome in a column of JSON.
struct Json(Outcome);

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(FromSqlError::other)
    }
}

pub fn task(row: &Row) -> Result<Task> {
    let code: Option<String> = row.get("error_code")?;
    let reason: Option<String> = row.get("error")?;
    Ok(Task {
        id: row.get::<_, Id>("id")?.0,
        seq: row.get("seq")?,
        owner: row.get("owner")?,
        kind: row.get("kind")?,
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
        outcome: row.get::<_, Option<Json>>("outcome")?.map(|json| json.0),
        expired: row.get("expired")?,
    })
}

pub fn user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        disabled: row.get("disabled")?,
        demo: row.get("demo")?,
        created_at: row.get("created_at")?,
        tokens_from: row.get("tokens_from")?,
    })
}

pub fn config(row: &Row) -> Result<Config> {
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
