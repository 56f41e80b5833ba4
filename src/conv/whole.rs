//! Small and dilated pictures: all is transformed, then all is multiplied, each by all threads.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::{Kernel, ROWS, fuses, product};
use crate::scratch::{Scratch, Workspace, room};
use crate::tiles::{Grid, Group, Lines, place};
use crate::transform::{LANES, Lanes, POINTS};
use crate::winograd::Manner;

/// What fits the cache that cores share: more than this is read from memory for each block of channels.
const LARGE_BYTES: usize = 8 << 20;

/// Blocks that then are made together.
const TOGETHER: usize = 4;

/// Chunks that a thread transforms at once.
const GROUP: usize = 2;

/// `planes` into `out`, as [`conv3x3`](crate::conv3x3).
pub fn convolve(
    planes: &[&[f32]],
    size: [usize; 2],
    kernel: &Kernel<'_>,
    manner: Manner<'_>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    let grid = Grid::new(size, manner.dilation);
    let groups = grid.groups(GROUP);
    let starts: Vec<usize> =
        groups.iter().scan(0, |at, group| Some(std::mem::replace(at, *at + group.chunks()))).collect();
    let chunks = starts.last().map_or(0, |last| last + groups[groups.len() - 1].chunks());
    let stride = kernel.channels_in() | 1;
    let seen = room(&mut workspace.seen, chunks * POINTS * stride, [0.0; LANES]);
    let mut rest = &mut *seen;
    let parts: Vec<_> =
        groups.iter().map(|group| rest.split_off_mut(..group.chunks() * POINTS * stride).expect("room")).collect();
    parts.into_par_iter().zip(&groups).for_each(|(seen, group)| {
        Scratch::with(|scratch| run_forth(Forth { planes, grid, group, stride, lines: &mut scratch.lines, seen }));
    });
    // What is seen is read once by several blocks together where it fits no cache.
    let together = if size_of_val(&seen[..]) > LARGE_BYTES { TOGETHER } else { 1 };
    let channels = together * ROWS;
    let (seen, groups, starts) = (&*seen, &groups[..], &starts[..]);
    out.par_chunks_mut(channels * grid.height * grid.width).enumerate().for_each(|(group, out)| {
        let first = group * together;
        let blocks = together.min(kernel.blocks() - first);
        Scratch::with(|scratch| {
            run_back(Back { kernel, seen, stride, scratch, first, blocks, chunks, groups, starts, grid, manner, out });
        });
    });
}

struct Forth<'a> {
    planes: &'a [&'a [f32]],
    grid: Grid,
    group: &'a Group,
    stride: usize,
    lines: &'a mut Lines,
    seen: &'a mut [Lanes],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_forth<'a>(block: Forth<'a>) {
    let Forth { planes, grid, group, stride, lines, seen } = block;
    group.forth(planes, &grid, stride, lines, seen);
}

struct Back<'a> {
    kernel: &'a Kernel<'a>,
    seen: &'a [Lanes],
    /// Of `seen`, from one point to the next; odd, so that not all fall on the same few places of the cache.
    stride: usize,
    scratch: &'a mut Scratch,
    /// The first block, and how many.
    first: usize,
    blocks: usize,
    chunks: usize,
    groups: &'a [Group],
    /// The groups' first chunks.
    starts: &'a [usize],
    grid: Grid,
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
        let (ic, block_len) = (self.kernel.channels_in(), self.kernel.block_len());
        let plane = self.grid.height * self.grid.width;
        let Scratch { panels, made, results, lines, .. } = self.scratch;
        // The blocks' weights are used while they are in the cache.
        let panels = self.kernel.some_panels(self.first..self.first + self.blocks, panels);
        let made = room(made, self.blocks * self.chunks * POINTS * ROWS, [0.0; LANES]);
        let results = room(results, 16 * (self.chunks + 1) * LANES, 0.0);
        for k in 0..POINTS {
            for chunk in 0..self.chunks {
                let seen = &self.seen[(chunk * POINTS + k) * self.stride..][..ic];
                for block in 0..self.blocks {
                    let panel = &panels[block * block_len + k * ic..][..ic];
                    let at = ((block * self.chunks + chunk) * POINTS + k) * ROWS;
                    product::<FMA>(seen, panel, &mut made[at..]);
                }
            }
        }
        for (o, out) in self.out.chunks_exact_mut(plane).enumerate() {
            let channel = self.first * ROWS + o;
            let made = &made[o / ROWS * self.chunks * POINTS * ROWS + o % ROWS..];
            let plus = self.manner.plus.map(|plus| &plus[channel * plane..][..plane]);
            let manner = (self.kernel.bias[channel], self.manner.relu);
            for (group, start) in self.groups.iter().zip(self.starts) {
                let made = |chunk: usize, k: usize| &made[((start + chunk) * POINTS + k) * ROWS];
                group.back(&self.grid, manner, lines, results, made, |[y, x], line| {
                    let from = y * self.grid.width + x;
                    place(line, &mut out[from..], plus.map(|plus| &plus[from..]), self.manner.dilation);
                });
            }
        }
    }
}
