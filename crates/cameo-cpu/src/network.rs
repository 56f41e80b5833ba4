//! Forward passes of the networks on CPU layers.

use cameo_core::pipeline::EngineError;
use cameo_core::tuning::{COARSE_SIDE, LOW_RES_SIDE};
use cameo_core::view::Rotation;
use cameo_matting::{CpuFeatureMap, CpuLayers, MattingNetwork, NetworkOutput, PersonSegmentation, SelfieSegmenter};

use crate::error::device_error;
use crate::locate::PersonCandidate;
use crate::plane::Plane;
use crate::rotate::rotate;
use crate::stretch::stretch;

/// Memory of a network's layers that is kept for the next photo, in bytes.
const IDLE_BYTES: usize = 192 << 20;

/// Runs a matting network on `planes`, `[3, side, side]`, after `rotation`, and returns its output rotated back:
/// `[side, side]` in 0..1, not yet stretched.
pub fn run_matting(
    network: &MattingNetwork,
    output: NetworkOutput,
    layers: &CpuLayers,
    planes: Vec<f32>,
    side: usize,
    rotation: Rotation,
) -> Result<Vec<f32>, EngineError> {
    let input = CpuFeatureMap::new(rotate(planes, side, rotation), [side, side]);
    let map = network.forward(layers, input, output).map_err(device_error)?;
    let values = rotate(map.values().to_vec(), side, rotation.inverse());
    // The map's memory must be idle to be trimmed.
    drop(map);
    layers.trim(IDLE_BYTES);
    Ok(values)
}

/// Runs the coarse network on `planes`, the mirrored photo at [`COARSE_SIDE`] pixels per side, so that it sees the photo
/// after `rotation`. Returns the coarse matte of the photo, stretched to 0..1.
pub fn coarse_matte(
    network: &MattingNetwork,
    layers: &CpuLayers,
    planes: Vec<f32>,
    rotation: Rotation,
) -> Result<Plane, EngineError> {
    // A mirror image turns the other way.
    let rotation = rotation.inverse();
    let mut values = run_matting(network, NetworkOutput::CoarseMatte, layers, planes, COARSE_SIDE, rotation)?;
    values.chunks_exact_mut(COARSE_SIDE).for_each(<[_]>::reverse);
    stretch(&mut values);
    Ok(Plane::square(COARSE_SIDE, values))
}

/// Segments people in `planes`, the photo at [`LOW_RES_SIDE`] pixels per side, after `rotation`, and rotates the
/// confidence back.
pub fn segment_person(
    segmenter: &SelfieSegmenter,
    layers: &CpuLayers,
    planes: Vec<f32>,
    rotation: Rotation,
) -> Result<PersonCandidate, EngineError> {
    let input = CpuFeatureMap::new(rotate(planes, LOW_RES_SIDE, rotation), [LOW_RES_SIDE, LOW_RES_SIDE]);
    let PersonSegmentation { confidence, probability } = segmenter.forward(layers, input).map_err(device_error)?;
    let confidence = rotate(confidence.values().to_vec(), LOW_RES_SIDE, rotation.inverse());
    Ok(PersonCandidate { confidence: Plane::square(LOW_RES_SIDE, confidence), probability: probability.values()[0] })
}
