//! The enhance stage: denoises, enlarges and sharpens the photo, and packs the picture.
//!
//! The result is computed band by band, so that the working memory stays small whatever its size. Each band reads the
//! rows that its filters reach, so that bands leave no seams.

mod band;
mod denoise;
mod local_range;
mod pack;
mod resample;
mod sharpen;

use cameo_core::pipeline::{EngineError, Enhancement};
use cameo_core::taps;

use crate::context::GpuContext;
use crate::frame::GpuFrame;
use crate::row_bands::RowBands;

use band::{BAND_PIXEL_BYTES, PictureRows};
use local_range::RANGE_PIXEL_BYTES;
use pack::record_pack;
use resample::Resampling;
use sharpen::GpuUnsharpMask;

pub use denoise::denoise;

/// Returns `frame` at the size and with the sharpening of `enhancement`, packed. Colours are 0 where alpha is 0.
///
/// # Errors
/// If the device was lost.
pub fn enhance(context: &GpuContext, mut frame: GpuFrame, enhancement: &Enhancement) -> Result<RowBands, EngineError> {
    let Enhancement { width, height, sharpening, denoises, noise_above, depth } = *enhancement;
    let noise = match denoises {
        true => {
            let (photo, noise) = denoise(context, &frame, noise_above)?;
            frame.photo = photo;
            noise
        }
        false => context.transfer.table("no noise", &[0f32]),
    };
    let words_per_pixel = u32::from(u8::from(depth)) / 8;
    let picture = RowBands::scratch(context, "picture", width * words_per_pixel, height, context.limits.binding_bytes);
    let resampling = Resampling::new(context, &frame, enhancement);
    let unsharp_mask = sharpening.map(|sharpening| GpuUnsharpMask::new(context, sharpening, noise, enhancement));
    let halo = unsharp_mask.as_ref().map_or(0, |mask| mask.radius);
    let max_rows = max_band_rows(context.limits.enhance_bytes, width.max(frame.photo.width), halo);
    for part in picture.bands() {
        for start in part.clone().step_by(max_rows as usize) {
            let rows = start..(start + max_rows).min(part.end);
            let band_rows = picture.rows_around(&rows, halo);
            let mut encoder = context.encoder("enhance");
            let band = resampling.record(context, &mut encoder, &frame, band_rows);
            let target = PictureRows { binding: picture.bind_output(context, &rows), rows, words_per_pixel };
            match &unsharp_mask {
                Some(mask) => mask.record(context, &mut encoder, &frame, &band, &target),
                None => record_pack(context, &mut encoder, &band, width, &target),
            }
            // The memory of a band is free again before that of the next one is acquired.
            context.submit(encoder)?;
        }
    }
    Ok(picture)
}

/// Returns how many rows a band may have so that its buffers keep to `max_bytes`, but at least one.
fn max_band_rows(max_bytes: u64, width: u32, halo: u32) -> u32 {
    let max_rows = |pixel_bytes: u64| (max_bytes / (u64::from(width) * pixel_bytes)).min(u32::MAX.into()) as u32;
    // Only the rows to write need local ranges, without the halo.
    let without_halo = max_rows(BAND_PIXEL_BYTES).saturating_sub(2 * halo + taps::LANCZOS_ROWS);
    without_halo.min(max_rows(RANGE_PIXEL_BYTES)).max(1)
}
