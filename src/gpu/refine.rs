//! The matte, brought to the photo's size along the photo's own edges.

use super::guide::Guide;
use super::kernels::tiles;
use super::params::{RefineAcross, RefineDown, RefineFit, RefineSmooth};
use super::pool::Buffer;
use super::prepare::View;
use super::strips::Strips;
use super::table::Axis;
use super::{Gpu, Lifted, failed};
use crate::error::Result;
use crate::rules::{BAND, FIT_EPSILON, FIT_REACH, FIT_TRUST, HAZE};

/// The functions of colour that give alpha around each of the matte's pixels.
struct Fits {
    slopes: Buffer,
    trusts: Buffer,
}

/// `matte`, which lies over the guide's window, at the size of `photo`, times the photo's own alpha: one f32 a pixel.
/// `plain` leaves out the guided filter.
pub fn refine(gpu: &Gpu, photo: &Strips, matte: &Lifted, guide: &Guide, plain: bool) -> Result<Strips> {
    let size = matte.input.view.size;
    let (width, height) = (photo.width, photo.height);
    let bus = &gpu.bus;
    let mut encoder = gpu.encoder("refine");
    let fits = match plain {
        true => Fits { slopes: bus.scratch("no fits", 16), trusts: bus.scratch("no fits", 16) },
        false => fit(gpu, &mut encoder, matte)?,
    };
    let across = Axis { across: true, full: width }.enlarge(gpu, &mut encoder, &guide.scene, size);
    let down = Axis { across: false, full: height }.enlarge(gpu, &mut encoder, &guide.scene, size);
    let wide = bus.scratch("refine wide", size as u64 * width as u64 * 4);
    let params = RefineAcross { size, width, taps: across.width, pad: 0 };
    let [first, weights] = across.bindings();
    let bindings = [first, weights, matte.matte.as_entire_binding(), wide.as_entire_binding()];
    gpu.kernels.refine_across.dispatch(bus, &mut encoder, &params, &bindings, tiles(width, size));

    let refined = Strips::scratch(bus, "matte", width, height, gpu.limits.strip_bytes);
    for rows in refined.cuts() {
        let photo = photo.window(bus, &mut encoder, &rows);
        let Some(target) = refined.slice(bus, &rows) else { continue };
        let params = RefineDown {
            ramp: BAND,
            haze: HAZE,
            size,
            width,
            rows: rows.len() as u32,
            first_row: rows.start,
            taps: down.width,
            photo_skip: photo.skip,
            refined_skip: target.skip,
            plain: plain.into(),
            pad: 0,
        };
        let [first, weights] = down.bindings();
        let bindings = [
            guide.scene.as_entire_binding(),
            first,
            weights,
            wide.as_entire_binding(),
            photo.binding(),
            fits.slopes.as_entire_binding(),
            fits.trusts.as_entire_binding(),
            target.binding(),
        ];
        let groups = tiles(width, rows.len() as u32);
        gpu.kernels.refine_down.dispatch(bus, &mut encoder, &params, &bindings, groups);
    }
    gpu.submit(encoder)?;
    Ok(refined)
}

/// Records the fit over a window around each pixel, and its average over as large a one.
fn fit(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, matte: &Lifted) -> Result<Fits> {
    let bus = &gpu.bus;
    let View { size, mean, deviation, .. } = matte.input.view;
    let input = cameo_device::memory(matte.input.tensor.clone()).map_err(failed)?;
    let count = size as u64 * size as u64;
    let fits = || Fits { slopes: bus.scratch("slopes", count * 16), trusts: bus.scratch("trusts", count * 4) };
    let (raw, smooth) = (fits(), fits());
    let params = RefineFit { mean, size, deviation, reach: FIT_REACH, trust: FIT_TRUST, epsilon: FIT_EPSILON, pad: 0 };
    let bindings = [
        matte.matte.as_entire_binding(),
        input.binding(),
        raw.slopes.as_entire_binding(),
        raw.trusts.as_entire_binding(),
    ];
    gpu.kernels.refine_fit.dispatch(bus, encoder, &params, &bindings, tiles(size, size));
    let params = RefineSmooth { size, reach: FIT_REACH, ..Default::default() };
    let bindings = [
        raw.slopes.as_entire_binding(),
        raw.trusts.as_entire_binding(),
        smooth.slopes.as_entire_binding(),
        smooth.trusts.as_entire_binding(),
    ];
    gpu.kernels.refine_smooth.dispatch(bus, encoder, &params, &bindings, tiles(size, size));
    Ok(smooth)
}
