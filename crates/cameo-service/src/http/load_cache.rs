//! The store's statistics for answers, which may be a little old.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cameo_store::{Load, Result, Store};
use tokio::sync::Mutex;

/// How old the statistics may be.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Reads the statistics once a second at most, however many ask for them: strangers may ask for metrics, and each
/// refusal states when to come back. Whether a task is accepted is decided by the store itself.
pub struct LoadCache {
    store: Arc<dyn Store>,
    last: Mutex<Option<(Instant, Arc<Load>)>>,
}

impl LoadCache {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, last: Mutex::default() }
    }

    /// Returns the statistics. Who asks while they are being read waits for them.
    pub async fn load(&self) -> Result<Arc<Load>> {
        let mut last = self.last.lock().await;
        if let Some((read_at, load)) = &*last
            && read_at.elapsed() < MAX_AGE
        {
            return Ok(load.clone());
        }
        let load = Arc::new(self.store.load().await?);
        *last = Some((Instant::now(), load.clone()));
        Ok(load)
    }
}
