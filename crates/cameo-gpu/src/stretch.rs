//! Min-max normalisation of the output of a network: the range is found here, and applied where the output is read.

use crate::context::GpuContext;
use crate::kernels::WORKGROUP_1D;
use crate::network::GpuFeatureMap;
use crate::params::StretchRange;
use crate::pool::GpuBuffer;

/// Workgroups that share the search.
const WORKGROUPS: u32 = 64;

/// Records the search for the minimum and the maximum of `map`, one square channel in 0..1, and returns the buffer for
/// both, as the bits of f32.
pub fn extrema(context: &GpuContext, map: &GpuFeatureMap) -> GpuBuffer {
    let extrema = context.scratch_from("extrema", &context.table("extrema", &[f32::MAX.to_bits(), 0u32]));
    let side = map.side();
    let params = StretchRange { count: side * side, stride: WORKGROUPS * WORKGROUP_1D };
    let bindings = [map.binding(), extrema.as_entire_buffer_binding()];
    context.dispatch(&context.kernels.stretch_range, &params, &bindings, [WORKGROUPS, 1, 1]);
    extrema
}
