//! Forward passes of the networks on CPU layers.

use cameo_core::pipeline::EngineError;
use cameo_core::tuning::{COARSE_SIDE, LOW_RES_SIDE};
use cameo_matting::{CpuFeatureMap, CpuLayers, MattingNetwork, NetworkOutput, PersonSegmentation, SelfieSegmenter};

use crate::error::device_error;
use crate::locate::PersonCandidate;
use crate::plane::Plane;
use crate::prepare::CpuInput;
use crate::stretch::stretch;

/// Memory of a network's layers that is kept for the next photo, in bytes.
const IDLE_BYTES: usize = 192 << 20;

/// Runs a matting network on `planes`, `[3, side, side]`, and returns its output `[side, side]` in 0..1, not yet
/// stretched.
pub fn run_matting(
    network: &MattingNetwork,
    output: NetworkOutput,
    layers: &CpuLayers,
    planes: Vec<f32>,
    side: usize,
) -> Result<Vec<f32>, EngineError> {
    let map = network.forward(layers, CpuFeatureMap::new(planes, [side, side]), output).map_err(device_error)?;
    let values = map.values().to_vec();
    // The map's memory must be idle to be trimmed.
    drop(map);
    layers.trim(IDLE_BYTES);
    Ok(values)
}

/// Runs the coarse network on `input`, the mirrored photo at [`COARSE_SIDE`] pixels per side, and returns the coarse
/// matte of the photo, stretched to 0..1.
pub fn coarse_matte(network: &MattingNetwork, layers: &CpuLayers, input: CpuInput) -> Result<Plane, EngineError> {
    let mut values = run_matting(network, NetworkOutput::CoarseMatte, layers, input.planes, COARSE_SIDE)?;
    values.chunks_exact_mut(COARSE_SIDE).for_each(<[_]>::reverse);
    stretch(&mut values);
    Ok(Plane::square(COARSE_SIDE, values))
}

/// Segments people in `input`, the photo at [`LOW_RES_SIDE`] pixels per side.
pub fn segment_person(
    segmenter: &SelfieSegmenter,
    layers: &CpuLayers,
    input: CpuInput,
) -> Result<PersonCandidate, EngineError> {
    let input = CpuFeatureMap::new(input.planes, [LOW_RES_SIDE, LOW_RES_SIDE]);
    let PersonSegmentation { confidence, probability } = segmenter.forward(layers, input).map_err(device_error)?;
    let confidence = Plane::square(LOW_RES_SIDE, confidence.values().to_vec());
    Ok(PersonCandidate { confidence, probability: probability.values()[0] })
}
