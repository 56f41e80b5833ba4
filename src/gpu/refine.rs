//! The network's matte, brought to the photo.

use burn::tensor::{Device, Tensor};

use super::kernels::{LINE, RefineAcross, RefineDown, RefineRange, dispatch, tiles};
use super::prepare::Table;
use super::strips::Strips;
use super::{Gpu, failed};
use crate::error::Result;
use crate::taps;

/// Below this range the network saw no subject, and stretching would only raise noise.
pub const MIN_RANGE: f32 = 1e-6;

/// Workgroups that share the search for the range.
const RANGE_GROUPS: u32 = 64;

/// Stretches `matte`, `[1, 1, size, size]`, to 0..1, resamples it to the size of `photo`, and multiplies it by the
/// photo's own alpha: one f32 a pixel.
pub fn refine(gpu: &Gpu, photo: &Strips, matte: Tensor<4>, device: &Device) -> Result<Strips> {
    let size = matte.dims()[3] as u32;
    let (width, height) = (photo.width, photo.height);
    let bus = &gpu.bus;
    device.flush().map_err(failed)?;
    let matte = cameo_device::memory(matte).map_err(failed)?;
    let across = Table::new(gpu, "refine_across taps", taps::lanczos3(size as usize, width as usize));
    let down = Table::new(gpu, "refine_down taps", taps::lanczos3(size as usize, height as usize));
    let range = bus.table("refine range", &[f32::MAX.to_bits(), 0u32]);
    let wide = bus.scratch("refine wide", size as u64 * width as u64 * 4);
    let refined = Strips::scratch(bus, "matte", width, height, gpu.limits.strip_bytes);
    let mut encoder = gpu.encoder("refine");

    let params = RefineRange { count: size * size, stride: RANGE_GROUPS * LINE, ..Default::default() };
    let bindings = [matte.binding(), range.as_entire_binding()];
    dispatch(bus, &mut encoder, &gpu.kernels.refine_range, &params, &bindings, [RANGE_GROUPS, 1]);

    let params = RefineAcross { size, width, taps: across.width, min_range: MIN_RANGE };
    let [first, weights] = across.bindings();
    let bindings = [first, weights, range.as_entire_binding(), matte.binding(), wide.as_entire_binding()];
    dispatch(bus, &mut encoder, &gpu.kernels.refine_across, &params, &bindings, tiles(width, size));

    for rows in refined.cuts() {
        let photo = photo.window(bus, &mut encoder, &rows);
        let Some(target) = refined.slice(bus, &rows) else { continue };
        let params = RefineDown {
            size,
            width,
            rows: rows.len() as u32,
            first_row: rows.start,
            taps: down.width,
            photo_skip: photo.skip,
            refined_skip: target.skip,
            pad: 0,
        };
        let [first, weights] = down.bindings();
        let bindings = [first, weights, wide.as_entire_binding(), photo.binding(), target.binding()];
        dispatch(bus, &mut encoder, &gpu.kernels.refine_down, &params, &bindings, tiles(width, rows.len() as u32));
    }
    gpu.submit(encoder)?;
    Ok(refined)
}
