//! The networks against onnxruntime on the original ONNX files (`cargo xtask golden`).

use burn::tensor::Device;
use cameo_matting::{Host, Library, Pass, Planes};
use cameo_models::Network;

use crate::common::{self, Difference, difference, golden};

/// The order of sums, and the golden's 16 bits.
const MAX: f32 = 2e-3;
const MEAN: f64 = 2e-5;

fn run(network: Network, pass: Pass, image: &cameo::codec::Image, want: &str) -> Difference {
    let mut library = Library::new(&common::models(), Device::flex());
    let matting = library.get(network).unwrap();
    let size = image.width as usize;
    let planes = Planes::new(common::input(image, network), [size, size]);
    let found = matting.forward(&Host::default(), planes, pass).unwrap();
    let found = difference(found.values(), &golden(want));
    println!("{want}: {found:?}");
    found
}

#[track_caller]
fn assert_agrees(found: Difference) {
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn u2netp_agrees_with_onnxruntime() {
    assert_agrees(run(
        Network::U2NetP,
        Pass::Matte,
        &common::picture("tests/golden/u2netp_320_input.png"),
        "u2netp_320.png",
    ));
}

#[test]
fn u2netps_glance_agrees_with_onnxruntime() {
    let photo = common::picture("tests/golden/u2netp_320_input.png");
    assert_agrees(run(Network::U2NetP, Pass::Glance, &photo, "u2netp_320_glance.png"));
}

#[test]
fn isnet_agrees_with_onnxruntime() {
    assert_agrees(run(Network::IsNet, Pass::Matte, &common::doubled(&common::astronaut()), "isnet_1024.png"));
}

#[test]
fn isnet_agrees_with_onnxruntime_at_a_quarter_of_its_size() {
    assert_agrees(run(Network::IsNet, Pass::Matte, &common::crop(&common::astronaut(), 96, 0, 256), "isnet_256.png"));
}

#[test]
fn selfie_agrees_with_mediapipe() {
    let found = common::selfie(
        &mut Library::new(&common::models(), Device::flex()),
        &common::crop(&common::astronaut(), 96, 0, 256),
    );
    let agreement = difference(&found.matte, &golden("selfie_256.png"));
    println!("selfie_256.png: {agreement:?}");
    assert_agrees(agreement);
}

#[test]
fn a_person_is_told_from_a_pattern() {
    let mut library = Library::new(&common::models(), Device::flex());
    let astronaut = common::selfie(&mut library, &common::crop(&common::astronaut(), 96, 0, 256));
    let pattern = common::selfie(&mut library, &common::pattern(256, 256));
    println!("astronaut {}, pattern {}", astronaut.person, pattern.person);
    assert!(astronaut.person > 0.7 && pattern.person < 0.7, "{} {}", astronaut.person, pattern.person);
    assert!(difference(&pattern.matte, &golden("selfie_256.png")).max > MAX, "the comparison sees nothing");
}

#[test]
fn another_photo_does_not_agree() {
    let shifted = common::crop(&common::astronaut(), 65, 0, 320);
    let found = run(Network::U2NetP, Pass::Matte, &shifted, "u2netp_320.png");
    assert!(found.max > MAX && found.mean > MEAN, "the comparison sees nothing: {found:?}");
}
