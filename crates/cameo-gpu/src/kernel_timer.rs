//! How long each dispatch takes on the device, by timestamps that the device writes before and after it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::pool::GpuBuffer;

/// Dispatches whose timestamps are kept on the device until they are read: as many as a query set may hold of them.
const MAX_DISPATCHES: u32 = wgpu::QUERY_SET_MAX_QUERIES / 2;

/// The time of one dispatch, and what it asked of the device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelTime {
    /// The name of the kernel.
    pub kernel: &'static str,
    pub ms: f64,
    /// Bytes bound to the dispatch.
    pub bound_bytes: u64,
    /// Multiplications and additions, of convolutions alone.
    pub operations: u64,
}

/// The times that were read so far, in the order of the dispatches, which can be taken from any thread. Clones share
/// them.
#[derive(Debug, Clone, Default)]
pub struct SharedKernelTimes(Arc<Mutex<Vec<KernelTime>>>);

impl SharedKernelTimes {
    /// Returns the times since the last call.
    pub fn take(&self) -> Vec<KernelTime> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn extend(&self, times: impl Iterator<Item = KernelTime>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(times);
    }
}

/// Measures dispatches. Each gets a compute pass of its own, so that all together take longer than without a timer.
#[derive(Debug)]
pub struct KernelTimer {
    queries: wgpu::QuerySet,
    /// `[2 * MAX_DISPATCHES]`, the timestamps as u64.
    timestamps: GpuBuffer,
    /// Nanoseconds from one tick of the device's clock to the next.
    tick_ns: f64,
    /// The dispatches whose timestamps are still on the device.
    pending: Vec<KernelTime>,
    pub times: SharedKernelTimes,
}

impl KernelTimer {
    /// Returns `None` if the device has no timestamps.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Option<Self> {
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("kernel times"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * MAX_DISPATCHES,
        });
        let timestamps = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("kernel times"),
            size: u64::from(2 * MAX_DISPATCHES) * size_of::<u64>() as u64,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Some(Self {
            queries,
            timestamps: GpuBuffer::unpooled(timestamps),
            tick_ns: queue.get_timestamp_period().into(),
            pending: Vec::new(),
            times: SharedKernelTimes::default(),
        })
    }

    /// Returns whether the timestamps must be read before another dispatch is measured.
    pub fn is_full(&self) -> bool {
        self.pending.len() == MAX_DISPATCHES as usize
    }

    /// Returns the timestamps that the pass of the next dispatch must write. The time of `dispatch` is not known yet.
    pub fn begin(&mut self, dispatch: KernelTime) -> wgpu::ComputePassTimestampWrites<'_> {
        let first = 2 * self.pending.len() as u32;
        self.pending.push(dispatch);
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }
    }

    /// Records that the pending timestamps are written to the buffer that is returned; `None` if none are pending.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) -> Option<GpuBuffer> {
        let count = 2 * self.pending.len() as u32;
        (count > 0).then(|| {
            encoder.resolve_query_set(&self.queries, 0..count, &self.timestamps, 0);
            self.timestamps.clone()
        })
    }

    /// Computes the times of the pending dispatches from the content of the buffer.
    pub fn finish(&mut self, bytes: &[u8]) {
        let timestamps: Vec<u64> = bytemuck::pod_collect_to_vec(bytes);
        let pairs = timestamps.as_chunks::<2>().0;
        self.times.extend(self.pending.drain(..).zip(pairs).map(|(dispatch, [start, end])| KernelTime {
            ms: end.saturating_sub(*start) as f64 * self.tick_ns / 1e6,
            ..dispatch
        }));
    }
}
