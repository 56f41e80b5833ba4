//! Filter taps on the device.

use std::ops::Range;

use super::Gpu;
use super::bus::Bus;
use super::kernels::lines;
use super::params::WindowTaps;
use super::pool::Buffer;
use crate::rules::MAX_ZOOM;
use crate::taps::{self, Taps};

/// Filter taps on the device.
pub struct Table {
    pub width: u32,
    first: Buffer,
    weights: Buffer,
}

impl Table {
    pub fn new(bus: &Bus, label: &'static str, taps: &Taps) -> Self {
        let first = bus.table(label, &taps.first);
        let weights = bus.table(label, &taps.weights);
        Self { width: taps.width as u32, first, weights }
    }

    pub fn bindings(&self) -> [wgpu::BindingResource<'_>; 2] {
        [self.first.as_entire_binding(), self.weights.as_entire_binding()]
    }
}

/// One axis of the photo, `full` pixels long.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub across: bool,
    pub full: u32,
}

impl Axis {
    /// Lanczos-3 from the window that `scene` holds to `size` samples; only the device knows the window.
    pub fn shrink(self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, scene: &Buffer, size: u32) -> Table {
        self.made(gpu, encoder, scene, size, true)
    }

    /// Lanczos-3 from `size` samples onto the window, an output for each of the axis's pixels; those beside the window
    /// weigh nothing.
    pub fn enlarge(self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, scene: &Buffer, size: u32) -> Table {
        self.made(gpu, encoder, scene, size, false)
    }

    fn made(self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, scene: &Buffer, size: u32, shrinks: bool) -> Table {
        // As many taps as the largest window needs, or the smallest that there can be.
        let (count, steepest) = match shrinks {
            true => (size, self.full as f64 / size as f64),
            false => (self.full, (size as f64 / self.full as f64).max(MAX_ZOOM.into())),
        };
        let width = taps::lanczos_width(steepest) as u32;
        let first = gpu.bus.scratch("window taps", u64::from(count) * 4);
        let weights = gpu.bus.scratch("window taps", u64::from(count) * u64::from(width) * 4);
        let params = WindowTaps {
            across: self.across.into(),
            full: self.full,
            size,
            shrinks: shrinks.into(),
            taps: width,
            steps: taps::LANCZOS_STEPS,
            radius: taps::LANCZOS_RADIUS as f32,
            pad: 0,
        };
        let lanczos = gpu.lanczos.as_entire_binding();
        let bindings = [scene.as_entire_binding(), lanczos, first.as_entire_binding(), weights.as_entire_binding()];
        gpu.kernels.window_taps.dispatch(&gpu.bus, encoder, &params, &bindings, lines(count));
        Table { width, first, weights }
    }
}

/// A table whose taps the host knows too, to tell which samples are read.
pub struct HostTable {
    pub table: Table,
    taps: Taps,
}

impl HostTable {
    pub fn new(bus: &Bus, label: &'static str, taps: Taps) -> Self {
        Self { table: Table::new(bus, label, &taps), taps }
    }

    /// The input samples, of `from`, that outputs `range` read.
    pub fn reach(&self, range: Range<u32>, from: u32) -> Range<u32> {
        let reach = taps::reach(&self.taps, range.start as usize..range.end as usize, from as usize);
        reach.start as u32..reach.end as u32
    }
}
