//! The range of colours and of alpha around each pixel: nothing that enhancement makes may leave it, so that edges get
//! no halo.

#![allow(clippy::needless_range_loop, reason = "lanes are walked in step over several arrays: so they become vectors")]

use std::array::from_fn;
use std::ops::Range;

use multiversion::multiversion;

use super::enhance::Road;
use super::rows::{Cover, LANES, Lanes, TONE, larger, premultiply, smaller};
use crate::rules::MIN_ALPHA;

/// What is around each pixel of a part of a result's row: the least and the largest over three by three pixels of the
/// photo.
pub struct Around {
    /// The photo's columns that are read, and the place of the first of them among those that are looked at.
    columns: Range<usize>,
    place: usize,
    /// For each of the result's columns, the first of the three places it looks at.
    first: Vec<u32>,
    /// The photo's row in the middle, and whether alpha was looked at, or known to be 1.
    row: Option<(usize, Cover)>,
    tones: Fold<u8>,
    /// Of what is seen on black: colours times alpha, and alpha.
    black: Fold<f32>,
    /// Of what is missing on white: alpha less what is seen on black.
    white: Fold<f32>,
    premultiplied: Vec<[f32; 4]>,
    ranges: Vec<Ranges>,
}

/// Least and largest around some pixels, each of red, green and blue; and of alpha.
#[derive(Clone, Copy, Default)]
struct Ranges {
    tones: [[Lanes; 3]; 2],
    black: [[Lanes; 3]; 2],
    white: [[Lanes; 3]; 2],
    alpha: [Lanes; 2],
}

/// Least and largest pixels of three rows, then of three columns too.
struct Fold<V> {
    low: Vec<[V; 4]>,
    high: Vec<[V; 4]>,
    /// Of nothing: what is around leaves it.
    none: [V; 2],
}

impl<V: Copy + PartialOrd> Fold<V> {
    fn new(count: usize, none: [V; 2]) -> Self {
        Self { low: vec![[none[0]; 4]; count], high: vec![[none[1]; 4]; count], none }
    }

    fn clear(&mut self) {
        self.low.fill([self.none[0]; 4]);
        self.high.fill([self.none[1]; 4]);
    }

    /// A row's least and largest, from `place` on.
    #[inline(always)]
    fn add(&mut self, place: usize, row: impl Iterator<Item = [[V; 4]; 2]>) {
        for ((low, high), [least, most]) in self.low[place..].iter_mut().zip(&mut self.high[place..]).zip(row) {
            for c in 0..4 {
                low[c] = if least[c] < low[c] { least[c] } else { low[c] };
                high[c] = if most[c] > high[c] { most[c] } else { high[c] };
            }
        }
    }

    /// Each place and the two after it.
    #[inline(always)]
    fn across(&mut self) {
        let (low, high) = (self.low.as_flattened_mut(), self.high.as_flattened_mut());
        for i in 0..low.len() - 8 {
            let least = if low[i + 4] < low[i + 8] { low[i + 4] } else { low[i + 8] };
            low[i] = if least < low[i] { least } else { low[i] };
        }
        for i in 0..high.len() - 8 {
            let most = if high[i + 4] > high[i + 8] { high[i + 4] } else { high[i + 8] };
            high[i] = if most > high[i] { most } else { high[i] };
        }
    }

    /// Channels of the pixels at `first`, in planes, each `unit` what it is in 0..1.
    #[inline(always)]
    fn planes<const N: usize>(&self, first: &[u32; LANES], unit: impl Fn(V) -> f32) -> [[Lanes; N]; 2] {
        [&self.low, &self.high].map(|pixels| {
            let pixels: [[V; 4]; LANES] = from_fn(|l| pixels[first[l] as usize]);
            from_fn(|c| from_fn(|l| unit(pixels[l][c])))
        })
    }
}

impl Around {
    /// For up to `count` columns of a result that is no smaller than its photo.
    pub fn new(count: usize) -> Self {
        let count = count.next_multiple_of(LANES);
        Self {
            columns: 0..0,
            place: 0,
            first: vec![0; count],
            row: None,
            tones: Fold::new(count + 2, [u8::MAX, 0]),
            black: Fold::new(count + 2, [1.0, 0.0]),
            white: Fold::new(count + 2, [1.0, 0.0]),
            premultiplied: vec![[0.0; 4]; count + 2],
            ranges: vec![Ranges::default(); count / LANES],
        }
    }

    /// Of columns `own` of the result.
    pub fn begin(&mut self, road: &Road<'_>, own: Range<usize>) {
        let nearest = |x: usize| road.across.nearest(x.min(own.end - 1));
        let start = nearest(own.start);
        self.columns = start.saturating_sub(1)..(nearest(own.end - 1) + 2).min(road.frame.photo.width as usize);
        self.place = self.columns.start + 1 - start;
        self.first.iter_mut().zip(own.start..).for_each(|(first, x)| *first = (nearest(x) - start) as u32);
        self.row = None;
    }

    /// Looks around row `y` of the result: at colours alone if `cover` says that alpha is 1 there.
    pub fn look(&mut self, road: &Road<'_>, y: usize, cover: Cover) {
        let row = road.down.nearest(y);
        if self.row.is_some_and(|(middle, seen)| middle == row && (seen == Cover::Soft || cover == Cover::Full)) {
            return;
        }
        self.row = Some((row, cover));
        // Beyond the picture there is nothing that counts.
        self.tones.clear();
        if cover == Cover::Soft {
            self.black.clear();
            self.white.clear();
        }
        for y in row.saturating_sub(1)..(row + 2).min(road.frame.photo.height as usize) {
            let (pixels, matte) = road.frame.part(y, self.columns.clone());
            match cover {
                Cover::Full => self.tones.add(self.place, pixels.iter().map(|&pixel| [pixel; 2])),
                _ => add(self, pixels, matte),
            }
        }
        spread(self, cover);
    }

    /// The straight pixels at `n`, kept within the range of what is around: their colours and alpha, and what is seen of
    /// them on black and on white.
    #[inline(always)]
    pub fn hold(&self, n: usize, straight: &mut [Lanes; 4]) {
        let Ranges { tones, black, white, alpha: [clearest, fullest] } = &self.ranges[n];
        for l in 0..LANES {
            let alpha = smaller(larger(straight[3][l], clearest[l]), fullest[l]);
            let by = 1.0 / larger(alpha, 1e-6);
            // Where all around is full or clear, what is seen is the colour or nothing.
            let plain = (alpha < MIN_ALPHA) | (clearest[l] == 1.0);
            straight[3][l] = alpha;
            for c in 0..3 {
                let (value, low, high) = (straight[c][l], tones[0][c][l], tones[1][c][l]);
                // Where no colour around is certain there is no range.
                let held = if low > high { value } else { smaller(larger(value, low), high) };
                let least = larger(black[0][c][l], alpha - white[1][c][l]);
                let most = smaller(black[1][c][l], alpha - white[0][c][l]);
                let seen = larger(smaller(held * alpha, most), least) * by;
                straight[c][l] = if plain { held } else { seen };
            }
        }
    }

    /// The same where alpha is 1 all around.
    #[inline(always)]
    pub fn hold_colors(&self, n: usize, straight: &mut [Lanes; 4]) {
        let [low, high] = &self.ranges[n].tones;
        for c in 0..3 {
            for l in 0..LANES {
                straight[c][l] = smaller(larger(straight[c][l], low[c][l]), high[c][l]);
            }
        }
        straight[3] = [1.0; LANES];
    }
}

/// A row of the photo; its colours take no part where alpha is too low to know them.
#[multiversion(targets("x86_64+avx2"))]
fn add(around: &mut Around, pixels: &[[u8; 4]], matte: Option<&[f32]>) {
    let row = &mut around.premultiplied[..pixels.len()];
    premultiply(pixels, matte, row);
    let certain = |(&pixel, seen): (&[u8; 4], &[f32; 4])| {
        let certain = seen[3] >= MIN_ALPHA;
        [if certain { pixel } else { [u8::MAX; 4] }, if certain { pixel } else { [0; 4] }]
    };
    around.tones.add(around.place, pixels.iter().zip(&*row).map(certain));
    around.black.add(around.place, row.iter().map(|&seen| [seen; 2]));
    around.white.add(around.place, row.iter().map(|seen| [seen.map(|value| seen[3] - value); 2]));
}

/// Completes what was looked at, and gives it to the columns of the result.
#[multiversion(targets("x86_64+avx2"))]
fn spread(around: &mut Around, cover: Cover) {
    around.tones.across();
    if cover == Cover::Soft {
        around.black.across();
        around.white.across();
    }
    for (ranges, first) in around.ranges.iter_mut().zip(around.first.as_chunks().0) {
        ranges.tones = around.tones.planes(first, |tone| tone as f32 * TONE);
        if cover == Cover::Soft {
            let [low, high] = around.black.planes::<4>(first, |value| value);
            ranges.black = [low, high].map(|[r, g, b, _]| [r, g, b]);
            ranges.alpha = [low[3], high[3]];
            ranges.white = around.white.planes(first, |value| value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Image;
    use crate::cpu::Frame;

    /// The straight pixel `(x, y)` of a picture of the photo's size, kept within the range of what is around.
    fn held(frame: &Frame, [x, y]: [usize; 2], straight: [f32; 4]) -> [f32; 4] {
        let Image { width, height, .. } = frame.photo;
        let road = Road::new(frame, width as usize, height as usize, None);
        let mut around = Around::new(road.width);
        around.begin(&road, 0..road.width);
        around.look(&road, y, Cover::Soft);
        let mut lanes = straight.map(|value| [value; LANES]);
        around.hold(0, &mut lanes);
        lanes.map(|lanes| lanes[x])
    }

    #[test]
    fn a_span_is_of_three_by_three_and_leaves_out_uncertain_colours() {
        let mut pixels = [[100, 100, 100, 255]; 5 * 4];
        pixels[5 + 1] = [200, 50, 100, 255];
        pixels[5 + 3] = [0, 0, 0, 2];
        let frame = Frame { photo: Image::new(5, 4, pixels.as_flattened().to_vec()), matte: None, census: None };
        let tones = |at, straight| held(&frame, at, straight).map(|value| (255.0 * value).round());
        assert_eq!(tones([0, 1], [0.0, 0.0, 0.0, 1.0]), [100.0, 50.0, 100.0, 255.0]);
        assert_eq!(tones([0, 2], [1.0; 4]), [200.0, 100.0, 100.0, 255.0]);
        assert_eq!(tones([0, 3], [1.0; 4]), [100.0, 100.0, 100.0, 255.0]);
        // The clear pixel's black is no colour around, its alpha is.
        assert_eq!(tones([4, 1], [0.0; 4]), [100.0, 100.0, 100.0, 2.0]);
    }

    #[test]
    fn a_bright_rim_before_a_dark_subject_is_not_made_brighter_than_it_was_seen() {
        // Clear, half a bright pixel, then dark ones.
        let row = [[0, 0, 0, 0], [240, 240, 240, 128], [40, 40, 40, 255], [40, 40, 40, 255]];
        let pixels = [row; 3].into_iter().flatten().flatten().collect();
        let frame = Frame { photo: Image::new(4, 3, pixels), matte: None, census: None };
        let bright = 240.0 / 255.0;
        let [tone, _, _, alpha] = held(&frame, [1, 1], [bright, bright, bright, 0.9]);
        assert_eq!(alpha, 0.9);
        let seen = tone * alpha;
        assert!((seen - bright * 128.0 / 255.0).abs() < 1e-5, "{seen}");
    }
}
