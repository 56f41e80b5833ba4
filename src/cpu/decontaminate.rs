//! The subject's own colours where the background shines through.
//!
//! Blur fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation"), from coarse to fine as in Germer et al.
//! 2020 ("Fast Multi-Level Foreground Estimation"): around each pixel, foreground and background are the means of their
//! estimates so far, weighted by alpha and by what alpha leaves; then the foreground takes up what the photo's colour
//! is off from their mixture. Colours are sRGB-encoded, straight.

use std::ops::Range;

use super::Frame;
use super::boxes::means;
use crate::codec::Image;
use crate::pipeline::CutoutOptions;
use crate::rules::{FUSION_LEAST, FUSION_REACH, halvings};
use rayon::prelude::*;

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
    let own = || pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[3] as f32 / 255.0).collect();
    let alpha = matte.as_ref().map_or_else(own, |matte| matte.values.clone());
    let spread = options.reach(width, height) as usize;
    let mut levels: Vec<Level> = Vec::new();
    for _ in 0..halvings(width, height) {
        levels.push(match levels.last() {
            Some(level) => halve(&level.colors, &level.alpha, level.width),
            None => halve(pixels.as_chunks().0, &alpha, width as usize),
        });
    }
    let mut coarser: Option<(Vec<Pair>, usize)> = None;
    for (i, level) in levels.iter().enumerate().rev() {
        let spread = spread.div_ceil(2 << i);
        let mut pairs: Vec<Pair> =
            level.colors.iter().map(|&color| Pair { front: rgb(color), back: rgb(color) }).collect();
        fuse(&mut pairs, &level.colors, &level.alpha, level.width, coarser.as_ref(), spread, |_, pair| pair);
        coarser = Some((pairs, level.width));
    }
    let colors = pixels.as_chunks().0.to_vec();
    let out = pixels.as_chunks_mut().0;
    fuse(out, &colors, &alpha, width as usize, coarser.as_ref(), spread, |own, Pair { front: [r, g, b], .. }| {
        [r, g, b, own]
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
    let four = |i: usize| {
        let (x, y) = (2 * (i % half_width), 2 * (i / half_width));
        let (beside, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1) * width);
        [y * width + x, y * width + beside, below + x, below + beside]
    };
    let count = half_width * half_height;
    let (mut small, mut soft) = (vec![[0; 4]; count], vec![0.0; count]);
    small.par_chunks_mut(half_width).zip(soft.par_chunks_mut(half_width)).enumerate().for_each(|(y, (small, soft))| {
        for (x, (small, soft)) in small.iter_mut().zip(soft).enumerate() {
            let four = four(y * half_width + x);
            let sum = |c: usize| four.iter().map(|&i| colors[i][c] as u32).sum::<u32>();
            *small = [0, 1, 2, 3].map(|c| ((sum(c) + 2) / 4) as u8);
            *soft = four.iter().map(|&i| alpha[i]).sum::<f32>() / 4.0;
        }
    });
    Level { width: half_width, colors: small, alpha: soft }
}

/// One level: writes what `finish` makes of the estimate into each pixel of `out` whose alpha is soft, or which is
/// clear and within `spread` of one that is not.
fn fuse<T: Send>(
    out: &mut [T],
    colors: &[[u8; 4]],
    alpha: &[f32],
    width: usize,
    coarser: Option<&(Vec<Pair>, usize)>,
    spread: usize,
    finish: impl Fn(u8, Pair) -> T + Sync,
) {
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
    means(out, width, FUSION_REACH, source, needed, |i, [r, g, b, front, br, bg, bb, back]| {
        let a = alpha[i];
        if a >= 1.0 || (a <= 0.0 && spread == 0) {
            return None;
        }
        if front < FUSION_LEAST {
            // Too far out for this level.
            return Some(finish(colors[i][3], Pair { front: before(i).front, back: rgb(colors[i]) }));
        }
        let color = rgb(colors[i]).map(f32::from);
        let back = back.max(1e-6);
        let (means, backs) = ([r, g, b].map(|sum| sum / front), [br, bg, bb].map(|sum| sum / back));
        let off = |c: usize| color[c] - a * means[c] - (1.0 - a) * backs[c];
        let tone = |value: f32| (value + 0.5) as u8;
        let front = [0, 1, 2].map(|c| tone(means[c] + a * off(c)));
        let back = if a <= 0.0 { rgb(colors[i]) } else { backs.map(tone) };
        Some(finish(colors[i][3], Pair { front, back }))
    });
}

/// The columns in which a pixel of `rows` is soft, or clear and within `spread` of one that is not.
fn soft_columns(alpha: &[f32], width: usize, rows: Range<usize>, spread: usize) -> Vec<bool> {
    let mut needed = vec![false; width];
    let last = (rows.end + spread).min(alpha.len() / width);
    for y in rows.start.saturating_sub(spread)..last {
        for (x, &value) in alpha[y * width..][..width].iter().enumerate() {
            if 0.0 < value && (value < 1.0 || spread > 0) {
                needed[x.saturating_sub(spread)..(x + spread + 1).min(width)].fill(true);
            }
        }
    }
    needed
}
