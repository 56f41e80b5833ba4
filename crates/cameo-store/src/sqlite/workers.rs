//! The registry of live workers.

use async_trait::async_trait;
use rusqlite::params;

use super::database::Sqlite;
use super::rows;
use crate::error::Result;
use crate::queue::Worker;
use crate::store::Workers;

#[async_trait]
impl Workers for Sqlite {
    async fn heartbeat(&self, worker: &Worker) -> Result<()> {
        let worker = worker.clone();
        self.write(move |db| {
            db.prepare_cached(
                "INSERT OR REPLACE INTO workers (id, server, engine, ready, heartbeat_at) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                worker.id,
                worker.server,
                worker.engine,
                worker.ready,
                worker.heartbeat_at
            ])?;
            Ok(())
        })
        .await
    }

    async fn deregister(&self, id: &str) -> Result<()> {
        let id = id.to_string();
        self.write(move |db| {
            db.prepare_cached("DELETE FROM workers WHERE id = ?")?.execute([id])?;
            Ok(())
        })
        .await
    }

    async fn workers(&self) -> Result<Vec<Worker>> {
        self.read(|db| {
            let mut select = db.prepare_cached("SELECT * FROM workers ORDER BY id")?;
            Ok(select.query_map([], rows::worker)?.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
