//! The locate stage: where the subject is, according to two small networks that look at the whole photo.
//!
//! The outcome stays on the device. The host learns the probability that there is a person, and nothing else: it decides
//! which part of the photo is looked at, and which way up.

use cameo_core::tuning::{self, LOW_RES_SIDE, Roi};
use cameo_core::view::View;
use cameo_matting::PersonSegmentation;

use crate::components::components;
use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::network::GpuFeatureMap;
use crate::params::{LocateCoarseMatte, LocateCore, LocateRoi};
use crate::pool::GpuBuffer;
use crate::stretch;

/// What is known of the subject before matting, on the device.
#[derive(Debug)]
pub struct GpuPrior {
    /// How the networks look at the photo.
    pub view: View,
    /// The region of interest, and whether there is a person: `Roi` of the shaders.
    pub roi: GpuBuffer,
    /// `[LOW_RES_SIDE, LOW_RES_SIDE, 4]` f32 over the scene, as the photo lies: person
    /// confidence, core of the person, coarse matte,
    /// 0.
    pub planes: GpuBuffer,
    /// Whether guidance is on. A person need not have been found.
    pub guidance: bool,
}

/// Returns `part` of a photo as a region of interest without a person.
pub fn upload_roi(context: &GpuContext, part: Roi) -> GpuBuffer {
    let Roi { left, top, width, height } = part;
    context.table("roi", &[left, top, width, height, 0, 0, 0, 0])
}

/// Combines the outputs of the two networks for a `view` of a photo.
///
/// `network_side` is the input side of the matting network, `coarse_matte` the output for the mirrored photo.
pub fn locate(
    context: &GpuContext,
    view: View,
    network_side: u32,
    coarse_matte: &GpuFeatureMap,
    person: Option<&PersonSegmentation<GpuFeatureMap>>,
) -> GpuPrior {
    let planes = record_coarse_matte(context, coarse_matte);
    let roi = match person {
        Some(person) => {
            let labels = record_core(context, &person.confidence, &planes);
            let min_side = network_side / tuning::MAX_ZOOM;
            let Roi { left, top, width, height } = view.scene;
            let params = LocateRoi { left, top, width, height, network_side, min_side, ..roi_params() };
            record_roi(context, params, &person.probability, &planes, &labels)
        }
        None => upload_roi(context, view.scene),
    };
    GpuPrior { view, roi, planes, guidance: person.is_some() }
}

/// Records the planes of the prior, which hold only the coarse matte yet, and returns their buffer.
fn record_coarse_matte(context: &GpuContext, coarse_matte: &GpuFeatureMap) -> GpuBuffer {
    let side = LOW_RES_SIDE as u32;
    let extrema = stretch::extrema(context, coarse_matte);
    let planes = context.scratch("prior planes", (LOW_RES_SIDE * LOW_RES_SIDE * 16) as u64);
    let params = LocateCoarseMatte { coarse_side: coarse_matte.side(), side, min_range: tuning::MIN_RANGE };
    let bindings = [extrema.as_entire_buffer_binding(), coarse_matte.binding(), planes.as_entire_buffer_binding()];
    context.dispatch(&context.kernels.locate_coarse_matte, &params, &bindings, workgroups_2d(side, side));
    planes
}

/// Records the confidence and the core of the person into `planes`, and returns the component labels of person and
/// coarse matte together.
fn record_core(context: &GpuContext, mask: &GpuFeatureMap, planes: &GpuBuffer) -> GpuBuffer {
    let side = LOW_RES_SIDE as u32;
    let labels = context.scratch("locate labels", (LOW_RES_SIDE * LOW_RES_SIDE * 4) as u64);
    let params = LocateCore {
        side,
        radius: tuning::CORE_RADIUS as u32,
        subject_alpha: tuning::SUBJECT_ALPHA,
        min_confidence: tuning::MIN_CORE_CONFIDENCE,
        veto: tuning::MIN_VETO_ALPHA,
    };
    let bindings = [mask.binding(), planes.as_entire_buffer_binding(), labels.as_entire_buffer_binding()];
    context.dispatch(&context.kernels.locate_core, &params, &bindings, workgroups_2d(side, side));
    components(context, &labels);
    labels
}

/// Returns the parameters of `locate_roi` that do not depend on the photo.
fn roi_params() -> LocateRoi {
    LocateRoi {
        side: LOW_RES_SIDE as u32,
        subject_alpha: tuning::SUBJECT_ALPHA,
        min_probability: tuning::MIN_PERSON_PROBABILITY,
        min_person_pixels: tuning::MIN_CONFIDENT,
        min_iou: tuning::MIN_ROI_IOU,
        min_part_pixels: tuning::MIN_PART_PIXELS,
        min_part_divisor: tuning::MIN_PART_DIVISOR,
        margin_percent: tuning::ROI_MARGIN_PERCENT,
        aspect_long: tuning::MAX_ROI_ASPECT[0],
        aspect_short: tuning::MAX_ROI_ASPECT[1],
        max_roi_percent: tuning::MAX_ROI_PERCENT,
        ..Default::default()
    }
}

/// Records the choice of the region of interest, and returns its buffer.
fn record_roi(
    context: &GpuContext,
    params: LocateRoi,
    probability: &GpuFeatureMap,
    planes: &GpuBuffer,
    labels: &GpuBuffer,
) -> GpuBuffer {
    let areas = context.scratch("locate areas", (LOW_RES_SIDE * LOW_RES_SIDE * 4) as u64);
    context.clear(&areas);
    let roi = context.scratch("roi", 32);
    let [planes, labels, areas, roi_binding] =
        [planes, labels, &areas, &roi].map(|buffer| buffer.as_entire_buffer_binding());
    let bindings = [probability.binding(), planes, labels, areas, roi_binding];
    context.dispatch(&context.kernels.locate_roi, &params, &bindings, [1; 3]);
    roi
}
