//! Pictures that pass the adapter's limits are done in strips and bands, and no seam is seen.

use burn::tensor::{Tensor, TensorData};
use cameo::codec::{Depth, Image, Picture};
use cameo::gpu::guide::{self, Guide};
use cameo::gpu::network::Stack;
use cameo::gpu::{GpuEngine, Limits, Matte};
use cameo::pipeline::{CutoutOptions, Engine, Enhancement, Job, Level, Recipe};
use cameo::rules::SIDE;
use cameo_models::Network;

use crate::common::{disc, pattern};
use crate::on_gpu;

/// Everything but the networks, under `limits`.
fn road(engine: &mut GpuEngine, photo: Image, enhancement: &Enhancement, limits: Limits) -> (Vec<f32>, Picture) {
    let before = std::mem::replace(&mut engine.gpu.limits, limits);
    let frame = engine.upload(photo).unwrap();
    let options = CutoutOptions { choke: 1.5, feather: 2.0, ..Default::default() };
    let guide = Guide {
        width: frame.photo.width,
        height: frame.photo.height,
        scene: guide::whole_scene(&engine.gpu, frame.photo.width, frame.photo.height),
        whole: engine.gpu.bus.scratch("guide", (SIDE * SIDE * 16) as u64),
        asked: false,
    };
    let input = engine.prepare(&frame, &guide, Network::U2NetP).unwrap();
    let seen = input.tensor.clone().into_data().try_to_vec().unwrap();
    let matte = TensorData::new(disc(320, 320), [1, 1, 320, 320]);
    let tensor = Tensor::<4>::from_data(matte, engine.library.device());
    engine.library.device().flush().unwrap();
    let plane = Stack::of(tensor).unwrap();
    let lifted = engine.lift(Matte { plane, input }, &guide, &options).unwrap();
    let frame = engine.refine(frame, lifted, guide, &options).unwrap();
    let frame = engine.decontaminate(frame, &options).unwrap();
    let frame = engine.edge(frame, &options).unwrap();
    let picture = engine.enhance(frame, enhancement).unwrap();
    let picture = engine.readback(picture).unwrap().picture;
    engine.gpu.limits = before;
    (seen, picture)
}

const WHOLE: Limits = Limits { strip_bytes: 1 << 30, band_bytes: 1 << 30 };

#[test]
fn bands_give_the_whole_to_the_last_bit() {
    let (width, height) = (257, 403);
    for (level, scale, depth) in [
        (Level::Medium, None, Depth::Eight),
        (Level::Strong, Some(1.3), Depth::Eight),
        (Level::Light, Some(1.0), Depth::Sixteen),
    ] {
        let cutout = CutoutOptions { depth, ..Default::default() };
        let recipe = Recipe { level, scale, cutout, ..Recipe::new(Job::Combo) };
        let enhancement = recipe.enhancement(width, height, u64::MAX).unwrap();
        on_gpu(move |engine| {
            let whole = road(engine, pattern(width, height), &enhancement, WHOLE);
            for small in [
                // Strips of 33 rows of the photo, and bands of a few rows.
                Limits { strip_bytes: 33 * 257 * 4, band_bytes: 400_000 },
                // Strips that end inside bands, whole bands.
                Limits { strip_bytes: 100_000, band_bytes: 1 << 30 },
                // One row a band.
                Limits { strip_bytes: 300_000, band_bytes: 1 },
            ] {
                let banded = road(engine, pattern(width, height), &enhancement, small);
                assert!(banded.0 == whole.0, "prepare has a seam under {small:?}");
                assert!(banded.1 == whole.1, "enhance has a seam under {small:?}");
            }
        });
    }
}

#[test]
fn another_photo_is_seen_by_the_comparison() {
    let recipe = Recipe::new(Job::Combo);
    let enhancement = recipe.enhancement(257, 403, u64::MAX).unwrap();
    on_gpu(move |engine| {
        let whole = road(engine, pattern(257, 403), &enhancement, WHOLE);
        let mut other = pattern(257, 403);
        let middle = 4 * (200 * 257 + 128);
        other.pixels[middle] ^= 64;
        let other = road(engine, other, &enhancement, WHOLE);
        assert!(other.1 != whole.1);
    });
}
