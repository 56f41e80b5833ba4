//! Gaussian blur of small planes.

use cameo_core::taps;
use cameo_core::tuning::LOW_RES_SIDE;

use crate::context::GpuContext;
use crate::kernels::{Kernel, workgroups_2d};
use crate::params::Blur;
use crate::pool::GpuBuffer;

/// Records a Gaussian blur of `planes`, two interleaved [`LOW_RES_SIDE`]x[`LOW_RES_SIDE`] planes, and returns the
/// blurred planes.
pub fn blur(context: &GpuContext, planes: &GpuBuffer, sigma: f32) -> GpuBuffer {
    let side = LOW_RES_SIDE as u32;
    let weights = taps::gaussian(sigma);
    let params = Blur { width: side, rows: side, radius: weights.len() as u32 / 2 };
    let weights = context.table("blur weights", &weights);
    let pass = |kernel: &Kernel<Blur>, planes: &GpuBuffer| {
        let blurred = context.scratch("blurred planes", planes.size());
        let bindings = [&weights, planes, &blurred].map(|buffer| buffer.as_entire_buffer_binding());
        context.dispatch(kernel, &params, &bindings, workgroups_2d(side, side));
        blurred
    };
    let blurred_rows = pass(&context.kernels.blur_across, planes);
    pass(&context.kernels.blur_down, &blurred_rows)
}
