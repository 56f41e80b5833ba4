//! Everything that crosses between host and device: this file holds every such copy, and counts them.

use std::sync::{Arc, Mutex, PoisonError};

use wgpu::util::DeviceExt;

use super::failed;
use super::pool::{Buffer, Pool};
use crate::error::Result;

/// Copies of picture-sized data, and the bytes of the small tables and parameters beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub uploads: u32,
    pub upload_bytes: u64,
    pub readbacks: u32,
    pub readback_bytes: u64,
    pub table_bytes: u64,
    pub dispatches: u32,
    /// Of all that was bound to them: what the device reads and writes at least, each byte once.
    pub bound_bytes: u64,
    /// Additions and multiplications of the products within convolutions.
    pub operations: u64,
}

impl Traffic {
    /// What was added to `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            uploads: self.uploads - before.uploads,
            upload_bytes: self.upload_bytes - before.upload_bytes,
            readbacks: self.readbacks - before.readbacks,
            readback_bytes: self.readback_bytes - before.readback_bytes,
            table_bytes: self.table_bytes - before.table_bytes,
            dispatches: self.dispatches - before.dispatches,
            bound_bytes: self.bound_bytes - before.bound_bytes,
            operations: self.operations - before.operations,
        }
    }
}

/// The traffic so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Traffic>>);

impl Meter {
    pub fn read(&self) -> Traffic {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The device, its queue, and a count of what crossed.
#[derive(Debug)]
pub struct Bus {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    meter: Meter,
    pub pool: Pool,
    /// Fills new buffers with nonsense, so that a test sees what a kernel did not write.
    pub poison: bool,
}

/// As a float, -6.3e18; as a word, far outside any picture.
const POISON: u8 = 0xde;

impl Bus {
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self { device, queue, meter: Meter::default(), pool: Pool::default(), poison: false }
    }

    /// What counts the traffic, to be read from anywhere.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    fn count(&self, add: impl FnOnce(&mut Traffic)) {
        add(&mut self.meter.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Rows of the photo.
    pub fn upload(&self, label: &'static str, rows: &[u8]) -> Buffer {
        self.count(|traffic| {
            traffic.uploads += 1;
            traffic.upload_bytes += rows.len() as u64;
        });
        let buffer = self.scratch(label, rows.len() as u64);
        self.queue.write_buffer(&buffer, 0, rows);
        buffer
    }

    /// A filter table.
    pub fn table<T: bytemuck::Pod>(&self, label: &'static str, values: &[T]) -> Buffer {
        self.small(label, bytemuck::cast_slice(values), wgpu::BufferUsages::STORAGE)
    }

    /// The parameters of one dispatch.
    pub fn params<T: bytemuck::Pod>(&self, params: &T) -> Buffer {
        self.small("params", bytemuck::bytes_of(params), wgpu::BufferUsages::UNIFORM)
    }

    fn small(&self, label: &'static str, contents: &[u8], usage: wgpu::BufferUsages) -> Buffer {
        self.count(|traffic| traffic.table_bytes += contents.len() as u64);
        let descriptor = wgpu::util::BufferInitDescriptor { label: Some(label), contents, usage };
        Buffer::alone(self.device.create_buffer_init(&descriptor))
    }

    /// Additions and multiplications that a dispatch will do.
    pub fn count_operations(&self, operations: u64) {
        self.count(|traffic| traffic.operations += operations);
    }

    /// One dispatch over `bindings`.
    pub fn count_dispatch(&self, bindings: &[wgpu::BindGroupEntry<'_>]) {
        let bytes = |entry: &wgpu::BindGroupEntry<'_>| match &entry.resource {
            wgpu::BindingResource::Buffer(bound) => bound.size.map_or(bound.buffer.size() - bound.offset, Into::into),
            _ => 0,
        };
        self.count(|traffic| {
            traffic.dispatches += 1;
            traffic.bound_bytes += bindings.iter().map(bytes).sum::<u64>();
        });
    }

    /// Memory that kernels write; what is in it before is not to be read.
    pub fn scratch(&self, label: &'static str, bytes: u64) -> Buffer {
        let make = || {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: bytes,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: self.poison,
            })
        };
        if !self.poison {
            return self.pool.get(bytes, make);
        }
        let buffer = make();
        let mut mapped = buffer.slice(..).get_mapped_range_mut().expect("mapped at creation");
        mapped.slice(..).fill(POISON);
        drop(mapped);
        buffer.unmap();
        Buffer::alone(buffer)
    }

    /// Appends `buffers`, one after another, to `out`: one copy.
    ///
    /// # Errors
    /// If the device was lost or has no memory for the copy.
    pub fn read(&self, buffers: &[&Buffer], out: &mut Vec<u8>) -> Result<()> {
        let size = buffers.iter().map(|buffer| buffer.size()).sum();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("readback") });
        let mut at = 0;
        for buffer in buffers {
            encoder.copy_buffer_to_buffer(buffer, 0, &staging, at, buffer.size());
            at += buffer.size();
        }
        self.queue.submit([encoder.finish()]);
        let (send, receive) = std::sync::mpsc::channel();
        staging.slice(..).map_async(wgpu::MapMode::Read, move |mapped| {
            // The receiver is gone only if this call has already failed.
            let _ = send.send(mapped);
        });
        self.wait()?;
        receive.recv().map_err(failed)?.map_err(failed)?;
        out.extend_from_slice(&staging.slice(..).get_mapped_range().map_err(failed)?);
        self.count(|traffic| {
            traffic.readbacks += 1;
            traffic.readback_bytes += size;
        });
        Ok(())
    }

    /// Waits until the device has done all that was submitted.
    pub fn wait(&self) -> Result<()> {
        self.device.poll(wgpu::PollType::wait_indefinitely()).map(|_| ()).map_err(failed)
    }
}
