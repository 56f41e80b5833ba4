//! Filter taps on the device.

use std::ops::Range;
use std::sync::Arc;

use cameo_core::taps::{self, Taps};

use crate::context::GpuContext;
use crate::pool::GpuBuffer;

/// Filter taps on the device: the first input of each output, and `taps` weights for it.
#[derive(Debug)]
pub struct TapsTable {
    /// Weights per output.
    pub taps: u32,
    pub first: GpuBuffer,
    pub weights: GpuBuffer,
}

impl TapsTable {
    /// Copies `taps` to the device.
    pub fn new(context: &GpuContext, label: &str, taps: &Taps) -> Self {
        let first = context.table(label, &taps.first);
        let weights = context.table(label, &taps.weights);
        Self { taps: taps.width as u32, first, weights }
    }

    /// Returns the bindings `first` and `weights` of a shader.
    pub fn bindings(&self) -> [wgpu::BufferBinding<'_>; 2] {
        [self.first.as_entire_buffer_binding(), self.weights.as_entire_buffer_binding()]
    }
}

/// The Lanczos-3 taps of both axes of a picture that is enlarged, on the device.
#[derive(Debug)]
pub struct EnlargementTaps {
    /// Weights per column and per row of the result; 0 if the result has the size of the picture.
    pub across: u32,
    pub down: u32,
    /// The first input of each column, then of each row.
    first: GpuBuffer,
    /// The weights of each column, then of each row.
    weights: GpuBuffer,
    /// For the host, to know which rows are read.
    host_down: Option<Arc<Taps>>,
}

impl EnlargementTaps {
    /// Copies the taps to the device; `from` and `to` are widths and heights.
    pub fn new(context: &GpuContext, from: [u32; 2], to: [u32; 2]) -> Self {
        if from == to {
            let (first, weights) = (context.table("no taps", &[0u32]), context.table("no taps", &[0f32]));
            return Self { across: 0, down: 0, first, weights, host_down: None };
        }
        let [across, down] = [0, 1].map(|axis| context.taps.lanczos3(from[axis], to[axis]));
        Self {
            across: across.width as u32,
            down: down.width as u32,
            first: context.table("lanczos taps", &[&across.first[..], &down.first].concat()),
            weights: context.table("lanczos taps", &[&across.weights[..], &down.weights].concat()),
            host_down: Some(down),
        }
    }

    /// Returns which of `input_len` rows of the picture the rows `outputs` of the result read.
    pub fn input_rows(&self, outputs: &Range<u32>, input_len: u32) -> Range<u32> {
        let Some(down) = &self.host_down else { return outputs.clone() };
        let outputs = outputs.start as usize..outputs.end as usize;
        let inputs = taps::input_range(down, outputs, input_len as usize);
        inputs.start as u32..inputs.end as u32
    }

    /// Returns the bindings `first` and `weights` of a shader.
    pub fn bindings(&self) -> [wgpu::BufferBinding<'_>; 2] {
        [self.first.as_entire_buffer_binding(), self.weights.as_entire_buffer_binding()]
    }
}
