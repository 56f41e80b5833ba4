//! What a server does periodically: it ends expired leases, expires results, removes orphaned files and rereads the
//! signing keys.

use std::sync::Arc;
use std::time::Duration;

use cameo_service::http::AppState;
use cameo_service::secrets::{SigningKey, signing_keys};
use cameo_store::{StoreError, now, reconcile};

use super::data::DataFolder;
use super::error::Result;

/// Signing keys from the environment, for several servers that share them: the newest first, older ones after commas.
const SECRET_VARIABLE: &str = "CAMEO_TOKEN_SECRET";

/// How often leases, expiry and keys are checked.
const PERIOD: Duration = Duration::from_secs(1);

/// How often files are compared with tasks, in periods.
const RECONCILE_PERIODS: u32 = 30;

/// How long finished tasks are kept.
pub struct Retention {
    pub results: Duration,
    /// Never shorter than `results`.
    pub tasks: Duration,
    /// Files younger than this may belong to an upload in progress.
    pub uploads: Duration,
}

/// Returns the signing keys of the environment, else those of the data folder.
///
/// # Errors
/// If a secret is too short, or the key file cannot be used.
pub fn read_signing_keys(folder: &DataFolder) -> Result<Vec<SigningKey>> {
    match std::env::var(SECRET_VARIABLE) {
        Ok(secrets) if !secrets.is_empty() => Ok(secrets
            .split(',')
            .map(|secret| SigningKey::from_secret(secret.trim()))
            .collect::<std::result::Result<_, _>>()?),
        _ => Ok(signing_keys::open(&folder.signing_keys(), now())?),
    }
}

/// Maintains the store until this future is dropped. Failures are logged, and tried again in the next period.
pub async fn run(state: Arc<AppState>, folder: DataFolder, retention: Retention) {
    for period in 0u32.. {
        tokio::time::sleep(PERIOD).await;
        let reconciles = period % RECONCILE_PERIODS == RECONCILE_PERIODS - 1;
        if let Err(error) = clean_up(&folder, &retention, reconciles).await {
            tracing::error!(%error, "the store could not be cleaned up");
        }
        match read_signing_keys(&folder) {
            Ok(keys) => state.renew_keys(keys),
            Err(error) => tracing::error!(%error, "the signing keys cannot be read: the previous ones stay in use"),
        }
    }
}

async fn clean_up(folder: &DataFolder, retention: &Retention, reconciles: bool) -> std::result::Result<(), StoreError> {
    let store = &folder.store;
    let reaped = store.reap(now()).await?;
    let ago = |duration: Duration| now() - duration.as_millis() as i64;
    let expired = store.expire(ago(retention.results), ago(retention.tasks)).await?;
    if reconciles || reaped + expired > 0 {
        let removed = reconcile(&**store, &folder.blobs, retention.uploads).await?;
        if reaped + expired > 0 || !removed.is_empty() {
            tracing::info!(reaped, expired, removed = removed.len(), "cleaned up");
        }
    }
    Ok(())
}
