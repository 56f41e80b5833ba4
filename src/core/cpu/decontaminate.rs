//! The subject's own colours where the background shines through.
//!
//! Blur fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation"), from coarse to fine as in Germer et al.
//! 2020 ("Fast Multi-Level Foreground Estimation"): around each pixel, foreground and background are the means of their
//! estimates so far, weighted by alpha and by what alpha leaves; then the foreground takes up what the photo's colour
//! is off from their mixture. Colours are sRGB-encoded, straight.

use std::borrow::Cow;
use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::Frame;
use super::boxes::{Made, lay, means};
use crate::codec::Image;
use crate::pipeline::CutoutOptions;
use crate::rules::{FUSION_LEAST, FUSION_REACH, halvings};

/// A picture at half the size of the one before, and its alpha.
struct Level {
    width: usize,
    colors: Vec<[u8; 4]>,
    alpha: Vec<f32>,
}

/// Foreground and background of a pixel.
#[derive(Clone, Copy, Default)]
struct Pair {
    front: [u8; 3],
    back: [u8; 3],
}

/// `frame` with the foreground's colours wherever its matte is soft, or its own alpha if it has no matte, and as far
/// outside as `options` move the edge.
pub fn decontaminate(frame: Frame, options: &CutoutOptions) -> Frame {
    let Frame { photo, matte, census } = frame;
    let Image { width, height, mut pixels } = photo;
    let own = || pixels.as_chunks::<4>().0.par_iter().map(|pixel| pixel[3] as f32 / 255.0).collect();
    let alpha = matte.as_ref().map_or_else(|| Cow::Owned(own()), |matte| Cow::Borrowed(&matte.values[..]));
    let spread = options.reach(width, height) as usize;
    let colors = pixels.as_chunks().0;
    let mut levels: Vec<Level> = Vec::new();
    for _ in 0..halvings(width, height) {
        levels.push(match levels.last() {
            Some(level) => halve(&level.colors, &level.alpha, level.width),
            None => halve(colors, &alpha, width as usize),
        });
    }
    let mut coarser: Option<(Vec<Pair>, usize)> = None;
    for (i, level) in levels.iter().enumerate().rev() {
        let spread = spread.div_ceil(2 << i);
        let made = fuse(&level.colors, &level.alpha, level.width, coarser.as_ref(), spread);
        let mut pairs: Vec<Pair> =
            level.colors.par_iter().map(|&color| Pair { front: rgb(color), back: rgb(color) }).collect();
        lay(made, level.width, &mut pairs, |pair, made| *pair = made);
        coarser = Some((pairs, level.width));
    }
    let made = fuse(colors, &alpha, width as usize, coarser.as_ref(), spread);
    drop(alpha);
    lay(made, width as usize, pixels.as_chunks_mut::<4>().0, |pixel, Pair { front, .. }| {
        pixel[..3].copy_from_slice(&front)
    });
    Frame { photo: Image { width, height, pixels }, matte, census }
}

fn rgb([r, g, b, _]: [u8; 4]) -> [u8; 3] {
    [r, g, b]
}

/// Means of two by two pixels; an odd row or column at the end counts double.
fn halve(colors: &[[u8; 4]], alpha: &[f32], width: usize) -> Level {
    let height = alpha.len() / width;
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let count = half_width * half_height;
    let (mut small, mut soft) = (vec![[0; 4]; count], vec![0.0; count]);
    small.par_chunks_mut(half_width).zip(soft.par_chunks_mut(half_width)).enumerate().for_each(|(y, (small, soft))| {
        let rows = [2 * y, (2 * y + 1).min(height - 1)].map(|y| y * width..(y + 1) * width);
        halve_rows(rows.clone().map(|row| &colors[row]), rows.map(|row| &alpha[row]), small, soft);
    });
    Level { width: half_width, colors: small, alpha: soft }
}

#[multiversion(targets("x86_64+avx2"))]
fn halve_rows(colors: [&[[u8; 4]]; 2], alpha: [&[f32]; 2], small: &mut [[u8; 4]], soft: &mut [f32]) {
    let mean = |four: [[u8; 4]; 4]| {
        [0, 1, 2, 3].map(|c| ((four.iter().map(|pixel| pixel[c] as u16).sum::<u16>() + 2) / 4) as u8)
    };
    let mean_alpha = |[a, b, c, d]: [f32; 4]| (a + b + c + d) / 4.0;
    let [upper, lower] = colors.map(|row| row.as_chunks::<2>());
    for (small, (&[a, b], &[c, d])) in small.iter_mut().zip(upper.0.iter().zip(lower.0)) {
        *small = mean([a, b, c, d]);
    }
    let [upper_alpha, lower_alpha] = alpha.map(|row| row.as_chunks::<2>());
    for (soft, (&[a, b], &[c, d])) in soft.iter_mut().zip(upper_alpha.0.iter().zip(lower_alpha.0)) {
        *soft = mean_alpha([a, b, c, d]);
    }
    if let ([last], [below]) = (upper.1, lower.1) {
        small[upper.0.len()] = mean([*last, *last, *below, *below]);
    }
    if let ([last], [below]) = (upper_alpha.1, lower_alpha.1) {
        soft[upper.0.len()] = mean_alpha([*last, *last, *below, *below]);
    }
}

/// One level: estimates for each pixel whose alpha is soft, or which is clear and within `spread` of one that is not.
fn fuse(
    colors: &[[u8; 4]],
    alpha: &[f32],
    width: usize,
    coarser: Option<&(Vec<Pair>, usize)>,
    spread: usize,
) -> Vec<Made<Pair>> {
    let before = |i: usize| match coarser {
        Some((pairs, half)) => pairs[i / width / 2 * half + i % width / 2],
        None => Pair { front: rgb(colors[i]), back: rgb(colors[i]) },
    };
    let source = |i: usize| {
        let a = alpha[i];
        let Pair { mut front, mut back } = if 0.0 < a && a < 1.0 { before(i) } else { Pair::default() };
        if a >= 1.0 {
            front = rgb(colors[i]);
        }
        if a <= 0.0 {
            back = rgb(colors[i]);
        }
        let ([r, g, b], [br, bg, bb]) = (front.map(f32::from), back.map(f32::from));
        let rest = 1.0 - a;
        [a * r, a * g, a * b, a, rest * br, rest * bg, rest * bb, rest]
    };
    let needed = |rows: Range<usize>| soft_columns(alpha, width, rows, spread);
    means([alpha.len() / width, width], FUSION_REACH, source, needed, |i, [r, g, b, front, br, bg, bb, back]| {
        let a = alpha[i];
        if a >= 1.0 || (a <= 0.0 && spread == 0) {
            return None;
        }
        if front < FUSION_LEAST {
            // Too far out for this level.
            return Some(Pair { front: before(i).front, back: rgb(colors[i]) });
        }
        let color = rgb(colors[i]).map(f32::from);
        let back = back.max(1e-6);
        let (means, backs) = ([r, g, b].map(|sum| sum / front), [br, bg, bb].map(|sum| sum / back));
        let off = |c: usize| color[c] - a * means[c] - (1.0 - a) * backs[c];
        let tone = |value: f32| (value + 0.5) as u8;
        let front = [0, 1, 2].map(|c| tone(means[c] + a * off(c)));
        let back = if a <= 0.0 { rgb(colors[i]) } else { backs.map(tone) };
        Some(Pair { front, back })
    })
}

/// The columns in which a pixel of `rows` is soft, or clear and within `spread` of one that is not.
fn soft_columns(alpha: &[f32], width: usize, rows: Range<usize>, spread: usize) -> Vec<bool> {
    let mut near = vec![false; width];
    let last = (rows.end + spread).min(alpha.len() / width);
    for y in rows.start.saturating_sub(spread)..last {
        for (near, &value) in near.iter_mut().zip(&alpha[y * width..][..width]) {
            *near |= (0.0 < value) & ((value < 1.0) | (spread > 0));
        }
    }
    if spread == 0 {
        return near;
    }
    let mut needed = vec![false; width];
    for x in (0..width).filter(|&x| near[x]) {
        needed[x.saturating_sub(spread)..(x + spread + 1).min(width)].fill(true);
    }
    needed
}
