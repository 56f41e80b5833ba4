//! Packs bands that are not sharpened.

use super::band::{Band, PictureRows};
use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::params::EnhancePack;

/// Records the packing of the rows of `band` that `target` takes.
pub fn record_pack(context: &GpuContext, band: &Band, width: u32, target: &PictureRows) {
    let rows = target.rows.len() as u32;
    let params = EnhancePack {
        width,
        rows,
        first_row: target.rows.start - band.rows.start,
        picture_offset: target.binding.offset,
        words_per_pixel: target.words_per_pixel,
    };
    let bindings = [band.buffer.as_entire_buffer_binding(), target.binding.binding()];
    context.dispatch(&context.kernels.enhance_pack, &params, &bindings, workgroups_2d(width, rows));
}
