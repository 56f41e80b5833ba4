//! What a server does periodically: it ends expired leases, expires results, removes orphaned files and rereads the
//! signing keys.

use std::env::VarError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cameo_service::http::AppState;
use cameo_service::secrets::{SECRET_VARIABLE, SigningKey, signing_keys};
use cameo_store::{Millis, StoreError, now, reconcile};

use super::data::DataFolder;
use super::error::{CliError, Result};

/// How often leases, expiry and keys are checked.
const PERIOD: Duration = Duration::from_secs(1);

/// The least time between two comparisons of all files with the tasks.
const RECONCILE_PERIOD: Duration = Duration::from_secs(30);

/// The largest fraction of the time that is spent on comparing files with tasks, however many there are.
const RECONCILE_SHARE: u32 = 100;

/// How long things are kept.
pub struct Retention {
    pub results: Duration,
    /// Never shorter than `results`.
    pub tasks: Duration,
    /// The duration of the leases.
    pub lease: Duration,
    /// How long an upload may take.
    pub uploads: Duration,
}

impl Retention {
    /// Returns how long nothing expires after the start of the server. The clock of a machine that has just started may
    /// be wrong until it has been set from the network.
    fn pause_after_start(&self) -> Duration {
        ClockWatch::PAUSE.min(self.results)
    }
}

/// Returns the signing keys of the environment, else those of the data folder.
///
/// # Errors
/// If a secret is too short or not UTF-8, or the key file cannot be used.
pub fn read_signing_keys(folder: &DataFolder) -> Result<Vec<SigningKey>> {
    match std::env::var(SECRET_VARIABLE) {
        Err(VarError::NotUnicode(_)) => Err(CliError::Usage(format!(
            "{SECRET_VARIABLE} is not UTF-8: write the secret in hexadecimal or in Base64"
        ))),
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
    let mut maintenance = Maintenance::new(folder, retention);
    loop {
        tokio::time::sleep(PERIOD).await;
        if clock.is_settled(now(), Instant::now())
            && let Err(error) = maintenance.clean_up(&state).await
        {
            tracing::error!(%error, "the store could not be cleaned up");
        }
        match read_signing_keys(&maintenance.folder) {
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

/// Notices when workers may have been unable to renew their leases, because the store was locked or everything stood
/// still. Then no lease is taken from them until they have had the time of a whole one.
struct ContactWatch {
    undisturbed_since: Instant,
    last_contact: Instant,
}

impl ContactWatch {
    /// A contact that comes later than this after its time was disturbed.
    const MAX_DELAY: Duration = Duration::from_secs(1);

    fn new(now: Instant) -> Self {
        Self { undisturbed_since: now, last_contact: now }
    }

    /// Records that the store could be written at `now`. Returns for how long contact has been undisturbed.
    fn contact(&mut self, now: Instant) -> Duration {
        if now.duration_since(self.last_contact) > PERIOD + Self::MAX_DELAY {
            self.undisturbed_since = now;
        }
        self.last_contact = now;
        now.duration_since(self.undisturbed_since)
    }
}

/// Cleans up the store and the blob folder.
struct Maintenance {
    folder: DataFolder,
    retention: Retention,
    started: Instant,
    contact: ContactWatch,
    next_reconcile: Instant,
}

impl Maintenance {
    fn new(folder: DataFolder, retention: Retention) -> Self {
        let now = Instant::now();
        Self {
            folder,
            retention,
            started: now,
            contact: ContactWatch::new(now),
            next_reconcile: now + RECONCILE_PERIOD,
        }
    }

    async fn clean_up(&mut self, state: &AppState) -> std::result::Result<(), StoreError> {
        let store = &self.folder.store;
        store.check_writable().await?;
        let reaped = match self.contact.contact(Instant::now()) > self.retention.lease {
            true => store.reap(now()).await?,
            false => 0,
        };
        state.forget_dead_workers().await?;
        let ago = |duration: Duration| now() - duration.as_millis() as i64;
        let expired = match self.started.elapsed() > self.retention.pause_after_start() {
            true => store.expire(ago(self.retention.results), ago(self.retention.tasks)).await?,
            false => Vec::new(),
        };
        for key in &expired {
            state.delete_result(key).await?;
        }
        let removed = if reaped > 0 || Instant::now() >= self.next_reconcile { self.reconcile().await? } else { 0 };
        if reaped > 0 || removed > 0 || !expired.is_empty() {
            tracing::info!(reaped, expired = expired.len(), removed, "cleaned up");
        }
        Ok(())
    }

    /// Removes files that no task refers to, and returns their number.
    async fn reconcile(&mut self) -> std::result::Result<usize, StoreError> {
        let since = Instant::now();
        let removed = reconcile(&*self.folder.store, &self.folder.blobs, self.retention.uploads).await?;
        self.next_reconcile = Instant::now() + RECONCILE_PERIOD.max(RECONCILE_SHARE * since.elapsed());
        Ok(removed.len())
    }
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
    #[test]
    fn leases_are_kept_for_a_while_after_the_store_could_not_be_written() {
        let start = Instant::now();
        let mut watch = ContactWatch::new(start);
        let mut undisturbed = |secs| watch.contact(start + Duration::from_secs(secs)).as_secs();
        assert_eq!([undisturbed(1), undisturbed(2), undisturbed(3)], [1, 2, 3]);
        assert_eq!([undisturbed(10), undisturbed(11), undisturbed(12)], [0, 1, 2]);
    }
}
