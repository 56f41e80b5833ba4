//! The photo as the network sees it, written straight into the network's input tensor.

use burn::tensor::{Device, Tensor};
use cameo_models::Entry;

use super::kernels::{PrepareAcross, PrepareDown, dispatch, tiles};
use super::strips::Strips;
use super::{Gpu, failed};
use crate::error::Result;
use crate::taps::{self, Taps};

/// `photo` at `size` by `size`, less mean over deviation: `[1, 3, size, size]`, RGB, sRGB-encoded.
pub fn prepare(gpu: &Gpu, photo: &Strips, entry: &Entry, device: &Device) -> Result<Tensor<4>> {
    let size = entry.size as u32;
    let (width, height) = (photo.width, photo.height);
    let bus = &gpu.bus;
    let down = Table::new(gpu, "prepare_down taps", taps::lanczos3(height as usize, entry.size));
    let across = Table::new(gpu, "prepare_across taps", taps::lanczos3(width as usize, entry.size));
    let shrunk = bus.scratch("prepare shrunk", width as u64 * size as u64 * 4);
    let mut encoder = gpu.encoder("prepare");
    let mut first_row = 0;
    while first_row < size {
        // As many rows as one window of the photo serves.
        let fits = |end: u32| {
            let rows = down.reach(first_row..end, height);
            rows.len() as u64 * width as u64 * 4 <= gpu.limits.strip_bytes
        };
        let mut end = size;
        while end > first_row + 1 && !fits(end) {
            end = first_row + (end - first_row) / 2;
        }
        let rows = down.reach(first_row..end, height);
        let window = photo.window(bus, &mut encoder, &rows);
        let params = PrepareDown {
            width,
            rows: end - first_row,
            first_row,
            window_rows: rows.len() as u32,
            window_first: rows.start,
            window_skip: window.skip,
            taps: down.width,
            pad: 0,
        };
        let [first, weights] = down.bindings();
        let bindings = [first, weights, window.binding(), shrunk.as_entire_binding()];
        dispatch(bus, &mut encoder, &gpu.kernels.prepare_down, &params, &bindings, tiles(width, end - first_row));
        first_row = end;
    }
    // Poisoned memory comes with a value, fresh memory with none.
    let input = match bus.poison {
        true => Tensor::full([1, 3, entry.size, entry.size], -1e9, device),
        false => Tensor::empty([1, 3, entry.size, entry.size], device),
    };
    device.flush().map_err(failed)?;
    let memory = cameo_device::memory(input.clone()).map_err(failed)?;
    let params =
        PrepareAcross { mean: entry.mean, size, deviation: entry.std, width, taps: across.width, ..Default::default() };
    let [first, weights] = across.bindings();
    let bindings = [first, weights, shrunk.as_entire_binding(), memory.binding()];
    dispatch(bus, &mut encoder, &gpu.kernels.prepare_across, &params, &bindings, tiles(size, size));
    gpu.submit(encoder)?;
    Ok(input)
}

/// Filter taps on the device.
pub struct Table {
    taps: Taps,
    pub width: u32,
    first: wgpu::Buffer,
    weights: wgpu::Buffer,
}

impl Table {
    pub fn new(gpu: &Gpu, label: &'static str, taps: Taps) -> Self {
        let first = gpu.bus.table(label, &taps.first);
        let weights = gpu.bus.table(label, &taps.weights);
        Self { width: taps.width as u32, taps, first, weights }
    }

    pub fn bindings(&self) -> [wgpu::BindingResource<'_>; 2] {
        [self.first.as_entire_binding(), self.weights.as_entire_binding()]
    }

    /// The input samples, of `from`, that outputs `range` read.
    pub fn reach(&self, range: std::ops::Range<u32>, from: u32) -> std::ops::Range<u32> {
        let reach = taps::reach(&self.taps, range.start as usize..range.end as usize, from as usize);
        reach.start as u32..reach.end as u32
    }
}
