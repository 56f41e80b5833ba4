//! Filter taps on the device.

use std::ops::Range;

use cameo_core::taps::{self, Taps};

use crate::context::GpuContext;
use crate::pool::GpuBuffer;

/// Filter taps on the device: the first input of each output, and `taps` weights for it.
pub struct TapsTable {
    /// Weights per output.
    pub taps: u32,
    pub first: GpuBuffer,
    pub weights: GpuBuffer,
}

impl TapsTable {
    /// Copies `taps` to the device.
    pub fn new(context: &GpuContext, label: &str, taps: &Taps) -> Self {
        let first = context.transfer.table(label, &taps.first);
        let weights = context.transfer.table(label, &taps.weights);
        Self { taps: taps.width as u32, first, weights }
    }

    /// Returns the bindings `first` and `weights` of a shader.
    pub fn bindings(&self) -> [wgpu::BindingResource<'_>; 2] {
        [self.first.as_entire_binding(), self.weights.as_entire_binding()]
    }
}

/// Filter taps on the device that the host keeps too, to know which inputs they read.
pub struct HostTapsTable {
    pub table: TapsTable,
    host: Taps,
}

impl HostTapsTable {
    /// Copies `taps` to the device.
    pub fn new(context: &GpuContext, label: &str, taps: Taps) -> Self {
        Self { table: TapsTable::new(context, label, &taps), host: taps }
    }

    /// Returns which of `input_len` inputs the outputs `outputs` read.
    pub fn input_range(&self, outputs: &Range<u32>, input_len: u32) -> Range<u32> {
        let outputs = outputs.start as usize..outputs.end as usize;
        let inputs = taps::input_range(&self.host, outputs, input_len as usize);
        inputs.start as u32..inputs.end as u32
    }
}
