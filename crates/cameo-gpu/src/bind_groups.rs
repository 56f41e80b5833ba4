//! Reuse of bind groups: a photo binds the same buffers to the same kernels as the last one of its size.

use std::collections::HashMap;

/// Bind groups that are kept: those of several photos.
const MAX_BIND_GROUPS: usize = 8192;

/// A pipeline, and the buffers that are bound to it with offsets and sizes, in bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    pipeline: wgpu::ComputePipeline,
    buffers: Vec<(wgpu::Buffer, u64, u64)>,
}

/// The bind groups that were created so far. They keep their buffers alive.
#[derive(Debug, Default)]
pub struct BindGroups {
    groups: HashMap<Key, wgpu::BindGroup>,
    /// What [`freed_buffers`](crate::pool::BufferPool::freed_buffers) was when the first of them was created.
    freed_buffers: u64,
}

impl BindGroups {
    /// Returns the bind group of `bindings` for `pipeline`, or what `create` returns if there is none yet.
    ///
    /// `freed_buffers` is the number of buffers that the pool has freed: memory is free again only once no bind group
    /// holds it.
    pub fn get_or_create(
        &mut self,
        pipeline: &wgpu::ComputePipeline,
        bindings: &[wgpu::BufferBinding<'_>],
        freed_buffers: u64,
        create: impl FnOnce() -> wgpu::BindGroup,
    ) -> wgpu::BindGroup {
        if self.freed_buffers != freed_buffers || self.groups.len() == MAX_BIND_GROUPS {
            self.groups.clear();
            self.freed_buffers = freed_buffers;
        }
        let buffers = bindings.iter().map(|binding| (binding.buffer.clone(), binding.offset, bound_bytes(binding)));
        self.groups.entry(Key { pipeline: pipeline.clone(), buffers: buffers.collect() }).or_insert_with(create).clone()
    }
}

/// Returns how many bytes are bound; those that are bound twice count once.
pub fn distinct_bytes(bindings: &[wgpu::BufferBinding<'_>]) -> u64 {
    let is_same = |one: &wgpu::BufferBinding<'_>, other: &wgpu::BufferBinding<'_>| {
        one.buffer == other.buffer && one.offset == other.offset && bound_bytes(one) == bound_bytes(other)
    };
    let is_first = |i: usize| !bindings[..i].iter().any(|earlier| is_same(earlier, &bindings[i]));
    (0..bindings.len()).filter(|&i| is_first(i)).map(|i| bound_bytes(&bindings[i])).sum()
}

fn bound_bytes(binding: &wgpu::BufferBinding<'_>) -> u64 {
    binding.size.map_or(binding.buffer.size() - binding.offset, Into::into)
}
