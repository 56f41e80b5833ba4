//! Connected components of masks.

use std::num::NonZeroU64;

use cameo_core::tuning::LOW_RES_SIDE;

use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::params::Components;
use crate::pool::GpuBuffer;

/// Records the labelling of 4-connected components in each of the [`LOW_RES_SIDE`]x[`LOW_RES_SIDE`] planes of `labels`.
///
/// Before, a pixel of a mask holds its own index; afterwards, the index of the first pixel of its component. Pixels
/// outside the mask hold `NONE`.
pub fn components(context: &GpuContext, labels: &GpuBuffer) {
    let plane_bytes = (LOW_RES_SIDE * LOW_RES_SIDE * 4) as u64;
    let params = Components { side: LOW_RES_SIDE as u32 };
    let workgroups = workgroups_2d(LOW_RES_SIDE as u32, LOW_RES_SIDE as u32);
    for offset in (0..labels.size()).step_by(plane_bytes as usize) {
        let size = NonZeroU64::new(plane_bytes);
        let plane = [wgpu::BufferBinding { buffer: labels, offset, size }];
        context.dispatch(&context.kernels.components_join, &params, &plane, workgroups);
        context.dispatch(&context.kernels.components_settle, &params, &plane, workgroups);
    }
}
