//! Winograd convolution of large maps: a thread takes a group of tiles through all steps, within its cache.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::conv::gemm::{BLOCK, LANES, Lanes, PanelColumn, gemm, has_fma};
use crate::conv::params::Epilogue;
use crate::conv::winograd::rows::write_row;
use crate::conv::winograd::scratch::{Scratch, Workspace, sized};
use crate::conv::winograd::tiles::{TileGrid, TileGroup};
use crate::conv::winograd::transform::{ChannelEpilogue, POINTS};
use crate::conv::winograd::weights::ConvWeights;

/// What the tiles and products of one point of a group may take. The second-level cache of a core has 512 KiB on most
/// processors, and weights pass through it as well.
const CACHE_BYTES: usize = 192 << 10;

/// Chunks of a group at most.
const MAX_CHUNKS: usize = 8;

/// Convolves `planes` into `out`, as [`conv3x3`](super::conv3x3), on a grid without dilation.
pub fn conv3x3(
    planes: &[&[f32]],
    grid: TileGrid,
    weights: &ConvWeights<'_>,
    epilogue: Epilogue<'_, [f32]>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    let panels = weights.panels(&mut workspace.panels);
    let chunk_bytes = size_of::<Lanes>() * strides(weights).iter().sum::<usize>();
    let groups = grid.groups((CACHE_BYTES / chunk_bytes).clamp(1, MAX_CHUNKS));
    let targets = split_rows(out, &grid, &groups);
    targets.into_par_iter().zip(groups).for_each(|(target, group)| {
        Scratch::with(|scratch| {
            conv_group(GroupTask { planes, grid, weights, panels, epilogue, group, scratch, target });
        });
    });
}

/// Splits `out` into the rows of each group's results, for each output channel.
fn split_rows<'a>(out: &'a mut [f32], grid: &TileGrid, groups: &[TileGroup]) -> Vec<Vec<&'a mut [f32]>> {
    let groups_across = groups.iter().take_while(|group| group.origin()[0] == 0).count();
    let mut targets: Vec<Vec<&mut [f32]>> = Vec::new();
    targets.resize_with(groups.len(), Vec::new);
    for plane in out.chunks_exact_mut(grid.height * grid.width) {
        let mut rows = plane.chunks_exact_mut(grid.width);
        for (groups, targets) in groups.chunks(groups_across).zip(targets.chunks_mut(groups_across)) {
            let [height, _] = groups[0].size(grid);
            for mut row in rows.by_ref().take(height) {
                for (group, target) in groups.iter().zip(&mut *targets) {
                    let [_, width] = group.size(grid);
                    target.push(row.split_off_mut(..width).expect("the groups have as many columns as the row"));
                }
            }
        }
    }
    targets
}

/// Returns the distances from one point to the next of tiles and of products. They are odd numbers of cache lines: with
/// a power of two, all points of a channel would compete for the same few sets of the cache.
fn strides(weights: &ConvWeights<'_>) -> [usize; 2] {
    [weights.channels_in() | 1, (weights.blocks() * BLOCK) | 1]
}

/// The convolution of one group of tiles.
struct GroupTask<'a, 'b> {
    planes: &'a [&'a [f32]],
    grid: TileGrid,
    weights: &'a ConvWeights<'a>,
    panels: &'a [PanelColumn],
    epilogue: Epilogue<'a, [f32]>,
    group: TileGroup,
    scratch: &'a mut Scratch,
    target: Vec<&'b mut [f32]>,
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn conv_group<'a, 'b>(task: GroupTask<'a, 'b>) {
    const FMA: bool = has_fma(&selected_target!());
    task.conv::<FMA>();
}

impl GroupTask<'_, '_> {
    #[inline(always)]
    fn conv<const FMA: bool>(mut self) {
        let (channels_in, block_len, grid) = (self.weights.channels_in(), self.weights.block_len(), &self.grid);
        let ([tile_stride, product_stride], chunks) = (strides(self.weights), self.group.chunks());
        let Scratch { rows, tiles, products, results, .. } = self.scratch;
        let tiles = sized(tiles, chunks * POINTS * tile_stride, [0.0; LANES]);
        let products = sized(products, chunks * POINTS * product_stride, [0.0; LANES]);
        let results = sized(results, 16 * (chunks + 1) * LANES, 0.0);
        self.group.input_transform(self.planes, grid, tile_stride, rows, tiles);
        for point in 0..POINTS {
            for block in 0..self.weights.blocks() {
                let panel = &self.panels[block * block_len + point * channels_in..][..channels_in];
                for chunk in 0..chunks {
                    let at = chunk * POINTS + point;
                    let tiles = &tiles[at * tile_stride..][..channels_in];
                    gemm::<FMA>(tiles, panel, &mut products[at * product_stride + block * BLOCK..]);
                }
            }
        }
        let [top, left] = self.group.origin();
        let height = self.target.len() / self.weights.channels_out();
        for o in 0..self.weights.channels_out() {
            let epilogue = ChannelEpilogue { bias: self.weights.bias[o], activation: self.epilogue.activation };
            let products = |chunk: usize, point: usize| &products[(chunk * POINTS + point) * product_stride + o];
            self.group.output_transform(grid, epilogue, rows, results, products, |[y, x], values| {
                let at = (o * grid.height + y) * grid.width + x;
                let out = &mut self.target[o * height + y - top][x - left..];
                write_row(values, out, self.epilogue.residual.map(|residual| &residual[at..]), 1);
            });
        }
    }
}
