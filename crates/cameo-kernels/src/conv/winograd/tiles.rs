//! The tiles of a feature map, 4x4 results from 6x6 values, and the transforms of whole rows of tiles.
//!
//! Sixteen tiles make a chunk, whose values lie beside each other as the lanes of vectors. The input transform runs down
//! the columns first, along rows as they lie in memory, then across, after every fourth value was laid beside the next.
//! The output transform goes the opposite way.

use crate::conv::gemm::{LANES, Lanes};
use crate::conv::winograd::rows::{MAX_RUN, ROW_LEN, RowBuffers, deinterleave4, interleave4};
use crate::conv::winograd::transform::{ChannelEpilogue, POINTS, transform_input_line, transform_output};

/// A feature map cut into tiles.
///
/// A map with dilation d is cut into d² submaps, its phases: each has every d-th row and column.
#[derive(Debug, Clone, Copy)]
pub struct TileGrid {
    pub height: usize,
    pub width: usize,
    pub dilation: usize,
    /// Of one phase, in tiles.
    tiles_down: usize,
    tiles_across: usize,
}

/// Adjacent tiles in one row of tiles.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The first row and column of its phase.
    phase: [usize; 2],
    /// Its first row and column of results, within the phase.
    top: usize,
    left: usize,
    /// In tiles.
    count: usize,
}

/// Runs whose tiles fill chunks one after another, so that few lanes stay empty.
#[derive(Debug)]
pub struct TileGroup {
    runs: Vec<Run>,
}

impl TileGrid {
    pub fn new([height, width]: [usize; 2], dilation: usize) -> Self {
        let [tiles_down, tiles_across] = [height, width].map(|side| side.div_ceil(dilation).div_ceil(4));
        Self { height, width, dilation, tiles_down, tiles_across }
    }

    /// Returns the number of tiles of a phase.
    pub fn tiles(&self) -> usize {
        self.tiles_down * self.tiles_across
    }

    /// Returns the tiles in groups of about `max_chunks` chunks: whole rows of tiles, or parts of one row.
    pub fn groups(&self, max_chunks: usize) -> Vec<TileGroup> {
        let max_tiles = max_chunks * LANES;
        let rows = self.rows(max_tiles.min(MAX_RUN));
        if self.tiles_across > max_tiles {
            return rows.into_iter().flatten().map(|run| TileGroup { runs: vec![run] }).collect();
        }
        // The number of rows that leaves the fewest lanes empty.
        let padding = |rows: usize| {
            let tiles = rows * self.tiles_across;
            tiles.next_multiple_of(LANES) as f64 / tiles as f64
        };
        let max_rows = (max_tiles / self.tiles_across).min(rows.len());
        let group_rows = (1..=max_rows).min_by(|&a, &b| padding(a).total_cmp(&padding(b))).unwrap_or(1);
        rows.chunks(group_rows).map(|rows| TileGroup { runs: rows.concat() }).collect()
    }

    /// Returns each row of tiles of each phase, in runs of up to `run_tiles` tiles.
    fn rows(&self, run_tiles: usize) -> Vec<Vec<Run>> {
        let mut rows = Vec::new();
        for y in 0..self.dilation.min(self.height) {
            for x in 0..self.dilation.min(self.width) {
                for row in 0..self.tiles_down {
                    let run = |first| {
                        let count = run_tiles.min(self.tiles_across - first);
                        Run { phase: [y, x], top: 4 * row, left: 4 * first, count }
                    };
                    rows.push((0..self.tiles_across).step_by(run_tiles).map(run).collect());
                }
            }
        }
        rows
    }
}

impl TileGroup {
    /// Returns the first row and column of its results.
    pub fn origin(&self) -> [usize; 2] {
        [self.runs[0].top, self.runs[0].left]
    }

    /// Returns the height and width of its results within the map, which has no dilation.
    pub fn size(&self, grid: &TileGrid) -> [usize; 2] {
        let [top, left] = self.origin();
        let last = self.runs[self.runs.len() - 1];
        [(last.top + 4).min(grid.height) - top, (last.left + 4 * last.count).min(grid.width) - left]
    }

    pub fn chunks(&self) -> usize {
        self.runs.iter().map(|run| run.count).sum::<usize>().div_ceil(LANES)
    }

    /// Transforms the tiles of `planes`, the input channels, into `tiles`: `[chunks, 36, stride]`, where the first
    /// elements of each stride are the channels.
    #[inline(always)]
    pub fn input_transform(
        &self,
        planes: &[&[f32]],
        grid: &TileGrid,
        stride: usize,
        rows: &mut RowBuffers,
        tiles: &mut [Lanes],
    ) {
        for (c, plane) in planes.iter().enumerate() {
            let mut first = 0;
            for run in &self.runs {
                run.input_transform(plane, grid, rows, |point, tile, lanes| {
                    let (chunk, lane) = ((first + tile) / LANES, (first + tile) % LANES);
                    let index = (chunk * POINTS + point) * stride + c;
                    if lane == 0 {
                        tiles[index] = *lanes;
                        return;
                    }
                    let (head, tail) = lanes.split_at(LANES - lane);
                    tiles[index][lane..].copy_from_slice(head);
                    // After the last chunk, the rest are not tiles.
                    if let Some(next) = tiles.get_mut(index + POINTS * stride) {
                        next[..lane].copy_from_slice(tail);
                    }
                });
                first += run.count;
            }
        }
    }

    /// Transforms the products of one output channel, `products(chunk, point)`, to its results. `write` gets them row by
    /// row: the row and column of the map where they begin, and values that belong `dilation` columns apart.
    #[inline(always)]
    pub fn output_transform<'a>(
        &self,
        grid: &TileGrid,
        epilogue: ChannelEpilogue,
        rows: &mut RowBuffers,
        results: &mut [f32],
        products: impl Fn(usize, usize) -> &'a Lanes,
        mut write: impl FnMut([usize; 2], &[f32]),
    ) {
        let stride = results.len() / 16;
        for chunk in 0..self.chunks() {
            for (position, lanes) in transform_output(|point| products(chunk, point), epilogue).iter().enumerate() {
                results[position * stride + chunk * LANES..][..LANES].copy_from_slice(lanes);
            }
        }
        let mut first = 0;
        for run in &self.runs {
            run.write_results(results, first, grid, rows, &mut write);
            first += run.count;
        }
    }
}

impl Run {
    /// Transforms the tiles of `plane`. `put` gets the point, the first of sixteen tiles, and their values, which are
    /// meaningless past the last tile of the run.
    #[inline(always)]
    fn input_transform(
        &self,
        plane: &[f32],
        grid: &TileGrid,
        buffers: &mut RowBuffers,
        mut put: impl FnMut(usize, usize, &Lanes),
    ) {
        let len = 4 * (self.count + 1);
        self.read_rows(plane, grid, len, &mut buffers.rows);
        for x in (0..len.next_multiple_of(LANES)).step_by(LANES) {
            let mut column = [[0.0; LANES]; 6];
            for (lanes, row) in column.iter_mut().zip(&buffers.rows) {
                lanes.copy_from_slice(&row[x..x + LANES]);
            }
            let column = transform_input_line(column);
            for (lanes, row) in column.iter().zip(&mut buffers.rows) {
                row[x..x + LANES].copy_from_slice(lanes);
            }
        }
        deinterleave4(&buffers.rows, &mut buffers.columns, self.count + 1);
        for (i, [a, b, c, d]) in buffers.columns.iter().enumerate() {
            for n in (0..self.count).step_by(LANES) {
                let lanes = |column: &[f32], start: usize| -> Lanes {
                    *column[start..].first_chunk().expect("columns have whole vectors")
                };
                // The last two columns of a tile are the first two of the next.
                let row = [lanes(a, n), lanes(b, n), lanes(c, n), lanes(d, n), lanes(a, n + 1), lanes(b, n + 1)];
                for (j, lanes) in transform_input_line(row).iter().enumerate() {
                    put(i * 6 + j, n, lanes);
                }
            }
        }
    }

    /// Reads the first `len` values of the six rows of the run, with zeros outside the map.
    #[inline(always)]
    fn read_rows(&self, plane: &[f32], grid: &TileGrid, len: usize, rows: &mut [[f32; ROW_LEN]; 6]) {
        let [phase_row, phase_column] = self.phase;
        for (i, values) in rows.iter_mut().enumerate() {
            let values = &mut values[..len];
            let y = phase_row + (self.top + i).wrapping_sub(1).wrapping_mul(grid.dilation);
            if y >= grid.height {
                values.fill(0.0);
                continue;
            }
            let row = &plane[y * grid.width..][..grid.width];
            // The first value is the one left of the run's results; it may be outside the map.
            let skip = usize::from(self.left == 0);
            let start = phase_column + (self.left + skip - 1) * grid.dilation;
            let row = row.get(start..).unwrap_or_default();
            let count = row.len().div_ceil(grid.dilation).min(len - skip);
            values[..skip].fill(0.0);
            values[skip + count..].fill(0.0);
            let values = &mut values[skip..skip + count];
            match grid.dilation {
                1 => values.copy_from_slice(&row[..count]),
                dilation => values.iter_mut().zip(row.iter().step_by(dilation)).for_each(|(to, from)| *to = *from),
            }
        }
    }

    /// Writes the results of the run, which are lanes `first` and on of the 16 positions within a tile.
    #[inline(always)]
    fn write_results(
        &self,
        results: &[f32],
        first: usize,
        grid: &TileGrid,
        buffers: &mut RowBuffers,
        write: &mut impl FnMut([usize; 2], &[f32]),
    ) {
        let [phase_row, phase_column] = self.phase;
        let within = |side: usize, phase: usize, start: usize, max: usize| {
            side.saturating_sub(phase).div_ceil(grid.dilation).saturating_sub(start).min(max)
        };
        let height = within(grid.height, phase_row, self.top, 4);
        let width = within(grid.width, phase_column, self.left, 4 * self.count);
        interleave4(results, first, self.count, &mut buffers.rows);
        for (i, row) in buffers.rows[..height].iter().enumerate() {
            let start = [phase_row + (self.top + i) * grid.dilation, phase_column + self.left * grid.dilation];
            write(start, &row[..width]);
        }
    }
}
