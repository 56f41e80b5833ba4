//! Lanes: short arrays of values that are processed in step, which the compiler turns into the widest vector
//! instructions the processor has.
//!
//! Sums are rounded after each step. So the results are the same on all processors, however a picture is divided.

/// Values of a plane that are processed in step: the lanes of one or several vectors. Rows of planes are padded to
/// multiples of it.
pub const LANES: usize = 16;

pub type Lanes = [f32; LANES];

/// The 8-bit value 1 in 0..1.
pub const INV_255: f32 = 1.0 / 255.0;

/// The smaller of two numbers. Unlike `f32::min` it need not handle NaN, and is one vector instruction.
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger of two numbers, as [`min`].
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Clamps `value` to 0..1.
#[inline(always)]
pub fn clamp_unit(value: f32) -> f32 {
    min(max(value, 0.0), 1.0)
}

/// Returns the `n`th lanes of a padded row.
#[inline(always)]
pub fn lanes_at(row: &[f32], n: usize) -> Lanes {
    row.as_chunks().0[n]
}
