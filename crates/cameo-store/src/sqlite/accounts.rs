//! Users, and the configs they save.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::database::Sqlite;
use super::rows;
use crate::account::{Config, User, UserId, canonical_user_name};
use crate::error::{Result, StoreError};
use crate::store::{Accounts, Configs};
use crate::time::Millis;

/// Assigns the time `?2` to the column by which tokens are valid. It grows also when the clock has been put back, so
/// that no older token becomes valid again.
const INVALIDATE_TOKENS: &str = "password_changed_at = max(?2, password_changed_at + 1)";

#[async_trait]
impl Accounts for Sqlite {
    async fn add_user(&self, name: &str, password_hash: &str, demo: bool, now: Millis) -> Result<User> {
        let (name, hash) = (canonical_user_name(name), password_hash.to_string());
        self.write(move |db| {
            let taken = db.prepare_cached("SELECT 1 FROM users WHERE name = ?")?.exists([&name])?;
            if taken {
                return Err(StoreError::AlreadyExists(format!("a user named {name}")));
            }
            let user = db
                .prepare_cached(
                    "INSERT INTO users (name, password_hash, demo, created_at) VALUES (?, ?, ?, ?) RETURNING *",
                )?
                .query_row(params![name, hash, demo, now], rows::user)?;
            Ok(user)
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.read_inline(|db| {
            Ok(db.prepare_cached("SELECT * FROM users WHERE id = ?")?.query_row([id], rows::user).optional()?)
        })
    }

    async fn user_named(&self, name: &str) -> Result<Option<User>> {
        let name = canonical_user_name(name);
        self.read(move |db| {
            Ok(db.prepare_cached("SELECT * FROM users WHERE name = ?")?.query_row([name], rows::user).optional()?)
        })
        .await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.read(|db| {
            let mut select = db.prepare_cached("SELECT * FROM users ORDER BY name")?;
            Ok(select.query_map([], rows::user)?.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn set_password(&self, name: &str, password_hash: &str, now: Millis) -> Result<bool> {
        let (name, hash) = (canonical_user_name(name), password_hash.to_string());
        self.write(move |db| {
            let changed = db
                .prepare_cached(&format!(
                    "UPDATE users SET password_hash = ?1, demo = 0, {INVALIDATE_TOKENS} WHERE name = ?3"
                ))?
                .execute(params![hash, now, name])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn disable_user(&self, name: &str, now: Millis) -> Result<bool> {
        let name = canonical_user_name(name);
        self.write(move |db| {
            let changed = db
                .prepare_cached(&format!("UPDATE users SET disabled = ?1, {INVALIDATE_TOKENS} WHERE name = ?3"))?
                .execute(params![true, now, name])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn enable_user(&self, name: &str) -> Result<bool> {
        let name = canonical_user_name(name);
        self.write(move |db| {
            let changed = db.prepare_cached("UPDATE users SET disabled = 0 WHERE name = ?")?.execute([name])?;
            Ok(changed == 1)
        })
        .await
    }
}

#[async_trait]
impl Configs for Sqlite {
    async fn configs(&self, user: UserId) -> Result<Vec<Config>> {
        self.read(move |db| {
            let mut select =
                db.prepare_cached("SELECT * FROM configs WHERE owner = ? OR shared = 1 ORDER BY name, id")?;
            Ok(select.query_map([user], rows::config)?.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn config(&self, id: Uuid) -> Result<Option<Config>> {
        self.read(move |db| {
            let mut select = db.prepare_cached("SELECT * FROM configs WHERE id = ?")?;
            Ok(select.query_row([id.to_string()], rows::config).optional()?)
        })
        .await
    }

    async fn put_config(&self, config: &Config, max_per_owner: u64) -> Result<bool> {
        let config = config.clone();
        self.write(move |db| {
            let id = config.id.to_string();
            let exists = db.prepare_cached("SELECT 1 FROM configs WHERE id = ?")?.exists([&id])?;
            let owned: u64 = db
                .prepare_cached("SELECT count(*) FROM configs WHERE owner = ?")?
                .query_row([config.owner], |row| row.get(0))?;
            if !exists && owned >= max_per_owner {
                return Ok(false);
            }
            db.prepare_cached(
                "INSERT INTO configs (id, owner, name, shared, options, created_at, updated_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, shared = excluded.shared,
                     options = excluded.options, updated_at = excluded.updated_at
                 WHERE owner = excluded.owner",
            )?
            .execute(params![
                id,
                config.owner,
                config.name,
                config.shared,
                config.options,
                config.created_at,
                config.updated_at
            ])?;
            Ok(true)
        })
        .await
    }

    async fn delete_config(&self, id: Uuid, owner: UserId) -> Result<bool> {
        self.write(move |db| {
            let deleted = db
                .prepare_cached("DELETE FROM configs WHERE id = ? AND owner = ?")?
                .execute(params![id.to_string(), owner])?;
            Ok(deleted == 1)
        })
        .await
    }
}
