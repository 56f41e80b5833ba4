use super::*;
use crate::plane::Plane;
use cameo_core::codec::ImageHeader;
use cameo_core::pipeline::{Level, Operation, ProcessingLimits, Recipe};

/// What `recipe` makes of a photo of `width` by `height`.
fn resolved(recipe: Recipe, width: u32, height: u32) -> Enhancement {
    recipe.resolve(ImageHeader { width, height }, &ProcessingLimits::default()).unwrap().enhancement
}

#[test]
fn every_height_is_enlarged_by_every_factor() {
    for scale in [1.25, 1.37, 1.5, 2.0, 2.5, 3.0, 4.0] {
        for height in 1..300 {
            let photo = Image::new(2, height, vec![200; 8 * height as usize]);
            let recipe = Recipe { scale: Some(scale), ..Recipe::new(Operation::Enhance) };
            let enhancement = resolved(recipe, 2, height);
            let Picture::Eight(found) = enhance(CpuFrame::new(photo), &enhancement) else { panic!("16 bits") };
            assert!(found.pixels.iter().all(|&value| value == 200), "{height} {scale}");
        }
    }
}

/// Noise under a matte that is 0 on the left and 1 on the right, with `specks` of another alpha in both.
fn scene(specks: &[(usize, f32)]) -> CpuFrame {
    let (width, height) = (700, 90);
    let pixels = (0..width * height).flat_map(|i: usize| {
        let noise = |c: usize| ((i * 7919 + c * 104_729) % 211) as u8;
        [noise(1), noise(2), noise(3), 255]
    });
    let photo = Image::new(width as u32, height as u32, pixels.collect());
    let mut values: Vec<f32> = (0..width * height).map(|i| if i % width < 350 { 0.0 } else { 1.0 }).collect();
    specks.iter().for_each(|&(x, alpha)| values[45 * width + x] = alpha);
    CpuFrame { matte: Some(Plane { width: 700, height: 90, values }), ..CpuFrame::new(photo) }
}

#[test]
fn the_short_paths_for_clear_and_opaque_rows_give_the_same_pixels() {
    for (level, scale) in [(Level::Light, 1.5), (Level::Medium, 2.0), (Level::Medium, 1.37), (Level::Medium, 1.0)] {
        let recipe = Recipe { level, scale: Some(scale), ..Recipe::new(Operation::Combo) };
        let enhancement = Enhancement { depth: Depth::Sixteen, ..resolved(recipe, 700, 90) };
        let run = |specks: &[(usize, f32)]| {
            let Picture::Sixteen(image) = enhance(scene(specks), &enhancement) else { panic!("8 bits") };
            image
        };
        // A speck sends all rows of its tile around it down the long path.
        let (short, long) = (run(&[]), run(&[(60, 0.5), (180, 0.4), (520, 0.5), (650, 0.6)]));
        let width = short.width as usize;
        let near = |i: usize| {
            let x = (i % width) as f64 / scale;
            [60.0, 180.0, 520.0, 650.0].iter().any(|speck| (x - speck).abs() < 16.0)
        };
        let pairs = short.pixels.as_chunks::<4>().0.iter().zip(long.pixels.as_chunks::<4>().0).enumerate();
        let (mut same, mut different) = (0, 0);
        for (i, (short, long)) in pairs {
            if near(i) {
                different += (short != long) as usize;
            } else {
                assert_eq!(short, long, "{level} {scale}: pixel {} of row {}", i % width, i / width);
                same += 1;
            }
        }
        assert!(same > 40_000 && different > 40, "{level} {scale}: the comparison is blind: {same} {different}");
    }
}

#[test]
fn tiles_and_bands_leave_no_seam() {
    let recipe = Recipe { scale: Some(2.0), ..Recipe::new(Operation::Combo) };
    let enhancement = resolved(recipe, 700, 90);
    let frame = scene(&[(60, 0.5), (349, 0.4), (520, 0.5)]);
    let inputs = EnhanceInputs::new(&frame, 1400, 180, enhancement.sharpening);
    let run = |columns: usize, band_rows: usize| {
        let mut pixels = vec![0u8; 4 * 1400 * 180];
        let mut tile = ColumnTile::new(&inputs);
        for (band, out) in pixels.chunks_mut(4 * 1400 * band_rows).enumerate() {
            let rows = band * band_rows..band * band_rows + out.len() / (4 * 1400);
            for left in (0..1400).step_by(columns) {
                tile.enhance(left..(left + columns).min(1400), rows.clone(), out);
            }
        }
        pixels
    };
    let whole = run(TILE_COLUMNS, 180);
    for (columns, band_rows) in [(TILE_COLUMNS, 64), (TILE_COLUMNS, 7), (100, 180), (17, 50), (1, 180)] {
        assert!(run(columns, band_rows) == whole, "tiles of {columns} columns, bands of {band_rows} rows");
    }
}

/// A soft vertical edge between two greys, in colour, and a mirrored one in alpha.
fn soft_edge() -> CpuFrame {
    let greys = [60, 60, 60, 60, 60, 60, 70, 128, 186, 196, 196, 196, 196, 196, 196, 196];
    let pixels = (0..16 * 16).flat_map(|i| [greys[i % 16], greys[i % 16], greys[i % 16], 255]).collect();
    let alpha = |grey: i32| (grey - 60) as f32 / 136.0;
    let values = (0..16 * 16).map(|i| alpha(greys[15 - i % 16] as i32)).collect();
    let matte = Some(Plane { width: 16, height: 16, values });
    CpuFrame { matte, ..CpuFrame::new(Image::new(16, 16, pixels)) }
}

/// The middle row of [`soft_edge`], enhanced.
fn enhanced_row(enhancement: &Enhancement, with_matte: bool) -> Vec<[u8; 4]> {
    let frame = CpuFrame { matte: soft_edge().matte.filter(|_| with_matte), ..soft_edge() };
    let Picture::Eight(image) = enhance(frame, enhancement) else { panic!("16 bits") };
    let middle = image.height as usize / 2 * image.width as usize;
    image.pixels.as_chunks::<4>().0[middle..middle + image.width as usize].to_vec()
}

#[test]
fn every_level_makes_edges_steeper_without_a_halo() {
    let steepest =
        |row: &[[u8; 4]], c: usize| row.windows(2).map(|pair| pair[0][c].abs_diff(pair[1][c])).max().unwrap_or(0);
    for &level in Level::ALL {
        for scale in [1.0, 1.5, 2.0, 3.0] {
            let recipe = Recipe { level, scale: Some(scale), ..Recipe::new(Operation::Combo) };
            let sharp = resolved(recipe, 16, 16);
            let plain = Enhancement { sharpening: None, denoises: false, ..sharp };
            let (found, before) = (enhanced_row(&sharp, false), enhanced_row(&plain, false));
            assert!(found.iter().all(|pixel| (60..=196).contains(&pixel[0])), "{level} {scale}: {found:?}");
            assert!(steepest(&found, 0) >= steepest(&before, 0), "{level} {scale}");
            let (found, before) = (enhanced_row(&sharp, true), enhanced_row(&plain, true));
            assert!(found.iter().all(|pixel| pixel[3] == 0 || pixel[0] >= 60), "{level} {scale}: {found:?}");
            assert!(steepest(&found, 3) > steepest(&before, 3), "{level} {scale}: {found:?}");
        }
    }
}
