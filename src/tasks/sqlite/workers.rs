//! Workers, and the store's version.

use async_trait::async_trait;
use rusqlite::params;

use super::{Sqlite, blocking};
use crate::{Result, Worker, Workers};

#[async_trait]
impl Workers for Sqlite {
    async fn tell(&self, worker: &Worker) -> Result<()> {
        let worker = worker.clone();
        self.write(move |db| {
            db.prepare_cached("INSERT OR REPLACE INTO workers (id, engine, ready, beat_at) VALUES (?, ?, ?, ?)")?
                .execute(params![worker.id, worker.engine, worker.ready, worker.beat_at])?;
            Ok(())
        })
        .await
    }

    async fn gone(&self, id: &str) -> Result<()> {
        let id = id.to_string();
        self.write(move |db| {
            db.prepare_cached("DELETE FROM workers WHERE id = ?")?.execute([id])?;
            Ok(())
        })
        .await
    }

    async fn workers(&self) -> Result<Vec<Worker>> {
        self.read(|db| {
            let mut found = db.prepare_cached("SELECT id, engine, ready, beat_at FROM workers ORDER BY id")?;
            let rows = found.query_map([], |row| {
                Ok(Worker { id: row.get(0)?, engine: row.get(1)?, ready: row.get(2)?, beat_at: row.get(3)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

impl Sqlite {
    pub(super) async fn data_version(&self) -> Result<i64> {
        let inner = self.0.clone();
        blocking(move || {
            let versions = inner.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(versions.pragma_query_value(None, "data_version", |row| row.get(0))?)
        })
        .await
    }
}
