//! The photo as a network sees it, written straight into the network's input tensor.

use burn::tensor::{Device, Tensor};

use super::kernels::tiles;
use super::params::{PrepareAcross, PrepareDown};
use super::pool::Buffer;
use super::strips::Strips;
use super::table::Axis;
use super::{Gpu, failed};
use crate::error::Result;

/// How a network wants to see: its side, and mean and deviation of its input.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub size: u32,
    pub mean: [f32; 3],
    pub deviation: [f32; 3],
    /// Left to right.
    pub mirrored: bool,
}

/// The part of `photo` in the window of `scene` as `view` wants it: `[1, 3, size, size]`, RGB, sRGB-encoded.
pub fn prepare(gpu: &Gpu, photo: &Strips, scene: &Buffer, view: View, device: &Device) -> Result<Tensor<4>> {
    let View { size, mean, deviation, mirrored } = view;
    let (width, height) = (photo.width, photo.height);
    let bus = &gpu.bus;
    let mut encoder = gpu.encoder("prepare");
    let down = Axis { across: false, full: height }.shrink(gpu, &mut encoder, scene, size);
    let across = Axis { across: true, full: width }.shrink(gpu, &mut encoder, scene, size);
    let shrunk = bus.scratch("prepare shrunk", width as u64 * size as u64 * 4);
    // Where the window lies is known to the device alone: each part of the photo makes the rows whose middle it has,
    // with as many rows around it as taps can reach.
    let most = (gpu.limits.strip_bytes / (width as u64 * 4)).min(height.into()) as u32;
    let own = if most >= height { height } else { most.saturating_sub(2 * down.width).max(1) };
    for first in (0..height).step_by(own as usize) {
        let rows = first.saturating_sub(down.width)..(first + own + down.width).min(height);
        let window = photo.window(bus, &mut encoder, &rows);
        let params = PrepareDown {
            width,
            size,
            taps: down.width,
            window_rows: rows.len() as u32,
            window_first: rows.start,
            window_skip: window.skip,
            own_first: first,
            // The last outputs' middle may lie past the end.
            own_end: if first + own >= height { u32::MAX } else { first + own },
        };
        let [taps, weights] = down.bindings();
        let bindings = [taps, weights, window.binding(), shrunk.as_entire_binding()];
        gpu.kernels.prepare_down.dispatch(bus, &mut encoder, &params, &bindings, tiles(width, size));
    }
    // Poisoned memory comes with a value, fresh memory with none.
    let shape = [1, 3, size as usize, size as usize];
    let input = if bus.poison { Tensor::full(shape, -1e9, device) } else { Tensor::empty(shape, device) };
    device.flush().map_err(failed)?;
    let memory = cameo_device::memory(input.clone()).map_err(failed)?;
    let mirrored = mirrored.into();
    let params = PrepareAcross { mean, size, deviation, width, taps: across.width, mirrored, ..Default::default() };
    let [first, weights] = across.bindings();
    let bindings = [first, weights, shrunk.as_entire_binding(), memory.binding()];
    gpu.kernels.prepare_across.dispatch(bus, &mut encoder, &params, &bindings, tiles(size, size));
    gpu.submit(encoder)?;
    Ok(input)
}
