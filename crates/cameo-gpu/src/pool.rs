//! Reuse of device memory: a buffer that a stage no longer needs serves the next stage that needs one of the same size.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of all buffers, used and idle, beyond which idle ones are freed. A photo of 12 megapixels takes less with any
/// network, and a GPU with 4 GiB has room for it.
const MAX_BYTES: u64 = 2816 << 20;

/// Photos after which a buffer that none of them has used is freed.
const MAX_IDLE_PHOTOS: u32 = 3;

/// A buffer on the device. Clones share it. The last clone returns it to its pool, if it has one.
///
/// Commands run in the order of their submission. The next user of a pooled buffer may therefore record commands before
/// those of the last user have run, as long as it submits them later.
#[derive(Debug, Clone)]
pub struct GpuBuffer(Arc<PooledBuffer>);

#[derive(Debug)]
struct PooledBuffer {
    buffer: wgpu::Buffer,
    /// Its pool, and its number there.
    pool: Option<(BufferPool, u64)>,
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
        if let Some((pool, number)) = &self.pool {
            pool.release(self.buffer.clone(), *number);
        }
    }
}

/// The idle buffers of a device, and how much memory all its buffers take. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct BufferPool(Arc<Mutex<PoolState>>);

#[derive(Debug)]
struct IdleBuffer {
    buffer: wgpu::Buffer,
    number: u64,
    /// The photo that has used it last.
    photo: u32,
}

#[derive(Debug, Default)]
struct PoolState {
    /// Longest idle first.
    idle: VecDeque<IdleBuffer>,
    photo: u32,
    /// How many buffers the pool has had, which gives each a number.
    buffers: u64,
    idle_bytes: u64,
    freed_buffers: u64,
    used_bytes: u64,
    peak_bytes: u64,
}

impl PoolState {
    fn free_oldest(&mut self) {
        if let Some(oldest) = self.idle.pop_front() {
            self.idle_bytes -= oldest.buffer.size();
            self.freed_buffers += 1;
        }
    }

    /// Takes the idle buffer of exactly `bytes` that has the lowest number.
    fn take_idle(&mut self, bytes: u64) -> Option<IdleBuffer> {
        let fits = self.idle.iter().enumerate().filter(|(_, idle)| idle.buffer.size() == bytes);
        let (position, _) = fits.min_by_key(|(_, idle)| idle.number)?;
        self.idle_bytes -= bytes;
        self.idle.remove(position)
    }

    fn next_number(&mut self) -> u64 {
        self.buffers += 1;
        self.buffers
    }

    fn free_excess(&mut self) {
        while self.used_bytes + self.idle_bytes > MAX_BYTES && !self.idle.is_empty() {
            self.free_oldest();
        }
    }
}

impl BufferPool {
    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an idle buffer of exactly `bytes`, or what `create` returns if there is none.
    ///
    /// A reused buffer keeps its content and the label it was created with. Photos of one size get the same buffers in
    /// the same order, so that their bind groups can be reused too.
    pub fn acquire(&self, bytes: u64, create: impl FnOnce() -> wgpu::Buffer) -> GpuBuffer {
        let mut state = self.state();
        let idle = state.take_idle(bytes);
        state.used_bytes += bytes;
        state.free_excess();
        state.peak_bytes = state.peak_bytes.max(state.used_bytes + state.idle_bytes);
        let number = idle.as_ref().map_or_else(|| state.next_number(), |idle| idle.number);
        drop(state);
        let buffer = idle.map_or_else(create, |idle| idle.buffer);
        GpuBuffer(Arc::new(PooledBuffer { buffer, pool: Some((self.clone(), number)) }))
    }

    /// Takes a new buffer into the pool, which is used from now on.
    pub fn adopt(&self, buffer: wgpu::Buffer) -> GpuBuffer {
        let mut state = self.state();
        state.used_bytes += buffer.size();
        state.peak_bytes = state.peak_bytes.max(state.used_bytes + state.idle_bytes);
        let number = state.next_number();
        drop(state);
        GpuBuffer(Arc::new(PooledBuffer { buffer, pool: Some((self.clone(), number)) }))
    }

    fn release(&self, buffer: wgpu::Buffer, number: u64) {
        let mut state = self.state();
        state.used_bytes -= buffer.size();
        state.idle_bytes += buffer.size();
        let photo = state.photo;
        state.idle.push_back(IdleBuffer { buffer, number, photo });
        state.free_excess();
    }

    /// Begins another photo: frees what the last ones have not used.
    pub fn begin_photo(&self) {
        let mut state = self.state();
        state.photo = state.photo.wrapping_add(1);
        let photo = state.photo;
        while state.idle.front().is_some_and(|idle| photo.wrapping_sub(idle.photo) > MAX_IDLE_PHOTOS) {
            state.free_oldest();
        }
    }

    /// Returns how many buffers were freed so far.
    pub fn freed_buffers(&self) -> u64 {
        self.state().freed_buffers
    }

    /// Returns the largest number of bytes, used and idle, since the last call.
    pub fn take_peak(&self) -> u64 {
        let mut state = self.state();
        let peak = state.peak_bytes;
        state.peak_bytes = state.used_bytes + state.idle_bytes;
        peak
    }
}
