//! Connected components and dilation of masks.

/// The label of a pixel outside the mask.
pub const NONE: u32 = u32::MAX;

/// Labels the 4-connected components of `mask`, a plane of `width` columns: each pixel gets the index of its
/// component's first pixel, and [`NONE`] outside the mask.
///
/// Union-find (Rosenfeld and Pfaltz 1966). Every link leads from a later pixel to an earlier one.
pub fn components(mask: &[bool], width: usize) -> Vec<u32> {
    let mut labels: Vec<u32> = mask.iter().enumerate().map(|(i, &set)| if set { i as u32 } else { NONE }).collect();
    for i in 0..mask.len() {
        if mask[i] {
            if i % width > 0 && mask[i - 1] {
                union(&mut labels, i, i - 1);
            }
            if i >= width && mask[i - width] {
                union(&mut labels, i, i - width);
            }
        }
    }
    for i in 0..mask.len() {
        if mask[i] {
            labels[i] = find_root(&labels, i) as u32;
        }
    }
    labels
}

fn find_root(labels: &[u32], mut i: usize) -> usize {
    while labels[i] as usize != i {
        i = labels[i] as usize;
    }
    i
}

fn union(labels: &mut [u32], a: usize, b: usize) {
    let (a, b) = (find_root(labels, a), find_root(labels, b));
    labels[a.max(b)] = a.min(b) as u32;
}

/// Dilates `mask`, a plane of `width` columns, by a square of `2 * radius + 1` pixels per side.
pub fn dilate(mask: &[bool], width: usize, radius: usize) -> Vec<bool> {
    let around = |i: usize, count: usize| i.saturating_sub(radius)..(i + radius + 1).min(count);
    let dilate_row = |row: &[bool]| (0..width).map(|x| row[around(x, width)].contains(&true)).collect::<Vec<_>>();
    let rows: Vec<_> = mask.chunks_exact(width).map(dilate_row).collect();
    let mut dilated = Vec::with_capacity(mask.len());
    for y in 0..rows.len() {
        let mut near = vec![false; width];
        for row in &rows[around(y, rows.len())] {
            near.iter_mut().zip(row).for_each(|(near, &set)| *near |= set);
        }
        dilated.extend(near);
    }
    dilated
}

/// Returns whether pixel `i` of a `width` by `height` plane lies on the plane's border.
pub fn on_border(i: usize, width: usize, height: usize) -> bool {
    let (x, y) = (i % width, i / width);
    x == 0 || y == 0 || x == width - 1 || y == height - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_first_pixel_and_diagonal_pixels_are_not_connected() {
        let picture = ["xx.x", "..x.", "x.xx", "xxx."];
        let mask: Vec<bool> = picture.iter().flat_map(|row| row.bytes().map(|byte| byte == b'x')).collect();
        let n = NONE;
        let want = [0, 0, n, 3, n, n, 6, n, 6, n, 6, 6, 6, 6, 6, n];
        assert_eq!(components(&mask, 4), want);
    }

    #[test]
    fn a_mask_is_dilated_by_the_radius_on_each_side() {
        let mask: Vec<bool> = (0..9 * 6).map(|i| i == 9 + 1 || i == 5 * 9 + 8).collect();
        let found = dilate(&mask, 9, 2);
        let near = |x: usize, y: usize| (x <= 3 && y <= 3) || (x >= 6 && y >= 3);
        let want: Vec<bool> = (0..9 * 6).map(|i| near(i % 9, i / 9)).collect();
        assert_eq!(found, want);
    }
}
