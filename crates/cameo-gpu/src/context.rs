//! What every stage runs on: the device, its kernels, its memory and its counters.

use std::cell::{Cell, RefCell};

use cameo_core::pipeline::EngineError;
use cameo_core::taps;

use crate::bind_groups::{BindGroups, distinct_bytes};
use crate::commands::Commands;
use crate::counters::SharedCounters;
use crate::error::device_error;
use crate::kernel_timer::{KernelTime, KernelTimer, SharedKernelTimes};
use crate::kernels::{Kernel, Kernels};
use crate::params::Mirror;
use crate::pool::{BufferPool, GpuBuffer};
use crate::taps_cache::TapsCache;
use crate::transfer::Transfer;

/// How large buffers may become.
#[derive(Debug, Clone, Copy)]
pub struct BufferLimits {
    /// Bytes of one buffer that is bound to a shader: a band of rows of a picture.
    pub binding_bytes: u64,
}

impl BufferLimits {
    fn of(device: &wgpu::Device) -> Self {
        let limits = device.limits();
        Self { binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) }
    }
}

/// The device that burn and the stages share, and what the stages need on it.
///
/// The stages record commands and do not wait for them. They are submitted in the order of recording: when there are
/// many, and before the host reads a result.
#[derive(Debug)]
pub struct GpuContext {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub counters: SharedCounters,
    pub pool: BufferPool,
    pub kernels: Kernels,
    pub limits: BufferLimits,
    pub taps: TapsCache,
    /// [`taps::lanczos_table`], for the kernels that compute taps on the device.
    pub lanczos: GpuBuffer,
    /// Fills new buffers with nonsense instead of reusing old ones, so that tests notice what a kernel does not write.
    pub poison: bool,
    /// Waits at the end of each stage, so that its time is that of the device. Otherwise only `readback` waits.
    pub synchronous: bool,
    transfer: RefCell<Transfer>,
    commands: RefCell<Commands>,
    timer: RefCell<Option<KernelTimer>>,
    /// Of the next dispatch.
    operations: Cell<u64>,
    bind_groups: RefCell<BindGroups>,
}

impl GpuContext {
    /// Builds all kernels for `device`.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let counters = SharedCounters::default();
        let mut transfer = Transfer::new(device.clone(), counters.clone());
        let lanczos = transfer.table("lanczos", &taps::lanczos_table());
        Self {
            counters,
            pool: BufferPool::default(),
            kernels: Kernels::new(&device),
            limits: BufferLimits::of(&device),
            taps: TapsCache::default(),
            lanczos,
            poison: false,
            synchronous: false,
            transfer: RefCell::new(transfer),
            commands: RefCell::new(Commands::new(device.clone())),
            timer: RefCell::default(),
            operations: Cell::default(),
            bind_groups: RefCell::default(),
            device,
            queue,
        }
    }

    /// Returns a buffer for kernels to write. Its content before that is undefined.
    pub fn scratch(&self, label: &str, bytes: u64) -> GpuBuffer {
        let descriptor = scratch_descriptor(label, bytes);
        if self.poison {
            return self.transfer.borrow().poisoned(&descriptor);
        }
        self.pool.acquire(bytes, || {
            self.counters.update(|counters| counters.pool_misses += 1);
            self.device.create_buffer(&descriptor)
        })
    }

    /// Returns a buffer for kernels to write that outlives the photo. It takes no idle buffer, which the next photo would
    /// have to allocate again.
    pub fn permanent(&self, label: &str, bytes: u64) -> GpuBuffer {
        self.pool.adopt(self.device.create_buffer(&scratch_descriptor(label, bytes)))
    }

    /// Returns a buffer with the content of `table` for kernels to change.
    pub fn scratch_from(&self, label: &str, table: &GpuBuffer) -> GpuBuffer {
        let buffer = self.scratch(label, table.size());
        self.copy(table, 0, &buffer, 0, table.size());
        buffer
    }

    /// Returns a storage buffer with `values`, filter taps or another small table, for kernels that do not write to it.
    pub fn table<T: bytemuck::Pod>(&self, label: &str, values: &[T]) -> GpuBuffer {
        self.transfer.borrow_mut().table(label, values)
    }

    /// Returns a buffer with `bytes`, picture data of the host.
    pub fn upload(&self, label: &str, bytes: &[u8]) -> GpuBuffer {
        let buffer = self.scratch(label, bytes.len() as u64);
        self.transfer.borrow_mut().upload(&mut self.commands.borrow_mut(), &buffer, bytes);
        buffer
    }

    /// Passes the content of `buffers`, one after another, to `use_bytes` in a single read-back. Submits all commands, and
    /// waits for them.
    ///
    /// # Errors
    /// If the device was lost or has no memory for the copy.
    pub fn read<T>(&self, buffers: &[&GpuBuffer], use_bytes: impl FnOnce(&[u8]) -> T) -> Result<T, EngineError> {
        let submit_and_wait = |commands: &mut Commands| self.submit_and_wait(commands);
        self.transfer.borrow_mut().read(&mut self.commands.borrow_mut(), submit_and_wait, buffers, use_bytes)
    }

    /// Records a copy of `bytes` from one offset to another.
    pub fn copy(&self, source: &GpuBuffer, source_offset: u64, target: &GpuBuffer, target_offset: u64, bytes: u64) {
        let mut commands = self.commands.borrow_mut();
        commands.encoder().copy_buffer_to_buffer(source, source_offset, target, target_offset, bytes);
    }

    /// Records that all bytes of `buffer` become 0.
    pub fn clear(&self, buffer: &GpuBuffer) {
        self.commands.borrow_mut().encoder().clear_buffer(buffer, 0, None);
    }

    /// Records one dispatch of `kernel` over `workgroups`, across, down and deep. `bindings` are in the order of the shader.
    pub fn dispatch<P: Mirror>(
        &self,
        kernel: &Kernel<P>,
        params: &P,
        bindings: &[wgpu::BufferBinding<'_>],
        workgroups: [u32; 3],
    ) {
        let bound_bytes = distinct_bytes(bindings);
        let operations = self.operations.take();
        self.counters.update(|counters| {
            counters.dispatches += 1;
            counters.bound_bytes += bound_bytes;
            counters.operations += operations;
        });
        let bind_group = self.bind_group(kernel, bindings);
        if self.timer.borrow().as_ref().is_some_and(KernelTimer::is_full) {
            // If the device is lost, the next wait says so.
            let _ = self.read_kernel_times();
        }
        let mut commands = self.commands.borrow_mut();
        if commands.are_many() {
            self.submit(&mut commands);
        }
        commands.count_load(bound_bytes, operations);
        let mut timer = self.timer.borrow_mut();
        let pass = match &mut *timer {
            Some(timer) => {
                let dispatch = KernelTime { kernel: kernel.name, ms: 0.0, bound_bytes, operations };
                commands.timed_pass(timer.begin(dispatch))
            }
            None => commands.pass(),
        };
        pass.set_pipeline(&kernel.pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.set_immediates(0, bytemuck::bytes_of(params));
        pass.dispatch_workgroups(workgroups[0], workgroups[1], workgroups[2]);
    }

    fn bind_group<P: Mirror>(&self, kernel: &Kernel<P>, bindings: &[wgpu::BufferBinding<'_>]) -> wgpu::BindGroup {
        let create = || {
            self.counters.update(|counters| counters.bind_groups += 1);
            let resources = bindings.iter().cloned().map(wgpu::BindingResource::Buffer);
            let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
            self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name),
                layout: &kernel.bind_group_layout,
                entries: &(0..).zip(resources).map(entry).collect::<Vec<_>>(),
            })
        };
        // Poisoned buffers are used once.
        if self.poison {
            return create();
        }
        self.bind_groups.borrow_mut().get_or_create(&kernel.pipeline, bindings, self.pool.freed_buffers(), create)
    }

    /// Counts `operations`, multiplications and additions, for the next dispatch.
    pub fn count_operations(&self, operations: u64) {
        self.operations.set(operations);
    }

    /// Measures each dispatch from now on, stage by stage. Returns the times, to which each stage adds its own at its
    /// end; `None` if the device has no timestamps.
    pub fn measure_kernels(&mut self) -> Option<SharedKernelTimes> {
        let timer = KernelTimer::new(&self.device, &self.queue)?;
        let times = timer.times.clone();
        self.timer = RefCell::new(Some(timer));
        self.synchronous = true;
        Some(times)
    }

    /// Reads the times of the dispatches that were recorded, if they are measured.
    fn read_kernel_times(&self) -> Result<(), EngineError> {
        let timestamps = match &*self.timer.borrow() {
            Some(timer) => timer.resolve(self.commands.borrow_mut().encoder()),
            None => None,
        };
        let Some(timestamps) = timestamps else { return Ok(()) };
        self.read(&[&timestamps], |bytes| self.timer.borrow_mut().iter_mut().for_each(|timer| timer.finish(bytes)))
    }

    fn submit(&self, commands: &mut Commands) {
        if let Some(commands) = commands.finish() {
            self.queue.submit([commands]);
            self.counters.update(|counters| counters.submissions += 1);
        }
    }

    /// Waits until the device has run all commands that were recorded.
    ///
    /// # Errors
    /// If the device was lost.
    pub fn wait(&self) -> Result<(), EngineError> {
        self.read_kernel_times()?;
        self.submit_and_wait(&mut self.commands.borrow_mut())
    }

    fn submit_and_wait(&self, commands: &mut Commands) -> Result<(), EngineError> {
        self.submit(commands);
        self.counters.update(|counters| counters.waits += 1);
        self.device.poll(wgpu::PollType::wait_indefinitely()).map(|_| ()).map_err(device_error)
    }
}

fn scratch_descriptor(label: &str, bytes: u64) -> wgpu::BufferDescriptor<'_> {
    wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    }
}
