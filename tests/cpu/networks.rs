//! The networks on the CPU against onnxruntime and MediaPipe on the published models (`cargo xtask golden`).

use burn::tensor::Device;
use cameo_core::codec::Image;
use cameo_matting::{CpuFeatureMap, CpuLayers, ModelLibrary, NetworkOutput};
use cameo_models::Network;

use crate::common::{self, Difference, difference, golden};

/// Room for another order of summation, and for the 16 bits of the goldens.
const MAX: f32 = 2e-3;
const MEAN: f64 = 2e-5;

fn library() -> ModelLibrary {
    ModelLibrary::new(&common::models(), Device::flex())
}

fn input(image: &Image, network: Network) -> CpuFeatureMap {
    CpuFeatureMap::new(common::input(image, network), [image.height as usize, image.width as usize])
}

/// The difference between the output of `network` for `image` and the golden of that path.
fn compare(network: Network, output: NetworkOutput, image: &Image, path: &str) -> Difference {
    let matte =
        library().matting(network).unwrap().forward(&CpuLayers::default(), input(image, network), output).unwrap();
    let found = difference(matte.values(), &golden(path));
    println!("{path}: {found:?}");
    found
}

/// The mask and the probability of a person in `image`.
fn segment(image: &Image) -> (Vec<f32>, f32) {
    let segmenter = library().selfie().unwrap();
    let found = segmenter.forward(&CpuLayers::default(), input(image, Network::Selfie)).unwrap();
    (found.confidence.values().to_vec(), found.probability.values()[0])
}

fn face() -> Image {
    common::crop(&common::astronaut(), 96, 0, 256)
}

#[track_caller]
fn assert_agrees(found: Difference) {
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn u2netp_agrees_with_onnxruntime() {
    let photo = common::picture("models/selftest/portrait.png");
    assert_agrees(compare(Network::U2NetP, NetworkOutput::Matte, &photo, "models/selftest/u2netp_matte.png"));
}

#[test]
fn the_coarse_matte_agrees_with_onnxruntime() {
    let photo = common::picture("models/selftest/portrait.png");
    assert_agrees(compare(Network::U2NetP, NetworkOutput::CoarseMatte, &photo, "tests/golden/u2netp_320_coarse.png"));
}

#[test]
fn isnet_agrees_with_onnxruntime() {
    let photo = common::doubled(&common::astronaut());
    assert_agrees(compare(Network::IsNet, NetworkOutput::Matte, &photo, "tests/golden/isnet_1024.png"));
}

#[test]
fn isnet_agrees_with_onnxruntime_at_a_quarter_of_its_size() {
    assert_agrees(compare(Network::IsNet, NetworkOutput::Matte, &face(), "models/selftest/isnet_256.png"));
}

#[test]
fn the_selfie_network_agrees_with_mediapipe() {
    let (mask, _) = segment(&face());
    let found = difference(&mask, &golden("models/selftest/selfie_256.png"));
    println!("selfie_256.png: {found:?}");
    assert_agrees(found);
}

#[test]
fn a_person_is_told_from_a_pattern() {
    let (_, person) = segment(&face());
    let (mask, pattern) = segment(&common::pattern(256, 256));
    println!("person {person}, pattern {pattern}");
    assert!(person > 0.7 && pattern < 0.7, "{person} {pattern}");
    let found = difference(&mask, &golden("models/selftest/selfie_256.png"));
    assert!(found.max > MAX, "the comparison notices nothing: {found:?}");
}

#[test]
fn another_photo_does_not_agree() {
    let shifted = common::crop(&common::astronaut(), 65, 0, 320);
    let found = compare(Network::U2NetP, NetworkOutput::Matte, &shifted, "models/selftest/u2netp_matte.png");
    assert!(found.max > MAX && found.mean > MEAN, "the comparison notices nothing: {found:?}");
}
