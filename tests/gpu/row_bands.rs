//! Pictures that are larger than the adapter allows are computed in bands and chunks of rows, without seams.

use cameo_core::codec::{Depth, Image, ImageHeader, Picture};
use cameo_core::pipeline::{CutoutOptions, Engine, Enhancement, Level, Operation, ProcessingLimits, Recipe};
use cameo_core::tuning::{LOW_RES_SIDE, Roi};
use cameo_core::view::View;
use cameo_gpu::{BufferLimits, GpuEngine, GpuMatte, GpuPrior};
use cameo_models::Network;

use crate::common::{disc, pattern};
use crate::networks::{read, upload};
use crate::on_gpu;

const WIDTH: u32 = 257;
const HEIGHT: u32 = 403;

/// What the stages computed under some limits.
#[derive(PartialEq)]
struct Outputs {
    network_input: Vec<f32>,
    picture: Picture,
}

/// Runs all stages but the networks.
fn run_stages(engine: &mut GpuEngine, photo: Image, enhancement: &Enhancement, limits: BufferLimits) -> Outputs {
    let adapter_limits = std::mem::replace(&mut engine.context.limits, limits);
    let options = CutoutOptions { choke: 1.5, feather: 2.0, ..Default::default() };
    let frame = engine.upload(photo).unwrap();
    let whole = Roi::whole(frame.photo.width, frame.photo.height);
    let prior = GpuPrior {
        view: View::upright(whole),
        roi: cameo_gpu::upload_roi(&engine.context, whole),
        planes: engine.context.scratch("prior planes", (LOW_RES_SIDE * LOW_RES_SIDE * 16) as u64),
        guidance: false,
    };
    let input = engine.prepare(&frame, &prior, Network::U2NetP).unwrap();
    let network_input = read(engine, &input.map);
    let map = upload(engine, &disc(320, 320), [320; 2]);
    let matte = engine.repair(GpuMatte { map, input }, &prior, &options).unwrap();
    let frame = engine.refine(frame, matte, prior, &options).unwrap();
    let frame = engine.decontaminate(frame, &options).unwrap();
    let frame = engine.edge(frame, &options).unwrap();
    let picture = engine.enhance(frame, enhancement).unwrap();
    let picture = engine.readback(picture).unwrap().picture;
    engine.context.limits = adapter_limits;
    Outputs { network_input, picture }
}

fn enhancement(recipe: &Recipe) -> Enhancement {
    let header = ImageHeader { width: WIDTH, height: HEIGHT };
    recipe.resolve(header, &ProcessingLimits::default()).unwrap().enhancement
}

const UNLIMITED: BufferLimits = BufferLimits { binding_bytes: 1 << 30 };

#[test]
fn bands_give_the_same_picture_to_the_last_bit() {
    for (level, scale, depth) in [
        (Level::Medium, None, Depth::Eight),
        (Level::Strong, Some(1.3), Depth::Eight),
        (Level::Light, Some(1.0), Depth::Sixteen),
    ] {
        let cutout = CutoutOptions { depth, ..Default::default() };
        let enhancement = enhancement(&Recipe { level, scale, cutout, ..Recipe::new(Operation::Combo) });
        on_gpu(move |engine| {
            let whole = run_stages(engine, pattern(WIDTH, HEIGHT), &enhancement, UNLIMITED);
            for limits in [
                // Bands of 33 rows of the photo.
                BufferLimits { binding_bytes: 33 * 257 * 4 },
                BufferLimits { binding_bytes: 100_000 },
                BufferLimits { binding_bytes: 300_000 },
            ] {
                let banded = run_stages(engine, pattern(WIDTH, HEIGHT), &enhancement, limits);
                assert!(banded.network_input == whole.network_input, "prepare has a seam under {limits:?}");
                assert!(banded.picture == whole.picture, "the picture has a seam under {limits:?}");
            }
        });
    }
}

#[test]
fn the_comparison_notices_one_pixel_of_another_photo() {
    let enhancement = enhancement(&Recipe::new(Operation::Combo));
    on_gpu(move |engine| {
        let whole = run_stages(engine, pattern(WIDTH, HEIGHT), &enhancement, UNLIMITED);
        let mut other = pattern(WIDTH, HEIGHT);
        other.pixels[4 * (200 * 257 + 128)] ^= 64;
        let other = run_stages(engine, other, &enhancement, UNLIMITED);
        assert!(other.picture != whole.picture);
    });
}
