//! Who waits for a task is woken when anything in the store changes, by whichever process.

use std::sync::Arc;
use std::time::Duration;

use cameo_tasks::Store;
use tokio::sync::watch;

/// How late news may be.
const PERIOD: Duration = Duration::from_millis(100);

pub struct Changes {
    version: watch::Sender<i64>,
    store: Arc<dyn Store>,
}

impl Changes {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { version: watch::Sender::new(0), store }
    }

    /// Its value changes when the store does.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// Looks for changes while anybody waits for one; never ends.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            if self.version.receiver_count() == 0 {
                continue;
            }
            match self.store.version().await {
                Ok(version) => {
                    self.version.send_if_modified(|last| std::mem::replace(last, version) != version);
                }
                Err(error) => tracing::warn!(%error, "the store cannot be watched"),
            }
        }
    }
}
