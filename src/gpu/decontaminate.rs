//! The subject's own colours where the background shines through: blur fusion from coarse to fine.

use std::ops::Range;

use super::Gpu;
use super::kernels::{LINE, tiles};
use super::params::{DecontaminateAlpha, DecontaminateFuse, DecontaminateHalve};
use super::pool::Buffer;
use super::strips::Strips;
use crate::error::Result;
use crate::rules::{FUSION_LEAST, FUSION_REACH, halvings};

/// A picture at half the size of the one before, and its alpha.
struct Level {
    colors: Strips,
    alpha: Strips,
}

/// Foreground and background of each pixel of a level, packed.
struct Pairs {
    buffer: Buffer,
    width: u32,
}

/// `photo` with the foreground's colours wherever `matte` is soft, or its own alpha if it has no matte, and up to
/// `spread` pixels outside.
pub fn decontaminate(gpu: &Gpu, photo: &Strips, matte: Option<&Strips>, spread: u32) -> Result<Strips> {
    let bus = &gpu.bus;
    let mut encoder = gpu.encoder("decontaminate");
    let own;
    let matte = match matte {
        Some(matte) => matte,
        None => {
            own = own_alpha(gpu, &mut encoder, photo);
            &own
        }
    };
    let mut levels: Vec<Level> = Vec::new();
    for _ in 0..halvings(photo.width, photo.height) {
        let next = match levels.last() {
            Some(level) => halve(gpu, &mut encoder, &level.colors, &level.alpha),
            None => halve(gpu, &mut encoder, photo, matte),
        };
        levels.push(next);
    }
    let mut coarser: Option<Pairs> = None;
    for (i, level) in levels.iter().enumerate().rev() {
        let (width, height) = (level.colors.width, level.colors.height);
        let pairs = bus.scratch("pairs", u64::from(width) * u64::from(height) * 8);
        let fusion =
            Fusion { colors: &level.colors, alpha: &level.alpha, coarser: &coarser, spread: spread.div_ceil(2 << i) };
        fusion.run(gpu, &mut encoder, 0..height, pairs.as_entire_binding(), None);
        coarser = Some(Pairs { buffer: pairs, width });
    }
    let fused = Strips::scratch(bus, "photo", photo.width, photo.height, gpu.limits.strip_bytes);
    let fusion = Fusion { colors: photo, alpha: matte, coarser: &coarser, spread };
    for rows in fused.parts(FUSION_REACH as u32, gpu.limits.strip_bytes) {
        if let Some(target) = fused.slice(bus, &rows) {
            fusion.run(gpu, &mut encoder, rows, target.binding(), Some(target.skip));
        }
    }
    gpu.submit(encoder)?;
    Ok(fused)
}

/// Workgroups that share a pass over a strip.
const ALPHA_GROUPS: u32 = 1024;

fn own_alpha(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, photo: &Strips) -> Strips {
    let bus = &gpu.bus;
    let matte = Strips::scratch(bus, "matte", photo.width, photo.height, gpu.limits.strip_bytes);
    for rows in matte.cuts() {
        let photo = photo.window(bus, encoder, &rows);
        let Some(target) = matte.slice(bus, &rows) else { continue };
        let params = DecontaminateAlpha {
            count: rows.len() as u32 * matte.width,
            stride: ALPHA_GROUPS * LINE,
            photo_skip: photo.skip,
            matte_skip: target.skip,
        };
        let bindings = [photo.binding(), target.binding()];
        gpu.kernels.decontaminate_alpha.dispatch(bus, encoder, &params, &bindings, [ALPHA_GROUPS, 1]);
    }
    matte
}

fn halve(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, colors: &Strips, alpha: &Strips) -> Level {
    let bus = &gpu.bus;
    let (width, height) = (colors.width, colors.height);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let whole = |label| Strips::scratch(bus, label, half_width, half_height, u64::MAX);
    let level = Level { colors: whole("half colours"), alpha: whole("half alpha") };
    let (Some(to_colors), Some(to_alpha)) =
        (level.colors.slice(bus, &(0..half_height)), level.alpha.slice(bus, &(0..half_height)))
    else {
        return level;
    };
    // As many rows as one window of the finer level serves.
    let most = (gpu.limits.strip_bytes / (u64::from(width) * 8)).clamp(1, height.into()) as u32;
    for first in (0..half_height).step_by(most as usize) {
        let rows = first..(first + most).min(half_height);
        let source = 2 * rows.start..(2 * rows.end).min(height);
        let (colors, alpha) = (colors.window(bus, encoder, &source), alpha.window(bus, encoder, &source));
        let params = DecontaminateHalve {
            width,
            height,
            half_width,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_first: source.start,
            color_skip: colors.skip,
            alpha_skip: alpha.skip,
        };
        let bindings = [colors.binding(), alpha.binding(), to_colors.binding(), to_alpha.binding()];
        let groups = tiles(half_width, rows.len() as u32);
        gpu.kernels.decontaminate_halve.dispatch(bus, encoder, &params, &bindings, groups);
    }
    level
}

/// Blur fusion at one level.
struct Fusion<'a> {
    colors: &'a Strips,
    alpha: &'a Strips,
    coarser: &'a Option<Pairs>,
    spread: u32,
}

impl Fusion<'_> {
    /// Records the rows `rows` into `target`: at the finest level `skip` words in, pairs at the others.
    fn run(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        rows: Range<u32>,
        target: wgpu::BindingResource<'_>,
        skip: Option<u32>,
    ) {
        let bus = &gpu.bus;
        let Strips { width, height, .. } = *self.colors;
        let reach = FUSION_REACH as u32;
        let source = rows.start.saturating_sub(reach)..(rows.end + reach).min(height);
        let (colors, alpha) = (self.colors.window(bus, encoder, &source), self.alpha.window(bus, encoder, &source));
        let params = DecontaminateFuse {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            window_first: source.start,
            color_skip: colors.skip,
            alpha_skip: alpha.skip,
            out_skip: skip.unwrap_or(0),
            half_width: self.coarser.as_ref().map_or(0, |pairs| pairs.width),
            reach,
            spread: self.spread,
            finest: skip.is_some().into(),
            least: FUSION_LEAST,
            ..Default::default()
        };
        // A binding must be given even where it is not read.
        let none = bus.scratch("no pairs", 8);
        let coarser = self.coarser.as_ref().map_or(&none, |pairs| &pairs.buffer);
        let bindings = [colors.binding(), alpha.binding(), coarser.as_entire_binding(), target];
        let groups = tiles(width, rows.len() as u32);
        gpu.kernels.decontaminate_fuse.dispatch(bus, encoder, &params, &bindings, groups);
    }
}
