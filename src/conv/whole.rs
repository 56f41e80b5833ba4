//! Small and dilated pictures: all is transformed, then all is multiplied, each by all threads.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::{Kernel, ROWS, fuses, product};
use crate::transform::{LANES, Lanes, POINTS, transform, transform_back};
use crate::winograd::Manner;

/// What fits the cache that cores share: more than this is read from memory for each block of channels.
const LARGE_BYTES: usize = 8 << 20;

/// Blocks that then are made together.
const TOGETHER: usize = 4;

/// Where a tile's results begin; none past the last tile.
#[derive(Clone, Copy)]
struct Origin {
    y: usize,
    x: usize,
}

/// `planes` into `out`, as [`conv3x3`](crate::conv3x3).
pub fn convolve(
    planes: &[&[f32]],
    [height, width]: [usize; 2],
    kernel: &Kernel<'_>,
    manner: Manner<'_>,
    out: &mut [f32],
) {
    let dilation = manner.dilation;
    let (down, across) = (height.div_ceil(dilation).div_ceil(4), width.div_ceil(dilation).div_ceil(4));
    let mut origins = Vec::with_capacity(dilation * dilation * down * across);
    for py in 0..dilation.min(height) {
        for px in 0..dilation.min(width) {
            for ty in 0..down {
                for tx in 0..across {
                    let origin = Origin { y: py + 4 * dilation * ty, x: px + 4 * dilation * tx };
                    if origin.y < height && origin.x < width {
                        origins.push(origin);
                    }
                }
            }
        }
    }
    let ic = kernel.channels_in;
    let chunks = origins.len().div_ceil(LANES);
    let mut seen = vec![[0.0; LANES]; chunks * POINTS * ic];
    seen.par_chunks_exact_mut(POINTS * ic).zip(origins.par_chunks(LANES)).for_each(|(seen, origins)| {
        run_forth(Forth { planes, height, width, dilation, origins, seen });
    });
    // What is seen is read once by several blocks together where it fits no cache.
    let together = if size_of_val(&seen[..]) > LARGE_BYTES { TOGETHER } else { 1 };
    let channels = together * ROWS;
    out.par_chunks_mut(channels * height * width).enumerate().for_each_init(
        // The blocks' weights are used while they are in the cache.
        || (vec![[0.0; ROWS]; together * kernel.block_len()], vec![[0.0; LANES]; chunks * POINTS * channels]),
        |(panels, made), (group, out)| {
            let (first, seen, origins) = (group * together, &seen[..], &origins[..]);
            let blocks = together.min(kernel.blocks() - first);
            for (block, panels) in panels.chunks_exact_mut(kernel.block_len()).take(blocks).enumerate() {
                kernel.transform(first + block, panels);
            }
            run_back(Back { kernel, panels, seen, made, first, blocks, chunks, origins, height, width, manner, out });
        },
    );
}

struct Forth<'a> {
    planes: &'a [&'a [f32]],
    height: usize,
    width: usize,
    dilation: usize,
    origins: &'a [Origin],
    seen: &'a mut [Lanes],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_forth<'a>(block: Forth<'a>) {
    block.run()
}

impl Forth<'_> {
    #[inline(always)]
    fn run(self) {
        for (c, plane) in self.planes.iter().enumerate() {
            let mut tile = [[0.0; LANES]; POINTS];
            for (n, origin) in self.origins.iter().enumerate() {
                for i in 0..6 {
                    let y = (origin.y + i * self.dilation).wrapping_sub(self.dilation);
                    if y >= self.height {
                        continue;
                    }
                    let row = &plane[y * self.width..][..self.width];
                    for j in 0..6 {
                        let x = (origin.x + j * self.dilation).wrapping_sub(self.dilation);
                        if let Some(value) = row.get(x) {
                            tile[i * 6 + j][n] = *value;
                        }
                    }
                }
            }
            transform(&mut tile);
            for (k, values) in tile.iter().enumerate() {
                self.seen[k * self.planes.len() + c] = *values;
            }
        }
    }
}

struct Back<'a> {
    kernel: &'a Kernel<'a>,
    panels: &'a [[f32; ROWS]],
    seen: &'a [Lanes],
    made: &'a mut [Lanes],
    /// The first block, and how many.
    first: usize,
    blocks: usize,
    chunks: usize,
    origins: &'a [Origin],
    height: usize,
    width: usize,
    manner: Manner<'a>,
    out: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_back<'a>(block: Back<'a>) {
    const FMA: bool = fuses(&selected_target!());
    block.run::<FMA>()
}

impl Back<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (ic, block_len) = (self.kernel.channels_in, self.kernel.block_len());
        let plane = self.height * self.width;
        for k in 0..POINTS {
            for chunk in 0..self.chunks {
                let seen = &self.seen[(chunk * POINTS + k) * ic..][..ic];
                for block in 0..self.blocks {
                    let panel = &self.panels[block * block_len + k * ic..][..ic];
                    let at = ((block * self.chunks + chunk) * POINTS + k) * ROWS;
                    product::<FMA>(seen, panel, &mut self.made[at..]);
                }
            }
        }
        let mut back = [[0.0; LANES]; 16];
        for (o, out) in self.out.chunks_exact_mut(plane).enumerate() {
            let channel = self.first * ROWS + o;
            let made = &self.made[o / ROWS * self.chunks * POINTS * ROWS + o % ROWS..];
            let bias = self.kernel.bias[channel];
            let plus = self.manner.plus.map(|plus| &plus[channel * plane..][..plane]);
            for (chunk, origins) in self.origins.chunks(LANES).enumerate() {
                let made = &made[chunk * POINTS * ROWS..];
                transform_back(|k| &made[k * ROWS], bias, self.manner.relu, &mut back);
                for (n, origin) in origins.iter().enumerate() {
                    for i in 0..4 {
                        let y = origin.y + i * self.manner.dilation;
                        if y >= self.height {
                            break;
                        }
                        let row = &mut out[y * self.width..][..self.width];
                        for j in 0..4 {
                            let x = origin.x + j * self.manner.dilation;
                            if let Some(value) = row.get_mut(x) {
                                *value = back[i * 4 + j][n] + plus.map_or(0.0, |plus| plus[y * self.width + x]);
                            }
                        }
                    }
                }
            }
        }
    }
}
