//! Rotation of square feature maps: the networks see a photo that lies on its side upright.

use cameo_core::view::Rotation;

use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::network::GpuFeatureMap;
use crate::params::Rotate;

/// Returns `map` with each of its channels rotated. The channels must be square.
pub fn rotate(context: &GpuContext, map: &GpuFeatureMap, rotation: Rotation) -> GpuFeatureMap {
    if rotation == Rotation::None {
        return map.clone();
    }
    let side = map.side();
    let rotated = GpuFeatureMap::scratch(context, "rotated", map.channels, [side, side]);
    let rows = map.channels * side;
    let params = Rotate { side, rows, quarter_turns: rotation.quarter_turns() };
    let bindings = [map.binding(), rotated.binding()];
    context.dispatch(&context.kernels.rotate, &params, &bindings, workgroups_2d(side, rows));
    rotated
}
