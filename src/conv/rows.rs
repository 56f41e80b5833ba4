//! Large pictures: blocks of a few chunks, each transformed, multiplied and transformed back within the cache.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::{Kernel, ROWS, fuses, product};
use crate::scratch::{Scratch, Workspace, room};
use crate::tiles::{Grid, Group, place};
use crate::transform::{LANES, Lanes, POINTS};
use crate::winograd::Manner;

/// What is seen and made of one point of a group's tiles may take so much: a core's second cache has 512 KiB on most
/// processors, and weights pass through it as well.
const CACHE_BYTES: usize = 192 << 10;

/// Chunks of a group at most.
const GROUP: usize = 8;

/// `planes` into `out`, as [`conv3x3`](crate::conv3x3), without dilation.
pub fn convolve(
    planes: &[&[f32]],
    [height, width]: [usize; 2],
    kernel: &Kernel<'_>,
    manner: Manner<'_>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    let grid = Grid::new([height, width], 1);
    let panels = kernel.panels(&mut workspace.panels);
    let [seen_stride, made_stride] = strides(kernel);
    let groups = grid.groups((CACHE_BYTES / (size_of::<Lanes>() * (seen_stride + made_stride))).clamp(1, GROUP));
    // Each group's rows of the result, of each channel.
    let beside = groups.iter().take_while(|group| group.origin()[0] == 0).count();
    let mut targets: Vec<Vec<&mut [f32]>> = Vec::new();
    targets.resize_with(groups.len(), Vec::new);
    for plane in out.chunks_exact_mut(height * width) {
        let mut rows = plane.chunks_exact_mut(width);
        for (groups, targets) in groups.chunks(beside).zip(targets.chunks_mut(beside)) {
            let [down, _] = groups[0].size(&grid);
            for mut row in rows.by_ref().take(down) {
                for (group, target) in groups.iter().zip(&mut *targets) {
                    let [_, across] = group.size(&grid);
                    target.push(row.split_off_mut(..across).expect("as many columns as the groups have"));
                }
            }
        }
    }
    targets.into_par_iter().zip(groups).for_each(|(target, group)| {
        Scratch::with(|scratch| run_block(Block { planes, grid, kernel, panels, manner, group, scratch, target }));
    });
}

/// From one point to the next of what is seen and of what is made, in whole blocks: odd numbers of cache lines, as with a
/// power of two all points of a channel fall on the same few places of the cache.
fn strides(kernel: &Kernel<'_>) -> [usize; 2] {
    [kernel.channels_in() | 1, (kernel.blocks() * ROWS) | 1]
}

struct Block<'a, 'b> {
    planes: &'a [&'a [f32]],
    grid: Grid,
    kernel: &'a Kernel<'a>,
    panels: &'a [[f32; ROWS]],
    manner: Manner<'a>,
    group: Group,
    scratch: &'a mut Scratch,
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
        let (ic, block_len, grid) = (self.kernel.channels_in(), self.kernel.block_len(), &self.grid);
        let ([seen_stride, made_stride], chunks) = (strides(self.kernel), self.group.chunks());
        let Scratch { lines, seen, made, results, .. } = self.scratch;
        let seen = room(seen, chunks * POINTS * seen_stride, [0.0; LANES]);
        let made = room(made, chunks * POINTS * made_stride, [0.0; LANES]);
        let results = room(results, 16 * (chunks + 1) * LANES, 0.0);
        self.group.forth(self.planes, grid, seen_stride, lines, seen);
        for k in 0..POINTS {
            for block in 0..self.kernel.blocks() {
                let panel = &self.panels[block * block_len + k * ic..][..ic];
                for chunk in 0..chunks {
                    let seen = &seen[(chunk * POINTS + k) * seen_stride..][..ic];
                    product::<FMA>(seen, panel, &mut made[(chunk * POINTS + k) * made_stride + block * ROWS..]);
                }
            }
        }
        let [top, left] = self.group.origin();
        let rows = self.target.len() / self.kernel.channels_out();
        for o in 0..self.kernel.channels_out() {
            let manner = (self.kernel.bias[o], self.manner.relu);
            let made = |chunk: usize, k: usize| &made[(chunk * POINTS + k) * made_stride + o];
            self.group.back(grid, manner, lines, results, made, |[y, x], line| {
                let at = (o * grid.height + y) * grid.width + x;
                let out = &mut self.target[o * rows + y - top][x - left..];
                place(line, out, self.manner.plus.map(|plus| &plus[at..]), 1);
            });
        }
    }
}
