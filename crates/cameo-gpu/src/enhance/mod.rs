//! The enhance stage: denoises, enlarges and sharpens the photo, and packs the picture.

mod denoise;

use std::ops::Range;

use cameo_core::pipeline::Enhancement;
use cameo_core::taps;
use cameo_core::tuning::MIN_ALPHA;

use crate::context::GpuContext;
use crate::frame::{FrameRows, GpuFrame};
use crate::params::EnhanceTile;
use crate::row_bands::RowBands;
use crate::taps_table::EnlargementTaps;

pub use denoise::denoise;

/// Columns of the result that a workgroup computes.
const TILE_WIDTH: u32 = 32;

/// Pixels of a tile together with those around it that its blur reads, for which a workgroup has memory; and rows of
/// them, of `TILE_WIDTH` pixels each.
const MAX_SURROUNDINGS: u32 = 1620;
const MAX_BLURRED_ROWS: u32 = 32;

/// Returns `frame` at the size and with the sharpening of `enhancement`, packed. Colours are 0 where alpha is 0.
///
/// One dispatch computes all rows that can be bound. A workgroup computes a tile of them from the photo alone, and the
/// result does not depend on where tiles and bands begin.
pub fn enhance(context: &GpuContext, mut frame: GpuFrame, enhancement: &Enhancement) -> RowBands {
    let Enhancement { width, height, sharpening, denoises, noise_above, depth } = *enhancement;
    let noise = match denoises {
        true => {
            let (photo, noise) = denoise(context, &frame, noise_above);
            frame.photo = photo;
            noise
        }
        false => context.table("no noise", &[0f32]),
    };
    let words_per_pixel = u32::from(u8::from(depth)) / 8;
    let picture = RowBands::scratch(context, "picture", width * words_per_pixel, height, context.limits.binding_bytes);
    let weights = sharpening.map_or(vec![1.0], |sharpening| taps::gaussian(sharpening.sigma));
    let radius = weights.len() as u32 / 2;
    let weights = context.table("sharpen weights", &weights);
    let (photo_width, photo_height) = (frame.photo.width, frame.photo.height);
    let taps = EnlargementTaps::new(context, [photo_width, photo_height], [width, height]);
    let tile_height = tile_height(radius);
    for rows in picture.bands() {
        let source = source_rows(&taps, &picture.rows_around(&rows, radius), &rows, enhancement, photo_height);
        let frame_rows = FrameRows::bind(context, &frame, &source);
        let target = picture.bind_output(context, &rows);
        let params = EnhanceTile {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            photo_width,
            photo_height,
            source_rows: source.len() as u32,
            source_first_row: source.start,
            photo_offset: frame_rows.photo.offset,
            matte_offset: frame_rows.matte.offset,
            has_matte: frame_rows.has_matte.into(),
            taps_across: taps.across,
            taps_down: taps.down,
            down_weights_offset: taps.across * width,
            tile_height,
            radius,
            amount: sharpening.map_or(0.0, |sharpening| sharpening.amount),
            edge_amount: sharpening.map_or(0.0, |sharpening| sharpening.edge_amount),
            threshold: sharpening.map_or(0.0, |sharpening| sharpening.threshold),
            min_alpha: MIN_ALPHA,
            picture_offset: target.offset,
            words_per_pixel,
        };
        let [first, taps] = taps.bindings();
        let [photo, matte] = frame_rows.bindings();
        let (weights, noise) = (weights.as_entire_buffer_binding(), noise.as_entire_buffer_binding());
        let bindings = [first, taps, photo, matte, weights, noise, target.binding()];
        let workgroups = [width.div_ceil(TILE_WIDTH), (rows.len() as u32).div_ceil(tile_height), 1];
        context.dispatch(&context.kernels.enhance_tile, &params, &bindings, workgroups);
    }
    picture
}

/// Returns how many rows of the result a workgroup computes, so that what its blur of `radius` reads fits into its memory.
///
/// # Panics
/// If no row fits: the largest radius of any level at any scale is 11.
fn tile_height(radius: u32) -> u32 {
    let fits = |height: &u32| {
        let rows = height + 2 * radius;
        rows <= MAX_BLURRED_ROWS && rows * (TILE_WIDTH + 2 * radius) <= MAX_SURROUNDINGS
    };
    [16, 12, 8].into_iter().find(fits).expect("the radius of a blur is at most 11")
}

/// Returns the rows of the photo that the rows `resampled` of the result are computed of, and those around the pixels of
/// the rows `written`.
fn source_rows(
    taps: &EnlargementTaps,
    resampled: &Range<u32>,
    written: &Range<u32>,
    enhancement: &Enhancement,
    photo_height: u32,
) -> Range<u32> {
    let read = taps.input_rows(resampled, photo_height);
    let photo_row = |row: u32| (2 * row + 1) * photo_height / (2 * enhancement.height);
    let around = photo_row(written.start).saturating_sub(1)..(photo_row(written.end - 1) + 2).min(photo_height);
    read.start.min(around.start)..read.end.max(around.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cameo_core::codec::ImageHeader;
    use cameo_core::pipeline::{Level, Operation, ProcessingLimits, Recipe};

    #[test]
    fn the_blur_of_every_level_at_every_scale_fits_into_a_tile() {
        for &level in Level::ALL {
            for scale in [1.0, 1.5, 2.0, 3.0, 4.0] {
                let recipe = Recipe { level, scale: Some(scale), ..Recipe::new(Operation::Combo) };
                let header = ImageHeader { width: 100, height: 100 };
                let resolved = recipe.resolve(header, &ProcessingLimits::default()).unwrap();
                let sharpening = resolved.enhancement.sharpening.unwrap();
                let radius = taps::gaussian(sharpening.sigma).len() as u32 / 2;
                let rows = tile_height(radius) + 2 * radius;
                assert!(rows <= MAX_BLURRED_ROWS && rows * (TILE_WIDTH + 2 * radius) <= MAX_SURROUNDINGS);
            }
        }
        assert_eq!([0, 8, 9, 11].map(tile_height), [16, 16, 12, 8]);
    }
}
