//! Counters of what an engine asks of its device.

use std::sync::{Arc, Mutex, PoisonError};

/// What was copied between host and device and computed there, since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GpuCounters {
    /// Copies of picture data to the device.
    pub uploads: u32,
    pub upload_bytes: u64,
    /// Copies of results to the host.
    pub readbacks: u32,
    pub readback_bytes: u64,
    /// Bytes of the tables that were copied to the device.
    pub table_bytes: u64,
    pub dispatches: u32,
    /// Bytes bound to dispatches: the least that the device reads and writes, each byte once per dispatch.
    pub bound_bytes: u64,
    /// Multiplications and additions in convolutions.
    pub operations: u64,
    /// Buffers that the driver had to allocate because none of their size was idle.
    pub pool_misses: u32,
    /// Buffers that the driver had to allocate for copies between host and device.
    pub staging_buffers: u32,
    /// Pictures that the host had to allocate memory for because none of their size was recycled.
    pub pictures: u32,
    /// Bind groups that were created because none of the same buffers was kept.
    pub bind_groups: u32,
    /// Submissions of recorded commands.
    pub submissions: u32,
    /// How often the host waited for the device.
    pub waits: u32,
}

impl GpuCounters {
    /// Returns what was added since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            uploads: self.uploads - earlier.uploads,
            upload_bytes: self.upload_bytes - earlier.upload_bytes,
            readbacks: self.readbacks - earlier.readbacks,
            readback_bytes: self.readback_bytes - earlier.readback_bytes,
            table_bytes: self.table_bytes - earlier.table_bytes,
            dispatches: self.dispatches - earlier.dispatches,
            bound_bytes: self.bound_bytes - earlier.bound_bytes,
            operations: self.operations - earlier.operations,
            pool_misses: self.pool_misses - earlier.pool_misses,
            staging_buffers: self.staging_buffers - earlier.staging_buffers,
            pictures: self.pictures - earlier.pictures,
            bind_groups: self.bind_groups - earlier.bind_groups,
            submissions: self.submissions - earlier.submissions,
            waits: self.waits - earlier.waits,
        }
    }
}

/// The counters of an engine, which can be read from any thread. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SharedCounters(Arc<Mutex<GpuCounters>>);

impl SharedCounters {
    pub fn read(&self) -> GpuCounters {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `update` add to the counters.
    pub fn update(&self, update: impl FnOnce(&mut GpuCounters)) {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
