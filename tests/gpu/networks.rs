//! The networks on the GPU against onnxruntime on the original ONNX files.

use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use cameo::codec::Image;
use cameo::gpu::GpuEngine;
use cameo::gpu::network::Stack;
use cameo_matting::{Burn, Pass};
use cameo_models::Network;

use crate::common::{self, Difference, difference, golden};
use crate::on_gpu;

/// The order of sums, and the golden's 16 bits; the same as on the CPU.
const MAX: f32 = 2e-3;
const MEAN: f64 = 2e-5;

fn read(engine: &GpuEngine, stack: &Stack) -> Vec<f32> {
    let mut bytes = Vec::new();
    engine.gpu.bus.read(&[stack.buffer().unwrap()], &mut bytes).unwrap();
    bytemuck::pod_collect_to_vec(&bytes)
}

fn plane(engine: &mut GpuEngine, network: Network, pass: Pass, image: &Image) -> Vec<f32> {
    let size = image.width as usize;
    let input = TensorData::new(common::input(image, network), [1, 3, size, size]);
    let input = Tensor::from_data(input, engine.library.device());
    let since = Instant::now();
    let plane = engine.network(network, pass, input).unwrap();
    println!("{network} at {size}: {:.2} s", since.elapsed().as_secs_f64());
    read(engine, &plane)
}

fn run(network: Network, pass: Pass, image: Image, want: &str) -> Difference {
    let found = difference(&on_gpu(move |engine| plane(engine, network, pass, &image)), &golden(want));
    println!("{want}: {found:?}");
    found
}

#[test]
fn u2netp_agrees_with_onnxruntime() {
    let found =
        run(Network::U2NetP, Pass::Matte, common::picture("tests/golden/u2netp_320_input.png"), "u2netp_320.png");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

#[test]
fn u2netps_glance_agrees_with_onnxruntime() {
    let photo = common::picture("tests/golden/u2netp_320_input.png");
    let found = run(Network::U2NetP, Pass::Glance, photo, "u2netp_320_glance.png");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

/// At 256x256: at its own 1024x1024 it takes nine minutes on a software adapter, sixteen times as long. The network
/// is fully convolutional, so every layer and every weight is the same.
#[test]
fn isnet_agrees_with_onnxruntime() {
    let found = run(Network::IsNet, Pass::Matte, common::crop(&common::astronaut(), 96, 0, 256), "isnet_256.png");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
}

/// With tiles and weights of 16 bits, as where a GPU has them: a pixel is off by two of 255 at most.
#[test]
fn isnet_agrees_in_sixteen_bits() {
    let image = common::crop(&common::astronaut(), 96, 0, 256);
    let (had, half, single) = on_gpu(move |engine| {
        let had = engine.set_halves(true);
        let half = plane(engine, Network::IsNet, Pass::Matte, &image);
        engine.set_halves(false);
        (had, half, plane(engine, Network::IsNet, Pass::Matte, &image))
    });
    let [half, single] = [half, single].map(|found| difference(&found, &golden("isnet_256.png")));
    println!("isnet_256.png: {half:?} in 16 bits, {single:?} in 32");
    assert!(had, "the adapter has no 16-bit floats");
    assert!(half.max <= 8e-3 && half.mean <= 8e-5, "{half:?}");
    assert!(half.max > 2.0 * single.max, "they were not of 16 bits: {half:?} {single:?}");
}

#[test]
fn selfie_agrees_with_mediapipe() {
    let image = common::crop(&common::astronaut(), 96, 0, 256);
    let seen = on_gpu(move |engine| common::selfie(&mut engine.library, &image));
    let found = difference(&seen.matte, &golden("selfie_256.png"));
    println!("selfie_256.png: {found:?}, a person {}", seen.person);
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
    assert!(seen.person > 0.7, "{}", seen.person);
}

#[test]
fn another_photo_does_not_agree() {
    let found = run(Network::U2NetP, Pass::Matte, common::crop(&common::astronaut(), 66, 0, 320), "u2netp_320.png");
    assert!(found.max > MAX && found.mean > MEAN, "the comparison sees nothing: {found:?}");
}

/// Where an adapter's matrix hardware makes burn's kernels the faster ones, they are taken.
#[test]
fn burns_kernels_and_ours_give_the_same_matte() {
    let image = common::input(&common::crop(&common::astronaut(), 200, 40, 64), Network::U2NetP);
    let [ours, burns]: [Vec<f32>; 2] = on_gpu(move |engine| {
        let input = TensorData::new(image, [1, 3, 64, 64]);
        let input = Tensor::from_data(input, engine.library.device());
        let ours = engine.network(Network::U2NetP, Pass::Matte, input.clone()).unwrap();
        let burns = engine.library.get(Network::U2NetP).unwrap().forward(&Burn, input, Pass::Matte).unwrap();
        [read(engine, &ours), burns.into_data().try_to_vec().unwrap()]
    });
    let found = difference(&ours, &burns);
    println!("ours and burn's: {found:?}");
    assert!(found.max <= MAX && found.mean <= MEAN, "{found:?}");
    assert!(difference(&ours, &vec![ours[0]; ours.len()]).max > MAX, "there is nothing to compare");
}
