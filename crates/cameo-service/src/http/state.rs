//! What all handlers share.

use std::sync::Arc;

use cameo_store::{Blobs, Result, Store, User, now};

use super::changes::Changes;
use super::cpu_work::CpuWork;
use super::metrics::Metrics;
use super::throttle::LoginThrottle;
use super::tokens::Tokens;
use crate::secrets::SigningKey;
use crate::settings::ServiceSettings;

/// The state of a running API.
pub struct AppState {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Blobs,
    pub(super) settings: ServiceSettings,
    pub(super) tokens: Tokens,
    pub(super) login_throttle: LoginThrottle,
    pub(super) metrics: Metrics,
    pub(super) changes: Changes,
    /// Each takes 19 MiB, and a core for tens of milliseconds.
    pub(super) password_checks: CpuWork,
    /// Each reads the segments of a photo up to its size.
    pub(super) header_reads: CpuWork,
    /// Each decodes a result and encodes it as WebP, in the memory of this process.
    pub(super) webp_encodings: CpuWork,
}

impl AppState {
    /// `keys` sign and verify tokens; the first of them signs.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, keys: Vec<SigningKey>, settings: ServiceSettings) -> Arc<Self> {
        Arc::new(Self {
            tokens: Tokens::new(keys, settings.token_ttl),
            login_throttle: LoginThrottle::default(),
            metrics: Metrics::default(),
            changes: Changes::new(store.clone()),
            password_checks: CpuWork::new(2, 64),
            header_reads: CpuWork::new(2, 1024),
            webp_encodings: CpuWork::new(1, 64),
            store,
            blobs,
            settings,
        })
    }

    /// Replaces the keys, after they were rotated.
    pub fn renew_keys(&self, keys: Vec<SigningKey>) {
        self.tokens.renew_keys(keys);
    }

    /// Counts a worker that had to be replaced.
    pub fn count_worker_restart(&self) {
        self.metrics.worker_restarts.inc();
    }

    /// Returns whether a user may use the API. The demo's user may only use a demo: everybody knows its password.
    pub(super) fn may_log_in(&self, user: &User) -> bool {
        !user.disabled && (!user.demo || self.settings.demo)
    }

    /// Returns whether a worker has passed its self-test and sent a heartbeat within its lease.
    pub(super) async fn has_ready_worker(&self) -> Result<bool> {
        let since = now() - self.settings.lease.as_millis() as i64;
        Ok(self.store.workers().await?.iter().any(|worker| worker.ready && worker.heartbeat_at >= since))
    }
}
