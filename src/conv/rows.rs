//! Large pictures: blocks of a few chunks, each transformed, multiplied and transformed back within the cache.

use std::array::from_fn;

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::{Kernel, ROWS, fuses, product};
use crate::transform::{LANES, Lanes, POINTS, gather_row, transform, transform_back};
use crate::winograd::Manner;

/// What a block may take of a core's second cache, which has 512 KiB on most processors.
const CACHE_BYTES: usize = 384 << 10;

/// `planes` into `out`, as [`conv3x3`](crate::conv3x3), without dilation.
pub fn convolve(
    planes: &[&[f32]],
    [height, width]: [usize; 2],
    kernel: &Kernel<'_>,
    manner: Manner<'_>,
    out: &mut [f32],
) {
    let across = width.div_ceil(4);
    let panels = &kernel.transformed();
    // What is seen and made of a chunk, in both of its transforms.
    let chunk_bytes = POINTS * size_of::<Lanes>() * (kernel.channels_in + kernel.blocks() * ROWS);
    let chunks = across.div_ceil(LANES).min(CACHE_BYTES / chunk_bytes).max(1);
    let span = chunks * LANES * 4;
    let segments = width.div_ceil(span);
    let mut targets: Vec<Vec<&mut [f32]>> = Vec::new();
    targets.resize_with(height.div_ceil(4) * segments, || Vec::with_capacity(4 * kernel.channels_out));
    for plane in out.chunks_exact_mut(height * width) {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for (s, part) in row.chunks_mut(span).enumerate() {
                targets[y / 4 * segments + s].push(part);
            }
        }
    }
    let scratch = || {
        (
            vec![[0.0; LANES]; chunks * POINTS * kernel.channels_in],
            vec![[0.0; LANES]; chunks * POINTS * kernel.blocks() * ROWS],
        )
    };
    targets.into_par_iter().enumerate().for_each_init(scratch, |(seen, made), (block, target)| {
        let (y, left) = (block / segments * 4, block % segments * span);
        let rows = (height - y).min(4);
        let columns = (width - left).min(span);
        let chunks = columns.div_ceil(4 * LANES);
        run_block(Block {
            planes,
            height,
            width,
            kernel,
            panels,
            manner,
            y,
            left,
            rows,
            columns,
            chunks,
            seen,
            made,
            target,
        });
    });
}

struct Block<'a, 'b> {
    planes: &'a [&'a [f32]],
    height: usize,
    width: usize,
    kernel: &'a Kernel<'a>,
    panels: &'a [[f32; ROWS]],
    manner: Manner<'a>,
    y: usize,
    left: usize,
    rows: usize,
    columns: usize,
    chunks: usize,
    seen: &'a mut [Lanes],
    made: &'a mut [Lanes],
    target: Vec<&'b mut [f32]>,
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_block<'a, 'b>(block: Block<'a, 'b>) {
    const FMA: bool = fuses(&selected_target!());
    block.run::<FMA>()
}

impl Block<'_, '_> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        // Whole blocks, of which the last one's last may be no channels.
        let (ic, oc) = (self.kernel.channels_in, self.kernel.blocks() * ROWS);
        let mut tile = [[0.0; LANES]; POINTS];
        for chunk in 0..self.chunks {
            let x = self.left + chunk * 4 * LANES;
            for (c, plane) in self.planes.iter().enumerate() {
                gather_row(plane, [self.height, self.width], self.y, x, &mut tile);
                transform(&mut tile);
                for (k, values) in tile.iter().enumerate() {
                    self.seen[(chunk * POINTS + k) * ic + c] = *values;
                }
            }
        }
        for k in 0..POINTS {
            for block in 0..self.kernel.blocks() {
                let panel = &self.panels[block * self.kernel.block_len() + k * ic..][..ic];
                for chunk in 0..self.chunks {
                    let at = (chunk * POINTS + k) * oc + block * ROWS;
                    product::<FMA>(&self.seen[(chunk * POINTS + k) * ic..][..ic], panel, &mut self.made[at..]);
                }
            }
        }
        let mut back = [[0.0; LANES]; 16];
        for o in 0..self.kernel.channels_out {
            let rows = &mut self.target[o * self.rows..][..self.rows];
            for chunk in 0..self.chunks {
                let made = &self.made[chunk * POINTS * oc..][..POINTS * oc];
                transform_back(|k| &made[k * oc + o], self.kernel.bias[o], self.manner.relu, &mut back);
                let from = chunk * 4 * LANES;
                let count = (self.columns - from).min(4 * LANES);
                for (i, row) in rows.iter_mut().enumerate() {
                    let row = &mut row[from..from + count];
                    if count == 4 * LANES {
                        for (n, four) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                            *four = from_fn(|j| back[i * 4 + j][n]);
                        }
                    } else {
                        for (x, value) in row.iter_mut().enumerate() {
                            *value = back[i * 4 + x % 4][x / 4];
                        }
                    }
                    if let Some(plus) = self.manner.plus {
                        let at = (o * self.height + self.y + i) * self.width + self.left + from;
                        for (value, plus) in row.iter_mut().zip(&plus[at..at + count]) {
                            *value += plus;
                        }
                    }
                }
            }
        }
    }
}
