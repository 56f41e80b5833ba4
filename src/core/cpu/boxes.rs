//! Means over square windows, where they are needed.

use std::ops::Range;

use rayon::prelude::*;

/// Rows that share one set of running sums: few enough for rounding not to add up.
const CHUNK: usize = 32;

/// What is made of some pixels of a plane, each with its index.
pub type Made<T> = Vec<(usize, T)>;

/// What `finish` makes of the mean of `source` over the window `reach` pixels around each pixel of a plane of
/// `[height, width]`, chunk by chunk of rows.
///
/// Windows end at the plane's border. Nothing is made in columns that `needed` does not name within a chunk of rows.
pub fn means<const N: usize, T: Send>(
    [height, width]: [usize; 2],
    reach: usize,
    source: impl Fn(usize) -> [f32; N] + Sync,
    needed: impl Fn(Range<usize>) -> Vec<bool> + Sync,
    finish: impl Fn(usize, [f32; N]) -> Option<T> + Sync,
) -> Vec<Made<T>> {
    let chunks = (0..height.div_ceil(CHUNK)).into_par_iter().map(|chunk| {
        let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(height);
        let mut made = Vec::new();
        let spans = spans(&needed(rows.clone()));
        // Each span reads `reach` columns more on each side.
        let wide: Vec<_> =
            spans.iter().map(|span| span.start.saturating_sub(reach)..(span.end + reach).min(width)).collect();
        let mut sums: Vec<Vec<[f32; N]>> = wide.iter().map(|span| vec![[0.0; N]; span.len()]).collect();
        let add = |sums: &mut Vec<Vec<[f32; N]>>, y: usize, sign: f32| {
            for (sums, span) in sums.iter_mut().zip(&wide) {
                for (sum, x) in sums.iter_mut().zip(span.clone()) {
                    let value = source(y * width + x);
                    sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += sign * value);
                }
            }
        };
        let first = rows.start.saturating_sub(reach);
        (first..(rows.start + reach).min(height)).for_each(|y| add(&mut sums, y, 1.0));
        for y in rows {
            if y + reach < height {
                add(&mut sums, y + reach, 1.0);
            }
            if y > reach && y - reach > first {
                add(&mut sums, y - reach - 1, -1.0);
            }
            let down = (y + reach + 1).min(height) - y.saturating_sub(reach);
            for ((span, wide), sums) in spans.iter().zip(&wide).zip(&sums) {
                for x in span.clone() {
                    let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
                    let mut total = [0.0; N];
                    for sum in &sums[columns.start - wide.start..columns.end - wide.start] {
                        total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
                    }
                    let share = 1.0 / (down * columns.len()) as f32;
                    let i = y * width + x;
                    made.extend(finish(i, total.map(|total| total * share)).map(|value| (i, value)));
                }
            }
        }
        made
    });
    chunks.collect()
}

/// What was made, laid into a plane `out` of `width`.
pub fn lay<T: Send, U: Send>(made: Vec<Made<T>>, width: usize, out: &mut [U], change: impl Fn(&mut U, T) + Sync) {
    out.par_chunks_mut(CHUNK * width).zip(made).enumerate().for_each(|(chunk, (out, made))| {
        let before = chunk * CHUNK * width;
        made.into_iter().for_each(|(i, value)| change(&mut out[i - before], value));
    });
}

/// The runs of columns that are needed.
fn spans(needed: &[bool]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (x, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
        match spans.last_mut() {
            Some(span) if span.end == x => span.end = x + 1,
            _ => spans.push(x..x + 1),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_window_within_the_plane() {
        let (width, height, reach) = (13, 71, 2);
        let value = |i: usize| ((i * 7919) % 101) as f32;
        let mut found = vec![[0.0; 2]; width * height];
        let made = means([height, width], reach, |i| [value(i), 1.0], |_| vec![true; 13], |_, mean| Some(mean));
        lay(made, width, &mut found, |found, mean| *found = mean);
        for (i, found) in found.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let mut window = Vec::new();
            for dy in y.saturating_sub(reach)..(y + reach + 1).min(height) {
                for dx in x.saturating_sub(reach)..(x + reach + 1).min(width) {
                    window.push(value(dy * width + dx));
                }
            }
            let want = window.iter().sum::<f32>() / window.len() as f32;
            assert!((found[0] - want).abs() < 1e-3, "{i}: {} is not {want}", found[0]);
            assert!((found[1] - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_not_needed_is_left_alone_and_changes_nothing_else() {
        let run = |columns: Range<usize>| {
            let mut out = vec![-1.0; 800];
            let needed = |_| (0..20).map(|x| columns.contains(&x)).collect();
            let made = means([40, 20], 3, |i| [i as f32], needed, |_, [mean]| Some(mean));
            lay(made, 20, &mut out, |out, mean| *out = mean);
            out
        };
        let (all, some) = (run(0..20), run(5..9));
        for (i, (all, some)) in all.iter().zip(&some).enumerate() {
            let want = if (5..9).contains(&(i % 20)) { *all } else { -1.0 };
            assert!((some - want).abs() < 1e-2, "{i}");
        }
    }
}
