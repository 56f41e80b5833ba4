//! Wakes waiters when the store changes, whichever process changed it.

use std::sync::Arc;
use std::time::Duration;

use cameo_store::Store;
use tokio::sync::watch;

/// How often the store is polled: a waiter wakes at most this much late.
const POLL_PERIOD: Duration = Duration::from_millis(100);

/// Publishes the store's version, which changes whenever anything in the store does.
pub struct Changes {
    version: watch::Sender<i64>,
    store: Arc<dyn Store>,
}

impl Changes {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { version: watch::Sender::new(0), store }
    }

    /// Returns a receiver that is notified of each change.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// Polls the store as long as there are subscribers. Never returns.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(POLL_PERIOD).await;
            if self.version.receiver_count() == 0 {
                continue;
            }
            match self.store.data_version().await {
                Ok(version) => {
                    self.version.send_if_modified(|last| std::mem::replace(last, version) != version);
                }
                Err(error) => tracing::warn!(%error, "the store's version could not be read"),
            }
        }
    }
}
