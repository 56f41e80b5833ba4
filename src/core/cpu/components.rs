//! Connected parts of a plane: pixels that touch at a side belong together.

/// No part: the pixel is not of the mask.
pub const NONE: u32 = u32::MAX;

/// The part each pixel of `mask` belongs to, named by the index of its first pixel; [`NONE`] elsewhere.
///
/// Union-find (Rosenfeld and Pfaltz 1966), every link from a later pixel to an earlier one.
pub fn components(mask: &[bool], width: usize) -> Vec<u32> {
    let mut labels: Vec<u32> = mask.iter().enumerate().map(|(i, &of)| if of { i as u32 } else { NONE }).collect();
    for i in 0..mask.len() {
        if mask[i] {
            if i % width > 0 && mask[i - 1] {
                join(&mut labels, i, i - 1);
            }
            if i >= width && mask[i - width] {
                join(&mut labels, i, i - width);
            }
        }
    }
    for i in 0..mask.len() {
        if mask[i] {
            labels[i] = root(&labels, i) as u32;
        }
    }
    labels
}

fn root(labels: &[u32], mut at: usize) -> usize {
    while labels[at] as usize != at {
        at = labels[at] as usize;
    }
    at
}

fn join(labels: &mut [u32], one: usize, other: usize) {
    let (one, other) = (root(labels, one), root(labels, other));
    let (first, last) = (one.min(other), one.max(other));
    labels[last] = first as u32;
}

/// The pixels of a plane of `width` within `reach` of `mask` along both axes.
pub fn grown(mask: &[bool], width: usize, reach: usize) -> Vec<bool> {
    let around = |i: usize, count: usize| i.saturating_sub(reach)..(i + reach + 1).min(count);
    let row = |row: &[bool]| (0..width).map(|x| row[around(x, width)].contains(&true)).collect::<Vec<_>>();
    let wide: Vec<_> = mask.chunks_exact(width).map(row).collect();
    let mut grown = Vec::with_capacity(mask.len());
    for y in 0..wide.len() {
        let mut near = vec![false; width];
        for row in &wide[around(y, wide.len())] {
            near.iter_mut().zip(row).for_each(|(near, &of)| *near |= of);
        }
        grown.extend(near);
    }
    grown
}

/// Whether pixel `i` of a `width` by `height` plane lies on its border.
pub fn on_border(i: usize, width: usize, height: usize) -> bool {
    let (x, y) = (i % width, i / width);
    x == 0 || y == 0 || x == width - 1 || y == height - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_by_their_first_pixel_and_join_at_sides_only() {
        let picture = ["xx.x", "..x.", "x.xx", "xxx."];
        let mask: Vec<bool> = picture.iter().flat_map(|row| row.bytes().map(|byte| byte == b'x')).collect();
        let n = NONE;
        let want = [0, 0, n, 3, n, n, 6, n, 6, n, 6, 6, 6, 6, 6, n];
        assert_eq!(components(&mask, 4), want);
    }

    #[test]
    fn what_is_grown_is_as_far_as_its_reach_on_each_side() {
        let mask: Vec<bool> = (0..9 * 6).map(|i| i == 9 + 1 || i == 5 * 9 + 8).collect();
        let found = grown(&mask, 9, 2);
        let near = |x: usize, y: usize| (x <= 3 && y <= 3) || (x >= 6 && y >= 3);
        let want: Vec<bool> = (0..9 * 6).map(|i| near(i % 9, i / 9)).collect();
        assert_eq!(found, want);
    }
}
