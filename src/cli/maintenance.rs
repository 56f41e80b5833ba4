//! What a server does periodically: it ends expired leases, expires results, removes orphaned files and rereads the
//! signing keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cameo_service::http::AppState;
use cameo_service::secrets::{SECRET_VARIABLE, SigningKey, signing_keys};
use cameo_store::{Millis, StoreError, now, reconcile};

use super::data::DataFolder;
use super::error::Result;

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
    let mut clock = ClockWatch::new();
    for period in 0u32.. {
        tokio::time::sleep(PERIOD).await;
        if !clock.is_settled(now(), Instant::now()) {
            continue;
        }
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

/// Notices when the wall clock jumps. Leases and expiry are times of the wall clock, and nothing may end because the
/// clock was wrong for a moment.
struct ClockWatch {
    wall: Millis,
    monotonic: Instant,
    jumped_at: Option<Instant>,
}

impl ClockWatch {
    /// The smallest jump. A process that is stopped for a while sees none: both clocks go on.
    const JUMP: Duration = Duration::from_secs(10);
    /// How long nothing ends after a jump. By then workers have renewed their leases by the new time, and a clock that
    /// was set by mistake has been put back.
    const PAUSE: Duration = Duration::from_secs(300);

    fn new() -> Self {
        Self { wall: now(), monotonic: Instant::now(), jumped_at: None }
    }

    /// Returns whether the wall clock, which shows `wall` at `monotonic`, has not jumped lately.
    fn is_settled(&mut self, wall: Millis, monotonic: Instant) -> bool {
        let expected = self.wall + monotonic.duration_since(self.monotonic).as_millis() as Millis;
        if wall.abs_diff(expected) > Self::JUMP.as_millis() as u64 {
            tracing::warn!(
                by_ms = wall - expected,
                "the clock has jumped: leases and results do not expire for a while"
            );
            self.jumped_at = Some(monotonic);
        }
        (self.wall, self.monotonic) = (wall, monotonic);
        self.jumped_at.is_none_or(|jumped_at| monotonic.duration_since(jumped_at) > Self::PAUSE)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expires_for_a_while_after_the_clock_has_jumped() {
        let mut clock = ClockWatch::new();
        let (wall, start) = (clock.wall, clock.monotonic);
        let mut settled = |secs: u64, jump_ms: Millis| {
            clock.is_settled(wall + secs as Millis * 1000 + jump_ms, start + Duration::from_secs(secs))
        };
        assert!(settled(1, 0));
        assert!(settled(100, 0), "the process was stopped");
        assert!(!settled(101, 7_200_000));
        assert!(!settled(104, 0), "it was put back");
        assert!(!settled(400, 0));
        assert!(settled(405, 0));
        assert!(!settled(406, -60_000));
        assert!(settled(707, -60_000), "the new time stays");
    }
}
