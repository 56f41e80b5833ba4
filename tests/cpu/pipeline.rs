//! The whole pipeline against the reference: Pillow's Lanczos, onnxruntime, Pillow's Lanczos, as rembg does it.

use cameo_core::codec::{self, Format, Image, InputLimits};
use cameo_core::pipeline::{self, CutoutOptions, Operation, ProcessingLimits, Recipe};
use cameo_cpu::CpuEngine;
use cameo_models::Network;

use crate::common;

fn matte(network: Network) -> Vec<f32> {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    let cutout = CutoutOptions { model: network, matte_only: true, plain_matte: true, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Operation::Cutout) };
    let result = pipeline::process(&mut engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap();
    let matte = codec::decode(&result.bytes, &InputLimits::default()).unwrap();
    matte.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[0] as f32).collect()
}

fn reference(name: &str) -> Vec<f32> {
    let image = common::picture(&format!("tests/golden/{name}"));
    image.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[0] as f32).collect()
}

/// Allowed differences, in units of 1/255. The reference truncates the matte to 8 bits before it resamples it, which
/// costs half a unit on average, and Pillow resamples rows before columns and rounds between them, which costs up to a
/// few units where the network is uncertain.
const MAX: f32 = 12.0;
const MEAN: f64 = 0.7;

#[track_caller]
fn assert_near(found: &[f32], want: &[f32]) {
    let found = common::difference(found, want);
    println!("{found:?}");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn the_matte_of_u2netp_equals_the_reference() {
    assert_near(&matte(Network::U2NetP), &reference("pipeline_u2netp.png"));
}

#[test]
fn the_matte_of_isnet_equals_the_reference() {
    assert_near(&matte(Network::IsNet), &reference("pipeline_isnet.png"));
}

#[test]
fn the_matte_of_another_network_does_not() {
    let found = common::difference(&reference("pipeline_u2netp.png"), &reference("pipeline_isnet.png"));
    assert!(found.max > MAX && found.mean > MEAN, "the comparison sees nothing: {found:?}");
}

/// The cut-out of `image` by the small network.
fn cutout(image: &Image) -> Image {
    let bytes = codec::encode(image, Format::Png, None).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    let recipe = common::u2netp_recipe(Operation::Cutout);
    let result = pipeline::process(&mut engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap();
    codec::decode(&result.bytes, &InputLimits::default()).unwrap()
}

#[test]
fn bars_above_and_below_a_portrait_do_not_change_its_matte() {
    let portrait = common::astronaut();
    let pixels = (portrait.width * portrait.height) as usize;
    let want = common::alpha(&cutout(&portrait));
    let found = common::alpha(&cutout(&common::between_bars(&portrait, 300)));
    let (above, rest) = found.split_at((found.len() - pixels) / 2);
    let (scene, below) = rest.split_at(pixels);
    assert!(above.iter().chain(below).all(|alpha| *alpha == 0.0), "bars are background");
    // Resampling blends the bars into the outermost pixels of the network's input.
    let found = common::difference(scene, &want);
    println!("between bars: {found:?}");
    assert!(found.mean < 0.3, "{found:?}");
}

#[test]
fn a_portrait_that_lies_on_its_side_or_upside_down_has_the_matte_of_the_upright_one() {
    // Its head and shoulders, not square.
    let astronaut = common::astronaut();
    let pixels = astronaut.pixels[..4 * 512 * 400].to_vec();
    let mut portrait = Image::new(512, 400, pixels);
    let want = common::alpha(&cutout(&portrait));
    for turns in 1..4 {
        portrait = common::quarter_turned(&portrait);
        let mut found = cutout(&portrait);
        (turns..4).for_each(|_| found = common::quarter_turned(&found));
        let found = common::difference(&common::alpha(&found), &want);
        println!("turned {turns} times: {found:?}");
        assert!(found.mean < 0.5, "{turns}: {found:?}");
    }
}

#[test]
fn a_combo_equals_the_enhancement_of_its_cutout() {
    // Between the two commands alpha has 8 bits, within one it has 32.
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    let mut run = |operation, bytes: &[u8]| {
        let recipe = common::u2netp_recipe(operation);
        pipeline::process(&mut engine, bytes, &recipe, &ProcessingLimits::default()).unwrap().bytes
    };
    let combo = run(Operation::Combo, &bytes);
    let cutout = run(Operation::Cutout, &bytes);
    let enhanced = run(Operation::Enhance, &cutout);
    let visible = |bytes: &[u8]| common::visible(&codec::decode(bytes, &InputLimits::default()).unwrap());
    let found = common::difference(&visible(&combo), &visible(&enhanced));
    assert!(found.max <= 8.0 && found.mean < 0.05, "{found:?}");
    let found = common::difference(&visible(&combo)[..4096], &vec![0.0; 4096]);
    assert!(found.max <= 1.0, "the corner is background: {found:?}");
}

#[test]
fn colours_are_zero_where_alpha_is_zero() {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    for &format in Format::ALL {
        let recipe = Recipe { format, ..common::u2netp_recipe(Operation::Combo) };
        let result = pipeline::process(&mut engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap();
        let image = codec::decode(&result.bytes, &InputLimits::default()).unwrap();
        let clear: Vec<_> = image.pixels.as_chunks::<4>().0.iter().filter(|pixel| pixel[3] == 0).collect();
        assert!(clear.len() > 100_000);
        assert!(clear.iter().all(|pixel| **pixel == [0; 4]));
    }
}
