//! Reuse of device memory: a buffer that a stage no longer needs serves the next stage that needs one of the same size.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of idle buffers that the pool keeps: more than two pictures of 50 megapixels, less than the memory of a small
/// GPU.
const MAX_IDLE_BYTES: u64 = 512 << 20;

/// A buffer on the device. Clones share it. The last clone returns it to its pool, if it has one.
///
/// Commands run in the order of their submission. The next user of a pooled buffer may therefore record commands before
/// those of the last user have run, as long as it submits them later.
#[derive(Debug, Clone)]
pub struct GpuBuffer(Arc<PooledBuffer>);

#[derive(Debug)]
struct PooledBuffer {
    buffer: wgpu::Buffer,
    pool: Option<BufferPool>,
}

impl GpuBuffer {
    /// Returns a buffer that belongs to no pool and is freed with its last clone.
    pub fn unpooled(buffer: wgpu::Buffer) -> Self {
        Self(Arc::new(PooledBuffer { buffer, pool: None }))
    }
}

impl Deref for GpuBuffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.0.buffer
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.release(self.buffer.clone());
        }
    }
}

/// The idle buffers of a device, and how much memory all its buffers take. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct BufferPool(Arc<Mutex<PoolState>>);

#[derive(Debug, Default)]
struct PoolState {
    /// Longest idle first.
    idle: VecDeque<wgpu::Buffer>,
    idle_bytes: u64,
    used_bytes: u64,
    peak_bytes: u64,
}

impl BufferPool {
    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an idle buffer of exactly `bytes`, or what `create` returns if there is none.
    ///
    /// A reused buffer keeps its content and the label it was created with.
    pub fn acquire(&self, bytes: u64, create: impl FnOnce() -> wgpu::Buffer) -> GpuBuffer {
        let mut state = self.state();
        // The most recently used buffer is the most likely to be in a cache still.
        let position = state.idle.iter().rposition(|buffer| buffer.size() == bytes);
        let reused = position.and_then(|position| state.idle.remove(position));
        if reused.is_some() {
            state.idle_bytes -= bytes;
        }
        state.used_bytes += bytes;
        state.peak_bytes = state.peak_bytes.max(state.used_bytes + state.idle_bytes);
        drop(state);
        GpuBuffer(Arc::new(PooledBuffer { buffer: reused.unwrap_or_else(create), pool: Some(self.clone()) }))
    }

    fn release(&self, buffer: wgpu::Buffer) {
        let mut state = self.state();
        state.used_bytes -= buffer.size();
        state.idle_bytes += buffer.size();
        state.idle.push_back(buffer);
        while state.idle_bytes > MAX_IDLE_BYTES {
            let Some(oldest) = state.idle.pop_front() else { break };
            state.idle_bytes -= oldest.size();
        }
    }

    /// Returns the largest number of bytes, used and idle, since the last call.
    pub fn take_peak(&self) -> u64 {
        let mut state = self.state();
        let peak = state.peak_bytes;
        state.peak_bytes = state.used_bytes + state.idle_bytes;
        peak
    }
}
