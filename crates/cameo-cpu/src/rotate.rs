//! Rotation of square planes: the networks see a photo that lies on its side upright.

use cameo_core::view::Rotation;

/// Returns each of `planes`, `[channels, side, side]`, rotated.
pub fn rotate(planes: Vec<f32>, side: usize, rotation: Rotation) -> Vec<f32> {
    let source = |plane: &[f32], x: usize, y: usize| match rotation {
        Rotation::None => plane[y * side + x],
        Rotation::Quarter => plane[(side - 1 - x) * side + y],
        Rotation::Half => plane[(side - 1 - y) * side + side - 1 - x],
        Rotation::ThreeQuarters => plane[x * side + side - 1 - y],
    };
    if rotation == Rotation::None {
        return planes;
    }
    let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let rotated = |plane: &[f32]| pixels.clone().map(|(x, y)| source(plane, x, y)).collect::<Vec<_>>();
    planes.chunks_exact(side * side).flat_map(rotated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_rotated_clockwise_and_back() {
        let planes: Vec<f32> = (0..2 * 3 * 3).map(|i| i as f32).collect();
        let quarter = rotate(planes.clone(), 3, Rotation::Quarter);
        assert_eq!(quarter[..9], [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0]);
        assert_eq!(quarter[9..12], [15.0, 12.0, 9.0]);
        assert_eq!(rotate(quarter.clone(), 3, Rotation::Quarter), rotate(planes.clone(), 3, Rotation::Half));
        assert_eq!(rotate(quarter, 3, Rotation::ThreeQuarters), planes);
    }
}
