//! Connected parts of a plane: pixels that touch at a side belong together.

use super::Gpu;
use super::kernels::tiles;
use super::params::Components;
use super::pool::Buffer;
use crate::rules::SIDE;

/// Names the parts of the masks in `labels`, one [`SIDE`] plane after another: each pixel its own index or none before,
/// the index of its part's first pixel after.
pub fn components(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, labels: &Buffer) {
    let plane = (SIDE * SIDE * 4) as u64;
    let params = Components { side: SIDE as u32, ..Default::default() };
    let groups = tiles(SIDE as u32, SIDE as u32);
    for first in (0..labels.size()).step_by(plane as usize) {
        let size = std::num::NonZeroU64::new(plane);
        let binding = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: labels, offset: first, size });
        gpu.kernels.components_join.dispatch(&gpu.bus, encoder, &params, std::slice::from_ref(&binding), groups);
        gpu.kernels.components_settle.dispatch(&gpu.bus, encoder, &params, &[binding], groups);
    }
}
