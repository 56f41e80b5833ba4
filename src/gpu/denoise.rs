//! Less noise before strong sharpening, edges kept: the noise is measured, and stays, on the device.

use super::kernels::{TILE, tiles};
use super::params::{DenoiseCount, DenoiseFilter, DenoiseLevel};
use super::pool::Buffer;
use super::strips::{PhotoRows, Strips};
use super::{Frame, Gpu};
use crate::error::Result;
use crate::rules::{LUMA, MIN_ALPHA, noise};
use crate::taps::NearTap;

/// The photo of `frame`, denoised where it is subject, and the deviation of its noise in 0..1, measured where alpha is
/// larger than `above`.
pub fn denoise(gpu: &Gpu, frame: &Frame, above: f32) -> Result<(Strips, Buffer)> {
    let bus = &gpu.bus;
    let Strips { width, height, .. } = frame.photo;
    let mut encoder = gpu.encoder("denoise");
    let level = measure(gpu, &mut encoder, frame, above);
    let taps = noise::near();
    let reach = taps.iter().map(|tap| tap.y.unsigned_abs()).max().unwrap_or(0);
    let table: Vec<[u32; 3]> =
        taps.iter().map(|&NearTap { x, y, weight }| [x as u32, y as u32, weight.to_bits()]).collect();
    let table = bus.table("denoise taps", &table);
    let denoised = Strips::scratch(bus, "photo", width, height, gpu.limits.strip_bytes);
    for rows in denoised.parts(reach, gpu.limits.strip_bytes) {
        let source = rows.start.saturating_sub(reach)..(rows.end + reach).min(height);
        let window = PhotoRows::new(bus, &mut encoder, frame, &source);
        let Some(target) = denoised.slice(bus, &rows) else { continue };
        let params = DenoiseFilter {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_first: source.start,
            photo_skip: window.photo.skip,
            matte_skip: window.matte.skip,
            out_skip: target.skip,
            has_matte: window.has_matte.into(),
            taps: taps.len() as u32,
            min_alpha: MIN_ALPHA,
            spread: noise::spread(),
        };
        let bindings = [
            table.as_entire_binding(),
            level.as_entire_binding(),
            window.photo.binding(),
            window.matte.binding(),
            target.binding(),
        ];
        let groups = tiles(width, rows.len() as u32);
        gpu.kernels.denoise_filter.dispatch(bus, &mut encoder, &params, &bindings, groups);
    }
    gpu.submit(encoder)?;
    Ok((denoised, level))
}

/// Records the measurement of the noise.
fn measure(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, frame: &Frame, above: f32) -> Buffer {
    let bus = &gpu.bus;
    let photo = &frame.photo;
    let counts = bus.scratch("noise counts", (noise::BINS * 4) as u64);
    encoder.clear_buffer(&counts, 0, None);
    let columns = photo.width / 2;
    // Pairs of rows, as many as one window serves.
    let most = (gpu.limits.strip_bytes / (u64::from(photo.width) * 8)).clamp(1, u64::from(TILE) << 12) as u32;
    for first in (0..photo.height / 2).step_by(most as usize) {
        let pairs = most.min(photo.height / 2 - first);
        let rows = 2 * first..2 * (first + pairs);
        let window = PhotoRows::new(bus, encoder, frame, &rows);
        let params = DenoiseCount {
            luma: LUMA,
            columns,
            rows: pairs,
            width: photo.width,
            photo_skip: window.photo.skip,
            matte_skip: window.matte.skip,
            has_matte: window.has_matte.into(),
            above,
            bins_a_tone: noise::BINS_A_TONE,
            pad: 0,
        };
        let bindings = [window.photo.binding(), window.matte.binding(), counts.as_entire_binding()];
        gpu.kernels.denoise_count.dispatch(bus, encoder, &params, &bindings, tiles(columns.max(1), pairs));
    }
    let level = bus.scratch("noise", 4);
    let params = DenoiseLevel {
        bins_a_tone: noise::BINS_A_TONE,
        median: noise::MEDIAN,
        texture: noise::TEXTURE,
        luma: noise::LUMA,
    };
    let bindings = [counts.as_entire_binding(), level.as_entire_binding()];
    gpu.kernels.denoise_level.dispatch(bus, encoder, &params, &bindings, [1, 1]);
    level
}
