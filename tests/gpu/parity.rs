//! Each stage on the GPU against its twin on the CPU.

use burn::tensor::{Tensor, TensorData};
use cameo::codec::Image;
use cameo::cpu::{self, Plane};
use cameo::gpu::{self, GpuEngine};
use cameo::pipeline::{Engine, Enhancement, Job, Level, Recipe};
use cameo_models::Network;

use crate::common::{Difference, difference, disc, pattern, visible};
use crate::on_gpu;

const NETWORK: Network = Network::U2NetP;

/// The photo at the network's size on the GPU and on the CPU, in 0..255.
fn prepared(gpu_photo: Image, cpu_photo: Image) -> Difference {
    on_gpu(move |engine| {
        let entry = engine.library.entry(NETWORK).unwrap();
        let frame = engine.upload(gpu_photo).unwrap();
        let found = engine.prepare(&frame, NETWORK).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let want = cpu::prepare(&cpu_photo, entry.size, entry.mean, entry.std).unwrap();
        let plane = entry.size * entry.size;
        let pixels = |values: &[f32]| -> Vec<f32> {
            let undo = |(i, value): (usize, &f32)| (value * entry.std[i / plane] + entry.mean[i / plane]) * 255.0;
            values.iter().enumerate().map(undo).collect()
        };
        difference(&pixels(&found), &pixels(&want))
    })
}

/// Both round to 8 bits after each pass; where a sum lies between two values, either may be taken.
const PREPARE_MAX: f32 = 1.01;

#[test]
fn prepare_agrees() {
    for (width, height) in [(701, 463), (320, 320), (97, 1200), (2000, 31)] {
        let found = prepared(pattern(width, height), pattern(width, height));
        println!("prepare {width}x{height}: {found:?}");
        assert!(found.max <= PREPARE_MAX && found.mean < 0.02, "{width}x{height}: {found:?}");
    }
}

#[test]
fn prepare_of_another_photo_does_not_agree() {
    let mut other = pattern(701, 463);
    other.pixels[..4 * 701 * 8].fill(0);
    let found = prepared(pattern(701, 463), other);
    assert!(found.max > PREPARE_MAX, "the comparison sees nothing: {found:?}");
}

/// The refined matte on the GPU and on the CPU, in 0..255.
fn refined(photo: Image, gpu_matte: Vec<f32>, cpu_matte: Vec<f32>, size: u32) -> Difference {
    on_gpu(move |engine| {
        let side = size as usize;
        let tensor = Tensor::<4>::from_data(TensorData::new(gpu_matte, [1, 1, side, side]), engine.library.device());
        let frame = engine.upload(photo.clone()).unwrap();
        let frame = engine.refine(frame, tensor).unwrap();
        let found = floats(engine, &frame.matte.unwrap());
        let want = cpu::refine(Plane { width: size, height: size, values: cpu_matte }, &photo).unwrap().values;
        let scale = |values: Vec<f32>| -> Vec<f32> { values.into_iter().map(|value| value * 255.0).collect() };
        difference(&scale(found), &scale(want))
    })
}

fn floats(engine: &GpuEngine, plane: &gpu::strips::Strips) -> Vec<f32> {
    let mut bytes = Vec::new();
    for strip in plane.buffers() {
        engine.gpu.bus.read(strip, &mut bytes).unwrap();
    }
    bytemuck::pod_collect_to_vec(&bytes)
}

/// Both compute in f32; only the order of sums differs.
const REFINE_MAX: f32 = 0.01;

/// A matte as a network gives it: not quite from 0 to 1.
fn raw_matte(size: u32) -> Vec<f32> {
    disc(size, size).into_iter().map(|value| 0.02 + 0.9 * value).collect()
}

#[test]
fn refine_agrees() {
    for (width, height) in [(701, 463), (100, 1300), (64, 64)] {
        let mut photo = pattern(width, height);
        // The photo's own alpha takes part.
        photo.pixels.iter_mut().skip(3).step_by(4).enumerate().for_each(|(i, alpha)| *alpha = (i % 256) as u8);
        let found = refined(photo, raw_matte(128), raw_matte(128), 128);
        println!("refine {width}x{height}: {found:?}");
        assert!(found.max <= REFINE_MAX, "{width}x{height}: {found:?}");
    }
}

#[test]
fn refine_of_an_empty_matte_is_empty() {
    let found = refined(pattern(50, 40), vec![0.3; 64 * 64], vec![0.3; 64 * 64], 64);
    assert_eq!(found.max, 0.0);
}

#[test]
fn refine_of_another_matte_does_not_agree() {
    let mut other = raw_matte(128);
    other.rotate_right(1);
    let found = refined(pattern(701, 463), raw_matte(128), other, 128);
    assert!(found.max > REFINE_MAX, "the comparison sees nothing: {found:?}");
}

/// The enhanced picture on the GPU and on the CPU, as it is seen.
fn enhanced(photo: Image, with_matte: bool, gpu: Enhancement, cpu: Enhancement) -> Difference {
    on_gpu(move |engine| {
        let (width, height) = (photo.width, photo.height);
        let mut frame = engine.upload(photo.clone()).unwrap();
        let mut matte = None;
        if with_matte {
            let values = disc(width, height);
            frame.matte = Some(gpu::strips::Strips::upload(
                &engine.gpu.bus,
                width,
                height,
                bytemuck::cast_slice(&values),
                u64::MAX,
            ));
            matte = Some(Plane { width, height, values });
        }
        let picture = engine.enhance(frame, &gpu).unwrap();
        let found = engine.readback(picture).unwrap();
        let want = cpu::enhance(&cpu::Frame { photo, matte }, &cpu).unwrap();
        assert_eq!((found.width, found.height), (want.width, want.height));
        difference(&visible(&found), &visible(&want))
    })
}

/// The CPU resamples in 16 bits, the GPU in f32: rounding to 8 bits may then differ by one.
const ENHANCE_MAX: f32 = 1.01;

fn enhancement(width: u32, height: u32, level: Level, scale: Option<f64>) -> Enhancement {
    Recipe { level, scale, ..Recipe::new(Job::Combo) }.enhancement(width, height, u64::MAX).unwrap()
}

#[test]
fn enhance_agrees() {
    for level in Level::ALL {
        for scale in [None, Some(1.0), Some(1.37), Some(4.0)] {
            for with_matte in [true, false] {
                let enhancement = enhancement(211, 163, level, scale);
                let found = enhanced(pattern(211, 163), with_matte, enhancement, enhancement);
                println!("enhance {level} {scale:?} matte {with_matte}: {found:?}");
                assert!(found.max <= ENHANCE_MAX && found.mean < 0.05, "{level} {scale:?}: {found:?}");
            }
        }
    }
}

#[test]
fn a_cutout_without_enhancement_agrees() {
    let plain = Enhancement { width: 211, height: 163, sharpening: None };
    let found = enhanced(pattern(211, 163), true, plain, plain);
    assert!(found.max <= 1.0 && found.mean < 0.01, "{found:?}");
}

#[test]
fn enhance_at_another_level_does_not_agree() {
    let [light, strong] = [Level::Light, Level::Strong].map(|level| enhancement(211, 163, level, Some(2.0)));
    let found = enhanced(pattern(211, 163), true, light, strong);
    assert!(found.max > ENHANCE_MAX && found.mean > 0.05, "the comparison sees nothing: {found:?}");
}
