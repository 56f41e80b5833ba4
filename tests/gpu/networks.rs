//! The networks on the GPU against onnxruntime on the original ONNX files.

use std::time::Instant;

use cameo_core::codec::Image;
use cameo_gpu::GpuEngine;
use cameo_gpu::network::GpuFeatureMap;
use cameo_matting::NetworkOutput;
use cameo_models::Network;

use crate::common::{self, Difference, difference, golden};
use crate::on_gpu;

/// Sums in another order, and the golden's 16 bits; the same tolerance as on the CPU.
const MAX: f32 = 2e-3;
const MEAN: f64 = 2e-5;

/// Uploads `values`, `[channels, height, width]`.
pub fn upload(engine: &GpuEngine, values: &[f32], [height, width]: [usize; 2]) -> GpuFeatureMap {
    let channels = values.len() / (height * width);
    let size = [height, width].map(|side| side as u32);
    GpuFeatureMap::upload(&engine.context, "test input", channels as u32, size, values)
}

/// Reads the values of `map` back.
pub fn read(engine: &GpuEngine, map: &GpuFeatureMap) -> Vec<f32> {
    engine.context.read(&[map.buffer()], bytemuck::pod_collect_to_vec).unwrap()
}

fn matte(engine: &mut GpuEngine, network: Network, output: NetworkOutput, image: &Image) -> Vec<f32> {
    let side = image.width as usize;
    let input = upload(engine, &common::input(image, network), [side, side]);
    let since = Instant::now();
    let matte = engine.run_matting(network, output, input).unwrap();
    println!("{network} at {side}: {:.2} s", since.elapsed().as_secs_f64());
    read(engine, &matte)
}

fn run(network: Network, output: NetworkOutput, image: Image, path: &str) -> Difference {
    let found = difference(&on_gpu(move |engine| matte(engine, network, output, &image)), &golden(path));
    println!("{path}: {found:?}");
    found
}

#[track_caller]
fn assert_agrees(found: Difference) {
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn u2netp_agrees_with_onnxruntime() {
    let photo = common::picture("models/selftest/portrait.png");
    assert_agrees(run(Network::U2NetP, NetworkOutput::Matte, photo, "models/selftest/u2netp_matte.png"));
}

#[test]
fn u2netps_coarse_matte_agrees_with_onnxruntime() {
    let photo = common::picture("models/selftest/portrait.png");
    assert_agrees(run(Network::U2NetP, NetworkOutput::CoarseMatte, photo, "tests/golden/u2netp_320_coarse.png"));
}

/// At 256x256: at its own 1024x1024 it takes nine minutes on a software adapter, sixteen times as long. The network
/// is fully convolutional, so every layer and every weight is the same.
#[test]
fn isnet_agrees_with_onnxruntime() {
    let photo = common::crop(&common::astronaut(), 96, 0, 256);
    assert_agrees(run(Network::IsNet, NetworkOutput::Matte, photo, "models/selftest/isnet_256.png"));
}

/// f16 storage of tiles and weights changes a pixel by at most two of 255 levels.
#[test]
fn isnet_agrees_with_onnxruntime_with_f16_storage() {
    let image = common::crop(&common::astronaut(), 96, 0, 256);
    let (supported, f16, f32) = on_gpu(move |engine| {
        let supported = engine.set_f16_storage(true);
        let f16 = matte(engine, Network::IsNet, NetworkOutput::Matte, &image);
        engine.set_f16_storage(false);
        (supported, f16, matte(engine, Network::IsNet, NetworkOutput::Matte, &image))
    });
    let [f16, f32] = [f16, f32].map(|found| difference(&found, &golden("models/selftest/isnet_256.png")));
    println!("isnet_256.png: {f16:?} as f16, {f32:?} as f32");
    assert!(supported, "the adapter does not support f16");
    assert!(f16.max <= 8e-3 && f16.mean <= 8e-5, "{f16:?}");
    assert!(f16.max > 2.0 * f32.max, "the storage was not f16: {f16:?} {f32:?}");
}

/// The mask of the selfie segmenter, and its probability that there is a person.
fn segment(image: Image) -> (Vec<f32>, f32) {
    on_gpu(move |engine| {
        let input = upload(engine, &common::input(&image, Network::Selfie), [256, 256]);
        let (person, probability) = engine.segment_people(vec![input]).unwrap().remove(0);
        assert_eq!(read(engine, &person.probability), [probability]);
        (read(engine, &person.confidence), probability)
    })
}

#[test]
fn selfie_agrees_with_mediapipe() {
    let (mask, probability) = segment(common::crop(&common::astronaut(), 96, 0, 256));
    let found = difference(&mask, &golden("models/selftest/selfie_256.png"));
    println!("selfie_256.png: {found:?}, probability of a person {probability}");
    assert_agrees(found);
    assert!(probability > 0.7, "{probability}");
}

#[test]
fn a_pattern_is_no_person() {
    let (mask, probability) = segment(common::pattern(256, 256));
    assert!(probability < 0.7, "{probability}");
    let found = difference(&mask, &golden("models/selftest/selfie_256.png"));
    assert!(found.max > MAX && found.mean > MEAN, "the comparison notices no difference: {found:?}");
}

#[test]
fn another_photo_does_not_agree() {
    let photo = common::crop(&common::astronaut(), 66, 0, 320);
    let found = run(Network::U2NetP, NetworkOutput::Matte, photo, "models/selftest/u2netp_matte.png");
    assert!(found.max > MAX && found.mean > MEAN, "the comparison notices no difference: {found:?}");
}
