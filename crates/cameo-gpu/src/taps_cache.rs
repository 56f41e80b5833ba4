//! Filter taps that the host keeps, because computing those of a large picture takes milliseconds.

use std::cell::RefCell;
use std::sync::Arc;

use cameo_core::taps::{self, Taps};

/// Taps that are kept: the photos that a user sends one after another have few sizes.
const MAX_TAPS: usize = 8;

/// The last Lanczos-3 taps with their lengths of input and output, the latest last.
#[derive(Debug, Default)]
pub struct TapsCache(RefCell<Vec<([u32; 2], Arc<Taps>)>>);

impl TapsCache {
    /// Returns the Lanczos-3 taps from `from` samples to `to`.
    pub fn lanczos3(&self, from: u32, to: u32) -> Arc<Taps> {
        let mut cache = self.0.borrow_mut();
        if let Some((_, taps)) = cache.iter().find(|(lengths, _)| *lengths == [from, to]) {
            return taps.clone();
        }
        let taps = Arc::new(taps::lanczos3(from as usize, to as usize));
        if cache.len() == MAX_TAPS {
            cache.remove(0);
        }
        cache.push(([from, to], taps.clone()));
        taps
    }
}
