//! Memory on the device, used again: what a stage no longer needs waits on a shelf for the next that needs as much.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that may wait on the shelf: more than two pictures of 50 megapixels, less than what a small GPU has.
const MAX_IDLE: u64 = 512 << 20;

/// A buffer of the device. Clones share it; the last one gives it back to its pool, if it has one.
///
/// Commands run in the order of their submission, so the next user of the memory may record before the last one's
/// commands have run, as long as it submits after it.
#[derive(Debug, Clone)]
pub struct Buffer(Arc<Held>);

#[derive(Debug)]
struct Held {
    buffer: wgpu::Buffer,
    pool: Option<Pool>,
}

impl Buffer {
    /// One that no pool takes back.
    pub fn alone(buffer: wgpu::Buffer) -> Self {
        Self(Arc::new(Held { buffer, pool: None }))
    }
}

impl Deref for Buffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.0.buffer
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.take_back(self.buffer.clone());
        }
    }
}

/// The shelf. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    /// Longest idle first.
    idle: VecDeque<wgpu::Buffer>,
    idle_bytes: u64,
    used_bytes: u64,
    peak_bytes: u64,
}

impl Pool {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of exactly `bytes` from the shelf, or else what `make` makes. Its content is whatever it was.
    pub fn get(&self, bytes: u64, make: impl FnOnce() -> wgpu::Buffer) -> Buffer {
        let mut shelf = self.shelf();
        // The last to come is the likeliest to be in a cache still.
        let found = shelf.idle.iter().rposition(|buffer| buffer.size() == bytes);
        let found = found.and_then(|at| shelf.idle.remove(at));
        if found.is_some() {
            shelf.idle_bytes -= bytes;
        }
        shelf.used_bytes += bytes;
        shelf.peak_bytes = shelf.peak_bytes.max(shelf.used_bytes + shelf.idle_bytes);
        drop(shelf);
        Buffer(Arc::new(Held { buffer: found.unwrap_or_else(make), pool: Some(self.clone()) }))
    }

    fn take_back(&self, buffer: wgpu::Buffer) {
        let mut shelf = self.shelf();
        shelf.used_bytes -= buffer.size();
        shelf.idle_bytes += buffer.size();
        shelf.idle.push_back(buffer);
        while shelf.idle_bytes > MAX_IDLE {
            let Some(oldest) = shelf.idle.pop_front() else { break };
            shelf.idle_bytes -= oldest.size();
        }
    }

    /// The most that was held at once, in use or idle, since this was asked last; in bytes.
    pub fn take_peak(&self) -> u64 {
        let mut shelf = self.shelf();
        let peak = shelf.peak_bytes;
        shelf.peak_bytes = shelf.used_bytes + shelf.idle_bytes;
        peak
    }
}
