//! The matte's edge as its user wishes it: moved, hard, soft or steep.

use super::Gpu;
use super::kernels::{LINE, tiles};
use super::params::{EdgeAcross, EdgeChoke, EdgeDown, EdgeTone};
use super::strips::Strips;
use crate::error::Result;
use crate::pipeline::{CutoutOptions, Edge};
use crate::rules::CRISP;
use crate::taps::{self, DiscTap};

/// Workgroups that share a pass over a strip.
const TONE_GROUPS: u32 = 1024;

/// `matte` with the threshold, the choke, the crispness and the blur that `options` ask for, in that order.
pub fn edge(gpu: &Gpu, mut matte: Strips, options: &CutoutOptions) -> Result<Strips> {
    let mut encoder = gpu.encoder("edge");
    if let Some(threshold) = options.threshold {
        tone(gpu, &mut encoder, &matte, threshold as f32, 1.0);
    }
    if options.choke != 0.0 {
        matte = choke(gpu, &mut encoder, &matte, options.choke as f32);
    }
    if options.edge == Edge::Crisp {
        tone(gpu, &mut encoder, &matte, 0.0, CRISP);
    }
    let sigma = options.blur_sigma(matte.width, matte.height);
    if sigma > 0.0 {
        matte = blur(gpu, &mut encoder, &matte, &taps::gaussian(sigma));
    }
    gpu.submit(encoder)?;
    Ok(matte)
}

/// Records a change of each pixel, in place.
fn tone(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, matte: &Strips, threshold: f32, steepness: f32) {
    for strip in matte.buffers() {
        let count = (strip.size() / 4) as u32;
        let params = EdgeTone { count, stride: TONE_GROUPS * LINE, threshold, steepness };
        let bindings = [strip.as_entire_binding()];
        gpu.kernels.edge_tone.dispatch(&gpu.bus, encoder, &params, &bindings, [TONE_GROUPS, 1]);
    }
}

fn choke(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, matte: &Strips, pixels: f32) -> Strips {
    let bus = &gpu.bus;
    let disc = taps::disc(pixels.abs());
    let reach = disc.iter().map(|tap| tap.y.unsigned_abs()).max().unwrap_or(0);
    let table: Vec<[u32; 3]> =
        disc.iter().map(|&DiscTap { x, y, rise }| [x as u32, y as u32, rise.to_bits()]).collect();
    let table = bus.table("disc", &table);
    let choked = Strips::scratch(bus, "matte", matte.width, matte.height, gpu.limits.strip_bytes);
    for rows in choked.parts(reach, gpu.limits.strip_bytes) {
        let source = rows.start.saturating_sub(reach)..(rows.end + reach).min(matte.height);
        let window = matte.window(bus, encoder, &source);
        let Some(target) = choked.slice(bus, &rows) else { continue };
        let params = EdgeChoke {
            width: matte.width,
            height: matte.height,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_first: source.start,
            matte_skip: window.skip,
            out_skip: target.skip,
            taps: disc.len() as u32,
            outwards: (pixels < 0.0).into(),
            ..Default::default()
        };
        let bindings = [table.as_entire_binding(), window.binding(), target.binding()];
        let groups = tiles(matte.width, rows.len() as u32);
        gpu.kernels.edge_choke.dispatch(bus, encoder, &params, &bindings, groups);
    }
    choked
}

fn blur(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, matte: &Strips, weights: &[f32]) -> Strips {
    let bus = &gpu.bus;
    let (width, height, radius) = (matte.width, matte.height, weights.len() as u32 / 2);
    let weights = bus.table("feather taps", weights);
    let feathered = Strips::scratch(bus, "matte", width, height, gpu.limits.strip_bytes);
    for rows in feathered.parts(radius, gpu.limits.strip_bytes) {
        let source = rows.start.saturating_sub(radius)..(rows.end + radius).min(height);
        let window = matte.window(bus, encoder, &source);
        let wide = bus.scratch("feather wide", source.len() as u64 * width as u64 * 4);
        let params = EdgeAcross { width, rows: source.len() as u32, radius, matte_skip: window.skip };
        let bindings = [weights.as_entire_binding(), window.binding(), wide.as_entire_binding()];
        let groups = tiles(width, source.len() as u32);
        gpu.kernels.edge_across.dispatch(bus, encoder, &params, &bindings, groups);
        let Some(target) = feathered.slice(bus, &rows) else { continue };
        let params = EdgeDown {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_first: source.start,
            radius,
            out_skip: target.skip,
            pad: 0,
        };
        let bindings = [weights.as_entire_binding(), wide.as_entire_binding(), target.binding()];
        gpu.kernels.edge_down.dispatch(bus, encoder, &params, &bindings, tiles(width, rows.len() as u32));
    }
    feathered
}
