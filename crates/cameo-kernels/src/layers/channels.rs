//! Layers that compute each value from those at the same pixel.

use multiversion::multiversion;
use rayon::prelude::*;

/// Writes `map * scale + addend` to `out`, for the scale of each channel. `map`, `addend` and `out` are
/// `[channels, height, width]`, `scales` is `[channels]`.
pub fn scale_channels(map: &[f32], scales: &[f32], addend: Option<&[f32]>, out: &mut [f32]) {
    let len = map.len() / scales.len();
    let planes = out.par_chunks_exact_mut(len).zip(map.par_chunks_exact(len)).zip(scales).enumerate();
    planes.for_each(|(c, ((out, plane), scale))| {
        scale_plane(plane, *scale, addend.map(|addend| &addend[c * len..][..len]), out);
    });
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn scale_plane(plane: &[f32], scale: f32, addend: Option<&[f32]>, out: &mut [f32]) {
    match addend {
        None => out.iter_mut().zip(plane).for_each(|(out, value)| *out = value * scale),
        Some(addend) => {
            for ((out, value), addend) in out.iter_mut().zip(plane).zip(addend) {
                *out = value * scale + addend;
            }
        }
    }
}

/// Writes the sums of the values of `a` and `b` to `out`.
pub fn add(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a + b;
    }
}

/// Writes `1 / (1 + exp(-x))` of each value `x` of `map` to `out`.
pub fn sigmoid(map: &[f32], out: &mut [f32]) {
    for (out, value) in out.iter_mut().zip(map) {
        *out = 1.0 / (1.0 + (-value).exp());
    }
}

/// Writes `map`, `[4, height, width]`, to `out`, `[1, 2 * height, 2 * width]`: the four channels of a pixel become a
/// 2x2 cell, row by row.
pub fn pixel_shuffle2(map: &[f32], width: usize, out: &mut [f32]) {
    let plane_len = map.len() / 4;
    for (y, rows) in out.chunks_exact_mut(4 * width).enumerate() {
        for (half, row) in rows.chunks_exact_mut(2 * width).enumerate() {
            let even = &map[2 * half * plane_len + y * width..][..width];
            let odd = &map[(2 * half + 1) * plane_len + y * width..][..width];
            for ((pair, even), odd) in row.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *pair = [*even, *odd];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_scaled_each_by_its_own_number() {
        let map: Vec<f32> = (0..2 * 3).map(|i| i as f32).collect();
        let mut out = [f32::NAN; 6];
        scale_channels(&map, &[2.0, -1.0], None, &mut out);
        assert_eq!(out, [0.0, 2.0, 4.0, -3.0, -4.0, -5.0]);
        scale_channels(&map, &[2.0, -1.0], Some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), &mut out);
        assert_eq!(out, [1.0, 4.0, 7.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn sums_are_those_of_values_at_one_place() {
        let mut out = [f32::NAN; 2];
        add(&[1.0, 2.0], &[10.0, 20.0], &mut out);
        assert_eq!(out, [11.0, 22.0]);
    }

    #[test]
    fn a_sigmoid_lies_between_0_and_1() {
        let mut out = [f32::NAN; 4];
        sigmoid(&[0.0, 1.0, -100.0, 100.0], &mut out);
        assert_eq!(out, [0.5, 1.0 / (1.0 + (-1f32).exp()), 0.0, 1.0]);
    }

    #[test]
    fn four_channels_become_the_pixels_of_a_cell() {
        // Two rows of three pixels; the hundreds tell the channel.
        let map: Vec<f32> = (0..4).flat_map(|c| (0..6).map(move |i| (100 * c + i) as f32)).collect();
        let mut out = [f32::NAN; 24];
        pixel_shuffle2(&map, 3, &mut out);
        let want = [
            [0, 100, 1, 101, 2, 102],
            [200, 300, 201, 301, 202, 302],
            [3, 103, 4, 104, 5, 105],
            [203, 303, 204, 304, 205, 305],
        ];
        assert_eq!(out, want.concat().iter().map(|&value| value as f32).collect::<Vec<_>>()[..]);
    }
}
