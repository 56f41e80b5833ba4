//! Winograd convolution of small and of dilated maps: all threads transform the input; then each computes a few output
//! channels of the whole map.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::conv::gemm::{BLOCK, LANES, Lanes, gemm, has_fma};
use crate::conv::params::Epilogue;
use crate::conv::winograd::rows::{RowBuffers, write_row};
use crate::conv::winograd::scratch::{Scratch, Workspace, sized};
use crate::conv::winograd::tiles::{TileGrid, TileGroup};
use crate::conv::winograd::transform::{ChannelEpilogue, POINTS};
use crate::conv::winograd::weights::ConvWeights;

/// The size of the cache that cores share: more tiles than this are read from memory for each block of channels.
const SHARED_CACHE_BYTES: usize = 8 << 20;

/// Blocks that are then computed together.
const BLOCKS_TOGETHER: usize = 4;

/// Chunks that a thread transforms at once.
const GROUP_CHUNKS: usize = 2;

/// Convolves `planes` into `out`, as [`conv3x3`](super::conv3x3).
pub fn conv3x3(
    planes: &[&[f32]],
    grid: TileGrid,
    weights: &ConvWeights<'_>,
    epilogue: Epilogue<'_, [f32]>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    let tiles = InputTiles::new(planes, grid, &mut workspace.tiles);
    // Tiles that no cache holds are read once for several blocks.
    let together = if size_of_val(tiles.values) > SHARED_CACHE_BYTES { BLOCKS_TOGETHER } else { 1 };
    let channels = together * BLOCK;
    out.par_chunks_mut(channels * grid.height * grid.width).enumerate().for_each(|(i, out)| {
        let first = i * together;
        let blocks = together.min(weights.blocks() - first);
        Scratch::with(|scratch| conv_blocks(Blocks { weights, tiles: &tiles, first, blocks, epilogue, scratch, out }));
    });
}

/// The transformed input.
struct InputTiles<'a> {
    grid: TileGrid,
    groups: Vec<TileGroup>,
    /// The first chunk of each group.
    starts: Vec<usize>,
    chunks: usize,
    /// From one point to the next; odd, so that points do not compete for the same few sets of the cache.
    stride: usize,
    /// `[chunks, 36, stride]`
    values: &'a [Lanes],
}

impl<'a> InputTiles<'a> {
    fn new(planes: &[&[f32]], grid: TileGrid, buffer: &'a mut Vec<Lanes>) -> Self {
        let groups = grid.groups(GROUP_CHUNKS);
        let mut chunks = 0;
        let mut starts = Vec::with_capacity(groups.len());
        for group in &groups {
            starts.push(chunks);
            chunks += group.chunks();
        }
        let stride = planes.len() | 1;
        let values = sized(buffer, chunks * POINTS * stride, [0.0; LANES]);
        let mut rest = &mut *values;
        let mut split = |group: &TileGroup| {
            rest.split_off_mut(..group.chunks() * POINTS * stride).expect("the buffer holds all groups")
        };
        let parts: Vec<_> = groups.iter().map(&mut split).collect();
        parts.into_par_iter().zip(&groups).for_each(|(tiles, group)| {
            Scratch::with(|scratch| {
                transform_group(GroupTransform { planes, grid, group, stride, rows: &mut scratch.rows, tiles });
            });
        });
        Self { grid, groups, starts, chunks, stride, values }
    }
}

struct GroupTransform<'a> {
    planes: &'a [&'a [f32]],
    grid: TileGrid,
    group: &'a TileGroup,
    stride: usize,
    rows: &'a mut RowBuffers,
    tiles: &'a mut [Lanes],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn transform_group<'a>(transform: GroupTransform<'a>) {
    let GroupTransform { planes, grid, group, stride, rows, tiles } = transform;
    group.input_transform(planes, &grid, stride, rows, tiles);
}

/// Some blocks of output channels.
struct Blocks<'a> {
    weights: &'a ConvWeights<'a>,
    tiles: &'a InputTiles<'a>,
    /// The first block, and how many they are.
    first: usize,
    blocks: usize,
    epilogue: Epilogue<'a, [f32]>,
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn conv_blocks<'a>(blocks: Blocks<'a>) {
    const FMA: bool = has_fma(&selected_target!());
    blocks.conv::<FMA>();
}

impl Blocks<'_> {
    #[inline(always)]
    fn conv<const FMA: bool>(self) {
        let (channels_in, block_len) = (self.weights.channels_in(), self.weights.block_len());
        let InputTiles { grid, chunks, stride, values, .. } = self.tiles;
        let (chunks, stride, plane) = (*chunks, *stride, grid.height * grid.width);
        let Scratch { panels, products, results, rows, .. } = self.scratch;
        // The panels of these blocks stay in the cache until they have met all tiles.
        let panels = self.weights.panels_of(self.first..self.first + self.blocks, panels);
        let products = sized(products, self.blocks * chunks * POINTS * BLOCK, [0.0; LANES]);
        let results = sized(results, 16 * (chunks + 1) * LANES, 0.0);
        for point in 0..POINTS {
            for chunk in 0..chunks {
                let tiles = &values[(chunk * POINTS + point) * stride..][..channels_in];
                for block in 0..self.blocks {
                    let panel = &panels[block * block_len + point * channels_in..][..channels_in];
                    let at = ((block * chunks + chunk) * POINTS + point) * BLOCK;
                    gemm::<FMA>(tiles, panel, &mut products[at..]);
                }
            }
        }
        for (o, out) in self.out.chunks_exact_mut(plane).enumerate() {
            let channel = self.first * BLOCK + o;
            let products = &products[o / BLOCK * chunks * POINTS * BLOCK + o % BLOCK..];
            let residual = self.epilogue.residual.map(|residual| &residual[channel * plane..][..plane]);
            let epilogue = ChannelEpilogue { bias: self.weights.bias[channel], activation: self.epilogue.activation };
            for (group, start) in self.tiles.groups.iter().zip(&self.tiles.starts) {
                let products = |chunk: usize, point: usize| &products[((start + chunk) * POINTS + point) * BLOCK];
                group.output_transform(grid, epilogue, rows, results, products, |[y, x], values| {
                    let at = y * grid.width + x;
                    write_row(values, &mut out[at..], residual.map(|residual| &residual[at..]), grid.dilation);
                });
            }
        }
    }
}
