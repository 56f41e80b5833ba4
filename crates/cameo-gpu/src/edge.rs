//! The edge stage: moves, hardens or softens the edge of the matte.

use cameo_core::pipeline::{CutoutOptions, Edge};
use cameo_core::taps::{self, DiscTap};
use cameo_core::tuning::CRISP_SLOPE;

use crate::context::GpuContext;
use crate::kernels::{WORKGROUP_1D, workgroups_2d};
use crate::params::{EdgeAcross, EdgeChoke, EdgeDown, EdgeTone};
use crate::row_bands::RowBands;

/// Workgroups that share the pixels of a band.
const TONE_WORKGROUPS: u32 = 1024;

/// Applies the threshold, the choke, the crispness and the blur of `options` to `matte`, in that order.
pub fn edge(context: &GpuContext, mut matte: RowBands, options: &CutoutOptions) -> RowBands {
    if let Some(threshold) = options.threshold {
        record_tone(context, &matte, threshold as f32, 1.0);
    }
    if options.choke != 0.0 {
        matte = record_choke(context, &matte, options.choke as f32);
    }
    if options.edge == Edge::Crisp {
        record_tone(context, &matte, 0.0, CRISP_SLOPE);
    }
    let sigma = options.blur_sigma(matte.width, matte.height);
    if sigma > 0.0 {
        matte = record_feather(context, &matte, &taps::gaussian(sigma));
    }
    matte
}

/// Records a tone curve on each pixel, in place.
fn record_tone(context: &GpuContext, matte: &RowBands, threshold: f32, slope: f32) {
    for buffer in matte.buffers() {
        let count = (buffer.size() / 4) as u32;
        let params = EdgeTone { count, stride: TONE_WORKGROUPS * WORKGROUP_1D, threshold, slope };
        let bindings = [buffer.as_entire_buffer_binding()];
        context.dispatch(&context.kernels.edge_tone, &params, &bindings, [TONE_WORKGROUPS, 1, 1]);
    }
}

/// Records the move of the edge inwards by `pixels`, outwards if they are negative.
fn record_choke(context: &GpuContext, matte: &RowBands, pixels: f32) -> RowBands {
    let disc = taps::disc(pixels.abs());
    let radius = disc.iter().map(|tap| tap.y.unsigned_abs()).max().unwrap_or(0);
    let table: Vec<[u32; 3]> =
        disc.iter().map(|&DiscTap { x, y, rise }| [x as u32, y as u32, rise.to_bits()]).collect();
    let table = context.table("edge_choke disc", &table);
    let RowBands { width, height, .. } = *matte;
    let choked = RowBands::scratch(context, "matte", width, height, context.limits.binding_bytes);
    for rows in choked.chunks(radius, context.limits.binding_bytes) {
        let source = matte.rows_around(&rows, radius);
        let matte = matte.bind(context, &source);
        let target = choked.bind_output(context, &rows);
        let params = EdgeChoke {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            source_first_row: source.start,
            matte_offset: matte.offset,
            choked_offset: target.offset,
            taps: disc.len() as u32,
            dilate: (pixels < 0.0).into(),
        };
        let bindings = [table.as_entire_buffer_binding(), matte.binding(), target.binding()];
        let workgroups = workgroups_2d(width, rows.len() as u32);
        context.dispatch(&context.kernels.edge_choke, &params, &bindings, workgroups);
    }
    choked
}

/// Records the blur of the matte with the Gaussian `weights`.
fn record_feather(context: &GpuContext, matte: &RowBands, weights: &[f32]) -> RowBands {
    let (width, height, radius) = (matte.width, matte.height, weights.len() as u32 / 2);
    let weights = context.table("feather weights", weights);
    let feathered = RowBands::scratch(context, "matte", width, height, context.limits.binding_bytes);
    for rows in feathered.chunks(radius, context.limits.binding_bytes) {
        let source = matte.rows_around(&rows, radius);
        let source_rows = source.len() as u32;
        let matte = matte.bind(context, &source);
        let blurred_rows = context.scratch("feather rows", u64::from(source_rows) * u64::from(width) * 4);
        let params = EdgeAcross { width, rows: source_rows, radius, matte_offset: matte.offset };
        let bindings = [weights.as_entire_buffer_binding(), matte.binding(), blurred_rows.as_entire_buffer_binding()];
        let workgroups = workgroups_2d(width, source_rows);
        context.dispatch(&context.kernels.edge_across, &params, &bindings, workgroups);

        let target = feathered.bind_output(context, &rows);
        let params = EdgeDown {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            source_first_row: source.start,
            radius,
            feathered_offset: target.offset,
        };
        let bindings = [weights.as_entire_buffer_binding(), blurred_rows.as_entire_buffer_binding(), target.binding()];
        let workgroups = workgroups_2d(width, rows.len() as u32);
        context.dispatch(&context.kernels.edge_down, &params, &bindings, workgroups);
    }
    feathered
}
