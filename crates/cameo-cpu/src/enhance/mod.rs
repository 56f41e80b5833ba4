//! The enhance stage: enlarges and sharpens the photo. Lanczos-3 on premultiplied colour, an unsharp mask that is
//! clamped to the local range, and packing to 8 or 16 bits.
//!
//! The result is computed in bands of rows, each on one core, tile by tile. Every tile reads as far as its filters do,
//! so that neither bands nor tiles leave a seam.
//!
//! The files in the order of the data: `denoise` (only if the level asks for it), `inputs`, `resample`, `local_range`,
//! `sharpen`, `pack`. A `column_tile` runs them from `resample` on.

#![allow(
    clippy::needless_range_loop,
    reason = "loops that index several arrays of lanes in step become vector instructions"
)]

mod column_tile;
mod coverage;
mod denoise;
mod inputs;
mod lanes;
mod local_range;
mod pack;
mod resample;
mod sharpen;

use std::ops::Range;

use rayon::prelude::*;

use cameo_core::codec::{Depth, Image, Picture, Sample};
use cameo_core::pipeline::Enhancement;

use crate::frame::CpuFrame;

use column_tile::{ColumnTile, TILE_COLUMNS};
use inputs::EnhanceInputs;

pub use denoise::{denoise, estimate_noise};

/// Rows of the result in a band: what the filters read beyond a band is computed again for the next one.
const BAND_ROWS: Range<usize> = 64..512;

/// Bands per thread, so that threads do not wait long for the last one.
const BANDS_PER_THREAD: usize = 6;

/// Returns `frame` sharpened, at the size of `enhancement`, which is no smaller than the photo: straight alpha, colours
/// 0 where alpha is 0.
pub fn enhance(frame: CpuFrame, enhancement: &Enhancement) -> Picture {
    match enhancement.depth {
        Depth::Eight => Sample::picture(enhance_to::<u8>(frame, enhancement)),
        Depth::Sixteen => Sample::picture(enhance_to::<u16>(frame, enhancement)),
    }
}

fn enhance_to<T: Sample>(mut frame: CpuFrame, enhancement: &Enhancement) -> Image<T> {
    let Enhancement { width, height, mut sharpening, denoises, .. } = *enhancement;
    if denoises {
        let noise = estimate_noise(&frame, enhancement.noise_above);
        if noise > 0.0 {
            frame.photo = denoise(&frame, noise);
        }
        if let Some(sharpening) = &mut sharpening {
            sharpening.threshold += noise;
        }
    }
    let inputs = EnhanceInputs::new(&frame, width as usize, height as usize, sharpening);
    let row_samples = 4 * inputs.width;
    let mut pixels = vec![T::from_u64(0); row_samples * inputs.height];
    let bands = BANDS_PER_THREAD * rayon::current_num_threads();
    let band_rows = (inputs.height / bands).clamp(BAND_ROWS.start, BAND_ROWS.end);
    pixels.par_chunks_mut(band_rows * row_samples).enumerate().for_each_init(
        || ColumnTile::new(&inputs),
        |tile, (band, out)| {
            let first_row = band * band_rows;
            let rows = first_row..first_row + out.len() / row_samples;
            for left in (0..inputs.width).step_by(TILE_COLUMNS) {
                tile.enhance(left..(left + TILE_COLUMNS).min(inputs.width), rows.clone(), out);
            }
        },
    );
    Image { width, height, pixels }
}

#[cfg(test)]
mod tests;
