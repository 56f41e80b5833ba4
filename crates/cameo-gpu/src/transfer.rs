//! Every copy between host and device.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};

use cameo_core::pipeline::EngineError;
use wgpu::util::DeviceExt;

use crate::commands::Commands;
use crate::counters::SharedCounters;
use crate::error::device_error;
use crate::pool::GpuBuffer;

/// Bytes of the tables that are kept: those of several photos of different sizes.
const MAX_TABLE_BYTES: usize = 16 << 20;

/// Copies data between host and device, and counts it.
///
/// The host cannot reach the memory of most devices. Data goes through staging buffers, which are kept: allocating one
/// takes the driver longer than the copy.
#[derive(Debug)]
pub struct Transfer {
    device: wgpu::Device,
    counters: SharedCounters,
    /// Tables by their content.
    tables: HashMap<Vec<u8>, GpuBuffer>,
    table_bytes: usize,
    /// Idle staging buffers for uploads, mapped.
    idle: Vec<wgpu::Buffer>,
    /// Staging buffers come back here as soon as the device has read them, mapped again.
    returned: (Sender<wgpu::Buffer>, Receiver<wgpu::Buffer>),
    /// The staging buffer for read-backs, not mapped.
    readback: Option<wgpu::Buffer>,
}

/// What poisoned buffers are filled with: -8e18 as a float, and as an index, past the end of any picture.
const POISON: u8 = 0xde;

impl Transfer {
    pub fn new(device: wgpu::Device, counters: SharedCounters) -> Self {
        let (idle, returned) = (Vec::new(), channel());
        Self { device, counters, tables: HashMap::new(), table_bytes: 0, idle, returned, readback: None }
    }

    /// Records the copy of picture data to the start of `buffer`.
    pub fn upload(&mut self, commands: &mut Commands, buffer: &wgpu::Buffer, bytes: &[u8]) {
        let size = bytes.len() as u64;
        let staging = self.upload_staging(size);
        let mut mapped = staging.slice(..size).get_mapped_range_mut().expect("idle staging buffers are mapped");
        mapped.slice(..).copy_from_slice(bytes);
        drop(mapped);
        staging.unmap();
        let encoder = commands.encoder();
        encoder.copy_buffer_to_buffer(&staging, 0, buffer, 0, size);
        let (sender, returned) = (self.returned.0.clone(), staging.clone());
        encoder.map_buffer_on_submit(&staging, wgpu::MapMode::Write, .., move |mapped| {
            if mapped.is_ok() {
                // The receiver no longer exists only if the engine was closed.
                let _ = sender.send(returned);
            }
        });
        self.counters.update(|counters| {
            counters.uploads += 1;
            counters.upload_bytes += size;
        });
    }

    /// Returns a mapped staging buffer of at least `size` bytes.
    fn upload_staging(&mut self, size: u64) -> wgpu::Buffer {
        self.idle.extend(self.returned.1.try_iter());
        let fits = self.idle.iter().position(|buffer| buffer.size() >= size);
        if let Some(position) = fits {
            return self.idle.swap_remove(position);
        }
        // Those that are too small now would hardly be used again.
        self.idle.clear();
        self.create_staging("upload staging", size, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC, true)
    }

    fn create_staging(&self, label: &str, size: u64, usage: wgpu::BufferUsages, mapped: bool) -> wgpu::Buffer {
        self.counters.update(|counters| counters.staging_buffers += 1);
        let (label, size) = (Some(label), size.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT));
        self.device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: mapped })
    }

    /// Returns a storage buffer with `values`, filter taps or another small table, for kernels that do not write to it.
    pub fn table<T: bytemuck::Pod>(&mut self, label: &str, values: &[T]) -> GpuBuffer {
        let contents: &[u8] = bytemuck::cast_slice(values);
        if let Some(table) = self.tables.get(contents) {
            return table.clone();
        }
        self.counters.update(|counters| {
            counters.table_bytes += contents.len() as u64;
            counters.staging_buffers += 1;
        });
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let descriptor = wgpu::util::BufferInitDescriptor { label: Some(label), contents, usage };
        let table = GpuBuffer::unpooled(self.device.create_buffer_init(&descriptor));
        self.table_bytes += contents.len();
        if self.table_bytes > MAX_TABLE_BYTES {
            self.tables.clear();
            self.table_bytes = contents.len();
        }
        self.tables.insert(contents.to_vec(), table.clone());
        table
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

    /// Passes the content of `buffers`, one after another, to `use_bytes` in a single read-back. `submit_and_wait` submits
    /// all commands and waits for them.
    ///
    /// # Errors
    /// If the device was lost or has no memory for the copy.
    pub fn read<T>(
        &mut self,
        commands: &mut Commands,
        submit_and_wait: impl FnOnce(&mut Commands) -> Result<(), EngineError>,
        buffers: &[&GpuBuffer],
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, EngineError> {
        let size = buffers.iter().map(|buffer| buffer.size()).sum();
        let kept = self.readback.take().filter(|staging| staging.size() >= size);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = kept.unwrap_or_else(|| self.create_staging("read-back staging", size, usage, false));
        let encoder = commands.encoder();
        let mut offset = 0;
        for buffer in buffers {
            encoder.copy_buffer_to_buffer(buffer, 0, &staging, offset, buffer.size());
            offset += buffer.size();
        }
        let (sender, receiver) = channel();
        encoder.map_buffer_on_submit(&staging, wgpu::MapMode::Read, ..size, move |mapped| {
            // The receiver no longer exists only if this call has failed already.
            let _ = sender.send(mapped);
        });
        submit_and_wait(commands)?;
        receiver.recv().map_err(device_error)?.map_err(device_error)?;
        let result = use_bytes(&staging.slice(..size).get_mapped_range().map_err(device_error)?);
        staging.unmap();
        self.readback = Some(staging);
        self.counters.update(|counters| {
            counters.readbacks += 1;
            counters.readback_bytes += size;
        });
        Ok(result)
    }
}
