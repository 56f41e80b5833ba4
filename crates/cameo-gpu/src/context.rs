//! What every stage runs on: the device, its kernels, its memory and its counters.

use cameo_core::pipeline::EngineError;
use cameo_core::taps;

use crate::error::device_error;
use crate::kernels::{Kernel, Kernels};
use crate::params::Mirror;
use crate::pool::{BufferPool, GpuBuffer};
use crate::transfer::{SharedCounters, Transfer};

/// Working memory of the enhance stage for one band of the result, in bytes: enough to keep a GPU busy, and little
/// beside the buffers of the picture.
const ENHANCE_BYTES: u64 = 64 << 20;

/// How large buffers may become.
#[derive(Debug, Clone, Copy)]
pub struct BufferLimits {
    /// Bytes of one buffer that is bound to a shader: a band of rows of a picture.
    pub binding_bytes: u64,
    /// Bytes of a buffer in the working memory of the enhance stage.
    pub enhance_bytes: u64,
}

impl BufferLimits {
    fn of(device: &wgpu::Device) -> Self {
        let limits = device.limits();
        let binding_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        Self { binding_bytes, enhance_bytes: ENHANCE_BYTES.min(binding_bytes) }
    }
}

/// The device that burn and the stages share, and what the stages need on it.
#[derive(Debug)]
pub struct GpuContext {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub transfer: Transfer,
    pub counters: SharedCounters,
    pub pool: BufferPool,
    pub kernels: Kernels,
    pub limits: BufferLimits,
    /// [`taps::lanczos_table`], for the kernels that compute taps on the device.
    pub lanczos: GpuBuffer,
    /// Fills new buffers with nonsense instead of reusing old ones, so that tests notice what a kernel does not write.
    pub poison: bool,
}

impl GpuContext {
    /// Builds all kernels for `device`.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let counters = SharedCounters::default();
        let transfer = Transfer::new(device.clone(), queue.clone(), counters.clone());
        let lanczos = transfer.table("lanczos", &taps::lanczos_table());
        let (kernels, limits) = (Kernels::new(&device), BufferLimits::of(&device));
        let pool = BufferPool::default();
        Self { device, queue, transfer, counters, pool, kernels, limits, lanczos, poison: false }
    }

    /// Returns a buffer for kernels to write. Its content before that is undefined.
    pub fn scratch(&self, label: &str, bytes: u64) -> GpuBuffer {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        match self.poison {
            true => self.transfer.poisoned(&descriptor),
            false => self.pool.acquire(bytes, || self.device.create_buffer(&descriptor)),
        }
    }

    /// Returns a buffer with `bytes`, picture data of the host.
    pub fn upload(&self, label: &str, bytes: &[u8]) -> GpuBuffer {
        let buffer = self.scratch(label, bytes.len() as u64);
        self.transfer.upload(&buffer, bytes);
        buffer
    }

    pub fn encoder(&self, label: &str) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
    }

    /// Records one dispatch of `kernel` over `workgroups`, across and down. `bindings` follow the parameters in the
    /// order of the shader.
    pub fn dispatch<P: Mirror>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        kernel: &Kernel<P>,
        params: &P,
        bindings: &[wgpu::BindingResource<'_>],
        workgroups: [u32; 2],
    ) {
        let params = self.transfer.params(&kernel.params_label, params);
        let resources = std::iter::once(params.as_entire_binding()).chain(bindings.iter().cloned());
        let entries: Vec<_> = (0..).zip(resources).map(|(binding, resource)| bind_entry(binding, resource)).collect();
        self.counters.update(|counters| {
            counters.dispatches += 1;
            counters.bound_bytes += entries.iter().map(bound_bytes).sum::<u64>();
        });
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name),
            layout: &kernel.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut pass = encoder
            .begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(kernel.name), timestamp_writes: None });
        pass.set_pipeline(&kernel.pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(workgroups[0], workgroups[1], 1);
    }

    /// Counts `operations`, multiplications and additions, of a dispatch.
    pub fn count_operations(&self, operations: u64) {
        self.counters.update(|counters| counters.operations += operations);
    }

    /// Submits the commands and waits until the device has run them, so that stage times are true and memory is free
    /// again.
    ///
    /// # Errors
    /// If the device was lost.
    pub fn submit(&self, encoder: wgpu::CommandEncoder) -> Result<(), EngineError> {
        self.queue.submit([encoder.finish()]);
        self.wait()
    }

    /// Waits until the device has run all commands that were submitted.
    ///
    /// # Errors
    /// If the device was lost.
    pub fn wait(&self) -> Result<(), EngineError> {
        self.device.poll(wgpu::PollType::wait_indefinitely()).map(|_| ()).map_err(device_error)
    }
}

fn bind_entry(binding: u32, resource: wgpu::BindingResource<'_>) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry { binding, resource }
}

fn bound_bytes(entry: &wgpu::BindGroupEntry<'_>) -> u64 {
    match &entry.resource {
        wgpu::BindingResource::Buffer(binding) => {
            binding.size.map_or(binding.buffer.size() - binding.offset, Into::into)
        }
        _ => 0,
    }
}
