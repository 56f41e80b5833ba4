//! Every copy between host and device, and the counters of what was copied and computed.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

use cameo_core::pipeline::EngineError;
use wgpu::util::DeviceExt;

use crate::error::device_error;
use crate::pool::GpuBuffer;

/// What was copied between host and device and computed there, since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GpuCounters {
    /// Copies of picture data to the device.
    pub uploads: u32,
    pub upload_bytes: u64,
    /// Copies of results to the host.
    pub readbacks: u32,
    pub readback_bytes: u64,
    /// Bytes of the tables and parameters that dispatches need.
    pub table_bytes: u64,
    pub dispatches: u32,
    /// Bytes bound to dispatches: the least that the device reads and writes, each byte once per dispatch.
    pub bound_bytes: u64,
    /// Multiplications and additions in convolutions.
    pub operations: u64,
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

/// Copies data between host and device, and counts it.
#[derive(Debug)]
pub struct Transfer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    counters: SharedCounters,
}

/// What poisoned buffers are filled with: -8e18 as a float, and as an index, past the end of any picture.
const POISON: u8 = 0xde;

impl Transfer {
    pub fn new(device: wgpu::Device, queue: wgpu::Queue, counters: SharedCounters) -> Self {
        Self { device, queue, counters }
    }

    /// Copies picture data to the start of `buffer`.
    pub fn upload(&self, buffer: &GpuBuffer, bytes: &[u8]) {
        self.queue.write_buffer(buffer, 0, bytes);
        self.counters.update(|counters| {
            counters.uploads += 1;
            counters.upload_bytes += bytes.len() as u64;
        });
    }

    /// Returns a storage buffer with `values`: filter taps and other small tables.
    pub fn table<T: bytemuck::Pod>(&self, label: &str, values: &[T]) -> GpuBuffer {
        self.buffer_with(label, bytemuck::cast_slice(values), wgpu::BufferUsages::STORAGE)
    }

    /// Returns a uniform buffer with the parameters of one dispatch.
    pub fn params<T: bytemuck::Pod>(&self, label: &str, params: &T) -> GpuBuffer {
        self.buffer_with(label, bytemuck::bytes_of(params), wgpu::BufferUsages::UNIFORM)
    }

    fn buffer_with(&self, label: &str, contents: &[u8], usage: wgpu::BufferUsages) -> GpuBuffer {
        self.counters.update(|counters| counters.table_bytes += contents.len() as u64);
        let descriptor = wgpu::util::BufferInitDescriptor { label: Some(label), contents, usage };
        GpuBuffer::unpooled(self.device.create_buffer_init(&descriptor))
    }

    /// Returns a buffer whose bytes are all `POISON`, so that tests notice what a kernel does not write.
    pub fn poisoned(&self, descriptor: &wgpu::BufferDescriptor<'_>) -> GpuBuffer {
        let descriptor = wgpu::BufferDescriptor { mapped_at_creation: true, ..descriptor.clone() };
        let buffer = self.device.create_buffer(&descriptor);
        let mut mapped = buffer.slice(..).get_mapped_range_mut().expect("the buffer is mapped at creation");
        mapped.slice(..).fill(POISON);
        drop(mapped);
        buffer.unmap();
        GpuBuffer::unpooled(buffer)
    }

    /// Appends the content of `buffers`, one after another, to `bytes` in a single readback.
    ///
    /// # Errors
    /// If the device was lost or has no memory for the copy.
    pub fn read(&self, buffers: &[&GpuBuffer], bytes: &mut Vec<u8>) -> Result<(), EngineError> {
        let size = buffers.iter().map(|buffer| buffer.size()).sum();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback staging"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("readback") });
        let mut offset = 0;
        for buffer in buffers {
            encoder.copy_buffer_to_buffer(buffer, 0, &staging, offset, buffer.size());
            offset += buffer.size();
        }
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = channel();
        staging.slice(..).map_async(wgpu::MapMode::Read, move |mapped| {
            // The receiver no longer exists only if this call has failed already.
            let _ = sender.send(mapped);
        });
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(device_error)?;
        receiver.recv().map_err(device_error)?.map_err(device_error)?;
        bytes.extend_from_slice(&staging.slice(..).get_mapped_range().map_err(device_error)?);
        self.counters.update(|counters| {
            counters.readbacks += 1;
            counters.readback_bytes += size;
        });
        Ok(())
    }
}
