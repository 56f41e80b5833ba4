//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use cameo_store::{Blobs, Result, Store, User, UserId};
use tokio::sync::watch;

use super::cpu_work::CpuWork;
use super::load_cache::LoadCache;
use super::metrics::Metrics;
use super::places::Places;
use super::task_watch::TaskWatch;
use super::throttle::LoginThrottle;
use super::tokens::Tokens;
use crate::heartbeats::HeartbeatMonitor;
use crate::secrets::SigningKey;
use crate::settings::ServiceSettings;

/// How long a worker stays registered after its lease is over. It has not deregistered itself, and its server has not
/// done so either.
const MAX_SILENCE: Duration = Duration::from_secs(600);

/// The state of a running API.
pub struct AppState {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Blobs,
    pub(super) settings: ServiceSettings,
    pub(super) tokens: Tokens,
    pub(super) login_throttle: LoginThrottle,
    pub(super) metrics: Metrics,
    pub(super) load_cache: LoadCache,
    pub(super) task_watch: TaskWatch,
    /// Turns true when the server stops: nobody is kept waiting from then on.
    pub(super) stopping: watch::Sender<bool>,
    /// Uploads under way count as tasks of their user, because their photos take room on the disk.
    pub(super) uploads: Places<UserId>,
    /// Event streams that are open.
    pub(super) streams: Places<UserId>,
    heartbeats: HeartbeatMonitor,
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
            load_cache: LoadCache::new(store.clone()),
            task_watch: TaskWatch::new(store.clone()),
            stopping: watch::Sender::new(false),
            uploads: Places::default(),
            streams: Places::default(),
            heartbeats: HeartbeatMonitor::default(),
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

    /// Returns how many workers have passed their self-test and sent a heartbeat within their lease.
    pub async fn ready_workers(&self) -> Result<usize> {
        let workers = self.store.workers().await?;
        self.heartbeats.retain(&workers);
        let ready = workers.iter().filter(|worker| self.heartbeats.age(worker) <= self.settings.lease && worker.ready);
        Ok(ready.count())
    }

    /// Deregisters workers that have sent no heartbeat for a long time. One that is alive registers again with its next
    /// heartbeat.
    pub async fn forget_dead_workers(&self) -> Result<()> {
        for worker in self.store.workers().await? {
            if self.heartbeats.age(&worker) > self.settings.lease + MAX_SILENCE {
                tracing::warn!(worker = worker.id, "a worker that has been silent for long is forgotten");
                self.store.deregister(&worker.id).await?;
            }
        }
        Ok(())
    }
}
