//! A picture in tiles of Winograd's F(4x4, 3x3), of 4x4 results from 6x6 values, and the transforms there and back.
//!
//! Sixteen tiles make a chunk, whose values lie side by side as lanes of the processor's vectors. Transforms run down
//! the columns first, along rows as they lie in memory, then across, after every fourth value was laid beside the next.

use multiversion::multiversion;

use crate::transform::{LANES, Lanes, POINTS, forth_line, transform_back};

/// Tiles of a run at most: what is held of one stays in a core's first cache.
const RUN: usize = 4 * LANES;

/// Values of a row that a run sees, a tile more than it makes.
const LINE: usize = 4 * COLUMN;
const COLUMN: usize = RUN + LANES;

/// A picture cut into tiles. Dilated, it is one picture for each phase: every so many-th row and column.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub height: usize,
    pub width: usize,
    dilation: usize,
    /// Of one phase, in tiles.
    across: usize,
    down: usize,
}

/// Tiles beside each other.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Of the phase: its first row and column.
    y: usize,
    x: usize,
    /// Where its results begin, in rows and columns of the phase.
    top: usize,
    left: usize,
    /// In tiles.
    count: usize,
}

/// Rows on their way.
pub struct Lines {
    rows: [[f32; LINE]; 6],
    columns: [[[f32; COLUMN]; 4]; 6],
}

impl Default for Lines {
    fn default() -> Self {
        Self { rows: [[0.0; LINE]; 6], columns: [[[0.0; COLUMN]; 4]; 6] }
    }
}

/// Runs whose tiles are held together, one after another, so that whole chunks of them are full.
#[derive(Debug)]
pub struct Group {
    runs: Vec<Run>,
}

impl Grid {
    pub fn new([height, width]: [usize; 2], dilation: usize) -> Self {
        let [down, across] = [height, width].map(|side| side.div_ceil(dilation).div_ceil(4));
        Self { height, width, dilation, across, down }
    }

    /// Its tiles in groups of about `most` chunks: of whole rows of tiles, or of parts of one.
    pub fn groups(&self, most: usize) -> Vec<Group> {
        let most = most * LANES;
        let part = most.min(RUN);
        let mut rows = Vec::new();
        for y in 0..self.dilation.min(self.height) {
            for x in 0..self.dilation.min(self.width) {
                for row in 0..self.down {
                    let run = |first| {
                        let count = part.min(self.across - first);
                        Run { y, x, top: 4 * row, left: 4 * first, count }
                    };
                    rows.push((0..self.across).step_by(part).map(run).collect::<Vec<_>>());
                }
            }
        }
        if self.across > most {
            return rows.into_iter().flatten().map(|run| Group { runs: vec![run] }).collect();
        }
        // As many rows as leave the fewest lanes empty.
        let empty = |rows: usize| (rows * self.across).next_multiple_of(LANES) as f64 / (rows * self.across) as f64;
        let together = (1..=(most / self.across).min(rows.len())).min_by(|&a, &b| empty(a).total_cmp(&empty(b)));
        rows.chunks(together.unwrap_or(1)).map(|rows| Group { runs: rows.concat() }).collect()
    }
}

impl Group {
    /// Its first row and column of results.
    pub fn origin(&self) -> [usize; 2] {
        [self.runs[0].top, self.runs[0].left]
    }

    /// Rows and columns of results that the picture has of it, if it is not dilated.
    pub fn size(&self, grid: &Grid) -> [usize; 2] {
        let [top, left] = self.origin();
        let last = self.runs[self.runs.len() - 1];
        [(last.top + 4).min(grid.height) - top, (last.left + 4 * last.count).min(grid.width) - left]
    }

    pub fn chunks(&self) -> usize {
        self.runs.iter().map(|run| run.count).sum::<usize>().div_ceil(LANES)
    }

    /// What of `planes` the group sees, transformed, as `[chunks, 36, stride]` of which the channels are the first.
    #[inline(always)]
    pub fn forth(&self, planes: &[&[f32]], grid: &Grid, stride: usize, lines: &mut Lines, seen: &mut [Lanes]) {
        for (c, plane) in planes.iter().enumerate() {
            let mut at = 0;
            for run in &self.runs {
                run.forth(plane, grid, lines, |k, tile, lanes| {
                    let (chunk, lane) = ((at + tile) / LANES, (at + tile) % LANES);
                    let place = (chunk * POINTS + k) * stride + c;
                    if lane == 0 {
                        seen[place] = *lanes;
                        return;
                    }
                    let (here, next) = lanes.split_at(LANES - lane);
                    seen[place][lane..].copy_from_slice(here);
                    // Nonsense past the run's last tile may have no place.
                    if let Some(place) = seen.get_mut(place + POINTS * stride) {
                        place[..lane].copy_from_slice(next);
                    }
                });
                at += run.count;
            }
        }
    }

    /// The results of one channel, from what `made(chunk, point)` gives, row by row: `put` gets the row
    /// and the column of the picture where they begin, from where they are `dilation` apart.
    #[inline(always)]
    pub fn back<'a>(
        &self,
        grid: &Grid,
        (bias, relu): (f32, bool),
        lines: &mut Lines,
        results: &mut [f32],
        made: impl Fn(usize, usize) -> &'a Lanes,
        mut put: impl FnMut([usize; 2], &[f32]),
    ) {
        let stride = results.len() / 16;
        for chunk in 0..self.chunks() {
            for (point, lanes) in transform_back(|k| made(chunk, k), bias, relu).iter().enumerate() {
                results[point * stride + chunk * LANES..][..LANES].copy_from_slice(lanes);
            }
        }
        let mut at = 0;
        for run in &self.runs {
            run.back(results, at, grid, lines, &mut put);
            at += run.count;
        }
    }
}

impl Run {
    /// What of `plane` the run sees, transformed: `put` gets the point, the tile within the run, and sixteen tiles' values
    /// from there on, nonsense past the last tile.
    #[inline(always)]
    fn forth(&self, plane: &[f32], grid: &Grid, lines: &mut Lines, mut put: impl FnMut(usize, usize, &Lanes)) {
        let length = 4 * (self.count + 1);
        for (i, line) in lines.rows.iter_mut().enumerate() {
            let line = &mut line[..length];
            let y = self.y + (self.top + i).wrapping_sub(1).wrapping_mul(grid.dilation);
            if y >= grid.height {
                line.fill(0.0);
                continue;
            }
            let row = &plane[y * grid.width..][..grid.width];
            // The first is the one before the run's own.
            let skip = usize::from(self.left == 0);
            let from = self.x + (self.left + skip - 1) * grid.dilation;
            let row = row.get(from..).unwrap_or_default();
            let count = row.len().div_ceil(grid.dilation).min(length - skip);
            line[..skip].fill(0.0);
            line[skip + count..].fill(0.0);
            let line = &mut line[skip..skip + count];
            match grid.dilation {
                1 => line.copy_from_slice(&row[..count]),
                dilation => line.iter_mut().zip(row.iter().step_by(dilation)).for_each(|(to, from)| *to = *from),
            }
        }
        let whole = length.next_multiple_of(LANES);
        for x in (0..whole).step_by(LANES) {
            let mut six = [[0.0; LANES]; 6];
            for (six, line) in six.iter_mut().zip(&lines.rows) {
                six.copy_from_slice(&line[x..x + LANES]);
            }
            let six = forth_line(six);
            for (six, line) in six.iter().zip(&mut lines.rows) {
                line[x..x + LANES].copy_from_slice(six);
            }
        }
        apart(&lines.rows, &mut lines.columns, self.count + 1);
        for (i, [a, b, c, d]) in lines.columns.iter().enumerate() {
            for n in (0..self.count).step_by(LANES) {
                let lanes = |column: &[f32], from: usize| -> Lanes { *column[from..].first_chunk().expect("room") };
                // A tile's last two columns are the next one's first.
                let six = [lanes(a, n), lanes(b, n), lanes(c, n), lanes(d, n), lanes(a, n + 1), lanes(b, n + 1)];
                for (j, lanes) in forth_line(six).iter().enumerate() {
                    put(i * 6 + j, n, lanes);
                }
            }
        }
    }

    /// The results of the run, lanes `at` and on of 16 planes of `results`, row by row: `put` gets the row and the column
    /// of the picture where they begin, from where they are `dilation` apart.
    #[inline(always)]
    fn back(
        &self,
        results: &[f32],
        at: usize,
        grid: &Grid,
        lines: &mut Lines,
        put: &mut impl FnMut([usize; 2], &[f32]),
    ) {
        let there = |side: usize, phase: usize, from: usize, most: usize| {
            side.saturating_sub(phase).div_ceil(grid.dilation).saturating_sub(from).min(most)
        };
        let rows = there(grid.height, self.y, self.top, 4);
        let columns = there(grid.width, self.x, self.left, 4 * self.count);
        together(results, at, self.count, &mut lines.rows);
        for (i, line) in lines.rows[..rows].iter().enumerate() {
            let start = [self.y + (self.top + i) * grid.dilation, self.x + self.left * grid.dilation];
            put(start, &line[..columns]);
        }
    }
}

/// Every fourth value of `rows` beside the next, `count` of them.
// Functions of their own, with what they read and write apart: so the compiler makes shuffles of them.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn apart(rows: &[[f32; LINE]; 6], columns: &mut [[[f32; COLUMN]; 4]; 6], count: usize) {
    for (row, [a, b, c, d]) in rows.iter().zip(columns) {
        let fours = row.as_chunks::<4>().0;
        for n in 0..count.min(COLUMN) {
            [a[n], b[n], c[n], d[n]] = fours[n];
        }
    }
}

/// The way back, from lanes `at` and on of 16 planes.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn together(results: &[f32], at: usize, count: usize, rows: &mut [[f32; LINE]; 6]) {
    let stride = results.len() / 16;
    for (i, row) in rows[..4].iter_mut().enumerate() {
        let fours = &mut row.as_chunks_mut::<4>().0[..count];
        let lanes = |j: usize| &results[(i * 4 + j) * stride + at..][..count];
        let (a, b, c, d) = (lanes(0), lanes(1), lanes(2), lanes(3));
        for n in 0..count {
            fours[n] = [a[n], b[n], c[n], d[n]];
        }
    }
}

/// Puts a row of results where they belong, `dilation` apart from the begin of `out` on, and adds what `plus` has there.
#[inline(always)]
pub fn place(line: &[f32], out: &mut [f32], plus: Option<&[f32]>, dilation: usize) {
    match (dilation, plus) {
        (1, None) => out[..line.len()].copy_from_slice(line),
        (1, Some(plus)) => {
            for ((to, value), plus) in out.iter_mut().zip(line).zip(plus) {
                *to = value + plus;
            }
        }
        (_, None) => out.iter_mut().step_by(dilation).zip(line).for_each(|(to, value)| *to = *value),
        (_, Some(plus)) => {
            let there = out.iter_mut().zip(plus).step_by(dilation);
            there.zip(line).for_each(|((to, plus), value)| *to = value + plus);
        }
    }
}
