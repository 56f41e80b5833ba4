//! The whole road against the plain way: Pillow's Lanczos, onnxruntime, Pillow's Lanczos, as rembg does it.

use cameo::codec::{self, Format, Limits};
use cameo::cpu::CpuEngine;
use cameo::pipeline::{self, Bounds, CutoutOptions, Job, Recipe};
use cameo_models::Network;

use crate::common;

fn matte(network: Network) -> Vec<f32> {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    let cutout = CutoutOptions { model: network, matte_only: true, plain_matte: true, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Job::Cutout) };
    let outcome = pipeline::run(&mut engine, &bytes, &recipe, &Bounds::default()).unwrap();
    let matte = codec::decode(&outcome.bytes, &Limits::default()).unwrap();
    matte.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[0] as f32).collect()
}

fn plain(name: &str) -> Vec<f32> {
    let image = common::picture(&format!("tests/golden/{name}"));
    image.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[0] as f32).collect()
}

/// The plain way cuts the matte down to whole 255ths before it resamples it, so that a full subject has 254: half of
/// one on average. And Pillow shrinks across before it shrinks down, with rounding between: worth up to a few of 255
/// where the network hesitates.
const MAX: f32 = 12.0;
const MEAN: f64 = 0.7;

#[track_caller]
fn assert_near(found: &[f32], want: &[f32]) {
    let found = common::difference(found, want);
    println!("{found:?}");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn the_matte_of_u2netp_is_that_of_the_plain_way() {
    assert_near(&matte(Network::U2NetP), &plain("road_u2netp.png"));
}

#[test]
fn the_matte_of_isnet_is_that_of_the_plain_way() {
    assert_near(&matte(Network::IsNet), &plain("road_isnet.png"));
}

#[test]
fn the_matte_of_another_network_is_not() {
    let found = common::difference(&plain("road_u2netp.png"), &plain("road_isnet.png"));
    assert!(found.max > MAX && found.mean > MEAN, "the comparison sees nothing: {found:?}");
}

#[test]
fn a_combo_is_the_enhancement_of_its_cutout() {
    // Alpha travels in 8 bits between the two commands and in 32 within one.
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    let mut run = |job, bytes: &[u8]| {
        let recipe = common::quick(job);
        pipeline::run(&mut engine, bytes, &recipe, &Bounds::default()).unwrap().bytes
    };
    let combo = run(Job::Combo, &bytes);
    let cutout = run(Job::Cutout, &bytes);
    let both = run(Job::Enhance, &cutout);
    let seen = |bytes: &[u8]| common::visible(&codec::decode(bytes, &Limits::default()).unwrap());
    let found = common::difference(&seen(&combo), &seen(&both));
    assert!(found.max <= 8.0 && found.mean < 0.05, "{found:?}");
    let found = common::difference(&seen(&combo)[..4096], &vec![0.0; 4096]);
    assert!(found.max <= 1.0, "the corner is background: {found:?}");
}

#[test]
fn colours_are_zero_where_alpha_is_zero() {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let mut engine = CpuEngine::new(&common::models());
    for format in Format::ALL {
        let recipe = Recipe { format, ..common::quick(Job::Combo) };
        let outcome = pipeline::run(&mut engine, &bytes, &recipe, &Bounds::default()).unwrap();
        let image = codec::decode(&outcome.bytes, &Limits::default()).unwrap();
        let clear: Vec<_> = image.pixels.as_chunks::<4>().0.iter().filter(|pixel| pixel[3] == 0).collect();
        assert!(clear.len() > 100_000);
        assert!(clear.iter().all(|pixel| **pixel == [0; 4]));
    }
}
