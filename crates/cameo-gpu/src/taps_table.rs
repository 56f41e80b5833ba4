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

/// Filter taps on the device that the host keeps too, to know which inputs they read.
#[derive(Debug)]
pub struct HostTapsTable {
    pub table: TapsTable,
    host: Arc<Taps>,
}

impl HostTapsTable {
    /// Copies the Lanczos-3 taps from `from` samples to `to` to the device.
    pub fn lanczos3(context: &GpuContext, from: u32, to: u32) -> Self {
        let host = context.taps.lanczos3(from, to);
        Self { table: TapsTable::new(context, "lanczos taps", &host), host }
    }

    /// Returns which of `input_len` inputs the outputs `outputs` read.
    pub fn input_range(&self, outputs: &Range<u32>, input_len: u32) -> Range<u32> {
        let outputs = outputs.start as usize..outputs.end as usize;
        let inputs = taps::input_range(&self.host, outputs, input_len as usize);
        inputs.start as u32..inputs.end as u32
    }
}
