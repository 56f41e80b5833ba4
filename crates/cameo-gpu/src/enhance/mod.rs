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

use cameo_core::pipeline::Enhancement;
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
    let resampling = Resampling::new(context, &frame, enhancement);
    let unsharp_mask = sharpening.map(|sharpening| GpuUnsharpMask::new(context, sharpening, noise, enhancement));
    let halo = unsharp_mask.as_ref().map_or(0, |mask| mask.radius);
    let photo_size = [frame.photo.width, frame.photo.height];
    let max_rows = max_band_rows(context.limits.enhance_bytes, [width, height], photo_size, halo);
    for part in picture.bands() {
        for start in part.clone().step_by(max_rows as usize) {
            let rows = start..(start + max_rows).min(part.end);
            let band_rows = picture.rows_around(&rows, halo);
            let band = resampling.record(context, &frame, band_rows);
            let target = PictureRows { binding: picture.bind_output(context, &rows), rows, words_per_pixel };
            match &unsharp_mask {
                Some(mask) => mask.record(context, &frame, &band, &target),
                None => record_pack(context, &band, width, &target),
            }
        }
    }
    picture
}

/// Returns how many rows of a result of `[width, height]` a band may have so that its buffers keep to `max_bytes`, but at
/// least one.
fn max_band_rows(max_bytes: u64, [width, height]: [u32; 2], [photo_width, photo_height]: [u32; 2], halo: u32) -> u32 {
    let max_rows = |width: u32, pixel_bytes: u64| max_bytes / (u64::from(width) * pixel_bytes);
    let with_halo = max_rows(width.max(photo_width), BAND_PIXEL_BYTES);
    let without_halo = with_halo.saturating_sub((2 * halo + taps::LANCZOS_ROWS).into());
    // Local ranges have the size of the photo, and only the rows to write need them.
    let photo_rows = max_rows(photo_width, RANGE_PIXEL_BYTES).saturating_sub(1);
    let with_ranges = photo_rows.saturating_mul(height.into()) / u64::from(photo_height);
    without_halo.min(with_ranges).clamp(1, u32::MAX.into()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffers_of_a_band_keep_to_the_limit_and_use_most_of_it() {
        const MAX_BYTES: u64 = 64 << 20;
        for ([width, height], photo) in [
            ([8000, 6000], [4000, 3000]),
            ([4000, 3000], [4000, 3000]),
            ([2000, 1500], [4000, 3000]),
            ([16000, 300], [4000, 75]),
        ] {
            let rows = max_band_rows(MAX_BYTES, [width, height], photo, 6);
            let band_rows = u64::from(rows + 12 + taps::LANCZOS_ROWS);
            let band = band_rows * u64::from(width.max(photo[0])) * BAND_PIXEL_BYTES;
            let photo_rows = u64::from(rows) * u64::from(photo[1]) / u64::from(height) + 1;
            let ranges = photo_rows * u64::from(photo[0]) * RANGE_PIXEL_BYTES;
            assert!((MAX_BYTES * 9 / 10..=MAX_BYTES).contains(&band.max(ranges)), "{rows}: {band}, {ranges}");
        }
        assert_eq!(max_band_rows(1, [8000, 6000], [4000, 3000], 6), 1);
    }
}
