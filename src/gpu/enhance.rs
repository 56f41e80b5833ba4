//! The photo enlarged and sharpened, band by band: memory stays small whatever the size, and every band reads the
//! rows its filters reach, so that bands leave no seam.

use std::ops::Range;

use super::denoise::denoise;
use super::kernels::tiles;
use super::params::{EnhanceAcross, EnhanceDown, EnhanceSpan, Pack, Premultiply, SharpenAcross, SharpenDown};
use super::pool::Buffer;
use super::strips::{PhotoRows, Rows, Strips};
use super::table::HostTable;
use super::{Frame, Gpu};
use crate::error::Result;
use crate::pipeline::{Enhancement, Sharpening};
use crate::rules::MIN_ALPHA;
use crate::taps;

/// Bytes of a premultiplied pixel on the device: four f32.
const WIDE_PIXEL: u64 = 16;

/// Bytes of the ranges around a pixel.
const SPAN: u64 = 48;

/// A picture of some rows, `[rows, width]`, premultiplied.
struct Band {
    buffer: Buffer,
    rows: Range<u32>,
}

/// Where some rows of the result go.
struct Target {
    rows: Range<u32>,
    place: Rows,
    /// Of a pixel.
    words: u32,
}

/// `frame` at the size of `enhancement`, sharpened and packed; colours are 0 where alpha is 0.
pub fn enhance(gpu: &Gpu, mut frame: Frame, enhancement: &Enhancement) -> Result<Strips> {
    let Enhancement { width, height, sharpening, denoises, noise_above, depth } = *enhancement;
    let bus = &gpu.bus;
    let level = match denoises {
        true => {
            let (photo, level) = denoise(gpu, &frame, noise_above)?;
            frame.photo = photo;
            level
        }
        false => bus.table("no noise", &[0f32]),
    };
    let words = u32::from(u8::from(depth)) / 8;
    let picture = Strips::scratch(bus, "picture", width * words, height, gpu.limits.strip_bytes);
    let resampling = Resampling::new(gpu, &frame, enhancement);
    let mask = sharpening.map(|sharpening| Mask::new(gpu, sharpening, level, enhancement));
    let halo = mask.as_ref().map_or(0, |mask| mask.radius);
    let most = band_rows(gpu.limits.band_bytes, width.max(frame.photo.width), halo);
    for cut in picture.cuts() {
        for start in cut.clone().step_by(most as usize) {
            let rows = start..(start + most).min(cut.end);
            let wide = rows.start.saturating_sub(halo)..(rows.end + halo).min(height);
            let mut encoder = gpu.encoder("enhance");
            let band = resampling.run(gpu, &mut encoder, &frame, wide);
            let Some(place) = picture.slice(bus, &rows) else { continue };
            let target = Target { rows, place, words };
            match &mask {
                Some(mask) => mask.run(gpu, &mut encoder, &frame, &band, &target),
                None => pack(gpu, &mut encoder, &band, width, &target),
            }
            // A band's memory is free again before the next one's is taken.
            gpu.submit(encoder)?;
        }
    }
    Ok(picture)
}

fn pack(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, band: &Band, width: u32, target: &Target) {
    let Target { rows, place, words } = target;
    let params = Pack {
        width,
        rows: rows.len() as u32,
        first_row: rows.start - band.rows.start,
        picture_skip: place.skip,
        words: *words,
        ..Default::default()
    };
    let bindings = [band.buffer.as_entire_binding(), place.binding()];
    gpu.kernels.pack.dispatch(&gpu.bus, encoder, &params, &bindings, tiles(width, rows.len() as u32));
}

/// Rows of a band whose widest buffer keeps `bytes`, at least one.
fn band_rows(bytes: u64, width: u32, halo: u32) -> u32 {
    let rows = |pixel: u64| (bytes / (width as u64 * pixel)).min(u32::MAX as u64) as u32;
    // Ranges are of a band's own rows alone.
    rows(WIDE_PIXEL).saturating_sub(2 * halo + taps::LANCZOS_ROWS).min(rows(SPAN)).max(1)
}

/// Lanczos-3 to the result's size; nothing to do where it is the photo's.
struct Resampling {
    tables: Option<(HostTable, HostTable)>,
    out_width: u32,
}

impl Resampling {
    fn new(gpu: &Gpu, frame: &Frame, enhancement: &Enhancement) -> Self {
        let Enhancement { width, height, .. } = *enhancement;
        let photo = &frame.photo;
        let same = (photo.width, photo.height) == (width, height);
        let table = |label, from, to| HostTable::new(&gpu.bus, label, taps::lanczos3(from as usize, to as usize));
        let tables = (!same).then(|| {
            (table("enhance_across taps", photo.width, width), table("enhance_down taps", photo.height, height))
        });
        Self { tables, out_width: width }
    }

    fn run(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, frame: &Frame, rows: Range<u32>) -> Band {
        let bus = &gpu.bus;
        let Some((across, down)) = &self.tables else {
            return premultiply(gpu, encoder, frame, rows);
        };
        let out_width = self.out_width;
        let source = down.reach(rows.clone(), frame.photo.height);
        let window = PhotoRows::new(bus, encoder, frame, &source);
        let wide = bus.scratch("enhance wide", source.len() as u64 * out_width as u64 * WIDE_PIXEL);
        let params = EnhanceAcross {
            width: frame.photo.width,
            out_width,
            rows: source.len() as u32,
            taps: across.table.width,
            photo_skip: window.photo.skip,
            matte_skip: window.matte.skip,
            has_matte: window.has_matte.into(),
            ..Default::default()
        };
        let [first, weights] = across.table.bindings();
        let bindings = [first, weights, window.photo.binding(), window.matte.binding(), wide.as_entire_binding()];
        let groups = tiles(out_width, source.len() as u32);
        gpu.kernels.enhance_across.dispatch(bus, encoder, &params, &bindings, groups);

        let buffer = bus.scratch("enhance band", rows.len() as u64 * out_width as u64 * WIDE_PIXEL);
        let params = EnhanceDown {
            out_width,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_rows: source.len() as u32,
            window_first: source.start,
            taps: down.table.width,
            ..Default::default()
        };
        let [first, weights] = down.table.bindings();
        let bindings = [first, weights, wide.as_entire_binding(), buffer.as_entire_binding()];
        let groups = tiles(out_width, rows.len() as u32);
        gpu.kernels.enhance_down.dispatch(bus, encoder, &params, &bindings, groups);
        Band { buffer, rows }
    }
}

fn premultiply(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, frame: &Frame, rows: Range<u32>) -> Band {
    let bus = &gpu.bus;
    let width = frame.photo.width;
    let window = PhotoRows::new(bus, encoder, frame, &rows);
    let buffer = bus.scratch("premultiplied", rows.len() as u64 * width as u64 * WIDE_PIXEL);
    let params = Premultiply {
        width,
        rows: rows.len() as u32,
        photo_skip: window.photo.skip,
        matte_skip: window.matte.skip,
        has_matte: window.has_matte.into(),
        ..Default::default()
    };
    let bindings = [window.photo.binding(), window.matte.binding(), buffer.as_entire_binding()];
    gpu.kernels.premultiply.dispatch(bus, encoder, &params, &bindings, tiles(width, rows.len() as u32));
    Band { buffer, rows }
}

/// The unsharp mask.
struct Mask {
    sharpening: Sharpening,
    radius: u32,
    weights: Buffer,
    /// The deviation of the noise there was.
    level: Buffer,
    width: u32,
    height: u32,
}

impl Mask {
    fn new(gpu: &Gpu, sharpening: Sharpening, level: Buffer, enhancement: &Enhancement) -> Self {
        let weights = taps::gaussian(sharpening.sigma);
        let radius = weights.len() as u32 / 2;
        let Enhancement { width, height, .. } = *enhancement;
        Self { sharpening, radius, weights: gpu.bus.table("sharpen taps", &weights), level, width, height }
    }

    /// The rows of `band` that `target` takes, sharpened and packed.
    fn run(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, frame: &Frame, band: &Band, target: &Target) {
        let bus = &gpu.bus;
        let Target { rows, place, words } = target;
        let width = self.width;
        let band_rows = band.rows.len() as u32;
        let pixels = width as u64 * band_rows as u64;
        let blurred = bus.scratch("sharpen blurred", pixels * WIDE_PIXEL / 2);
        let params = SharpenAcross { width, rows: band_rows, radius: self.radius, pad: 0 };
        let bindings = [self.weights.as_entire_binding(), band.buffer.as_entire_binding(), blurred.as_entire_binding()];
        gpu.kernels.sharpen_across.dispatch(bus, encoder, &params, &bindings, tiles(width, band_rows));

        let photo_height = frame.photo.height;
        let source = |y: u32| (2 * y + 1) * photo_height / (2 * self.height);
        let around = source(rows.start)..source(rows.end - 1) + 1;
        let spans = spans(gpu, encoder, frame, &around);
        let params = SharpenDown {
            width,
            rows: rows.len() as u32,
            first_row: rows.start - band.rows.start,
            out_row: rows.start,
            band_rows,
            radius: self.radius,
            amount: self.sharpening.amount,
            edge_amount: self.sharpening.edge_amount,
            threshold: self.sharpening.threshold,
            min_alpha: MIN_ALPHA,
            out_height: self.height,
            photo_width: frame.photo.width,
            photo_height,
            span_first: around.start,
            picture_skip: place.skip,
            words: *words,
        };
        let bindings = [
            self.weights.as_entire_binding(),
            band.buffer.as_entire_binding(),
            blurred.as_entire_binding(),
            spans.as_entire_binding(),
            self.level.as_entire_binding(),
            place.binding(),
        ];
        gpu.kernels.sharpen_down.dispatch(bus, encoder, &params, &bindings, tiles(width, rows.len() as u32));
    }
}

/// Records the range of colours and alpha around each pixel of the photo's rows `rows`.
fn spans(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, frame: &Frame, rows: &Range<u32>) -> Buffer {
    let bus = &gpu.bus;
    let Strips { width, height, .. } = frame.photo;
    let read = rows.start.saturating_sub(1)..(rows.end + 1).min(height);
    let window = PhotoRows::new(bus, encoder, frame, &read);
    let spans = bus.scratch("spans", rows.len() as u64 * width as u64 * SPAN);
    let params = EnhanceSpan {
        width,
        rows: rows.len() as u32,
        first_row: rows.start - read.start,
        window_rows: read.len() as u32,
        photo_skip: window.photo.skip,
        matte_skip: window.matte.skip,
        has_matte: window.has_matte.into(),
        min_alpha: MIN_ALPHA,
    };
    let bindings = [window.photo.binding(), window.matte.binding(), spans.as_entire_binding()];
    gpu.kernels.enhance_span.dispatch(bus, encoder, &params, &bindings, tiles(width, rows.len() as u32));
    spans
}
