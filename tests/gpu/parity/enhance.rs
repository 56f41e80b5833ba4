use cameo_core::codec::{Depth, Image, ImageHeader, Picture};
use cameo_core::pipeline::{CutoutOptions, Engine, Enhancement, Level, Operation, ProcessingLimits, Recipe};
use cameo_cpu::{CpuFrame, Plane};

use super::{read, read_bands, upload_matte};
use crate::common::{Difference, difference, disc, pattern, visible};
use crate::on_gpu;

/// Side lengths of the photo.
const WIDTH: u32 = 211;
const HEIGHT: u32 = 163;

/// Compares two enhancements of one photo as they are seen on black, in 0..255.
fn enhance(with_matte: bool, gpu: Enhancement, cpu: Enhancement) -> Difference {
    on_gpu(move |engine| {
        let photo = pattern(WIDTH, HEIGHT);
        let matte = with_matte.then(|| Plane { width: WIDTH, height: HEIGHT, values: disc(WIDTH, HEIGHT) });
        let mut frame = engine.upload(photo.clone()).unwrap();
        frame.matte = matte.as_ref().map(|matte| upload_matte(&engine.context, WIDTH, HEIGHT, &matte.values));
        let picture = engine.enhance(frame, &gpu).unwrap();
        let found = engine.readback(picture).unwrap().picture;
        compare(&found, &cameo_cpu::enhance(CpuFrame { matte, ..CpuFrame::new(photo) }, &cpu))
    })
}

fn compare(found: &Picture, want: &Picture) -> Difference {
    match (found, want) {
        (Picture::Eight(found), Picture::Eight(want)) => difference(&visible(found), &visible(want)),
        (Picture::Sixteen(found), Picture::Sixteen(want)) => difference(&visible(found), &visible(want)),
        _ => panic!("the depths differ"),
    }
}

fn resolve(recipe: &Recipe, width: u32, height: u32) -> Enhancement {
    recipe.resolve(ImageHeader { width, height }, &ProcessingLimits::default()).unwrap().enhancement
}

fn enhancement(level: Level, scale: Option<f64>) -> Enhancement {
    resolve(&Recipe { level, scale, ..Recipe::new(Operation::Combo) }, WIDTH, HEIGHT)
}

/// Both compute in f32 and round to 8 bits once. A value halfway between two tones may be rounded either way. Measured:
/// 1.0, and 7.1e-5 on average.
const MAX: f32 = 1.01;
const MEAN: f64 = 1e-3;

#[test]
fn enhance_agrees() {
    for &level in Level::ALL {
        for scale in [None, Some(1.0), Some(1.37), Some(4.0)] {
            for with_matte in [true, false] {
                let enhancement = enhancement(level, scale);
                let found = enhance(with_matte, enhancement, enhancement);
                println!("enhance {level} {scale:?}, matte {with_matte}: {found:?}");
                assert!(found.max <= MAX && found.mean < MEAN, "{level} {scale:?}: {found:?}");
            }
        }
    }
}

/// A step of 16 bits is 0.0039 of these tones. Measured: 0.0039, and 6.3e-6 on average.
const SIXTEEN_BIT_MAX: f32 = 0.02;
const SIXTEEN_BIT_MEAN: f64 = 2e-4;

#[test]
fn enhance_in_16_bits_agrees() {
    for scale in [Some(1.0), Some(1.37)] {
        for with_matte in [true, false] {
            let enhancement = Enhancement { depth: Depth::Sixteen, ..enhancement(Level::Medium, scale) };
            let found = enhance(with_matte, enhancement, enhancement);
            println!("enhance in 16 bits {scale:?}, matte {with_matte}: {found:?}");
            assert!(found.max <= SIXTEEN_BIT_MAX && found.mean < SIXTEEN_BIT_MEAN, "{scale:?}: {found:?}");
        }
    }
}

#[test]
fn a_cutout_without_enhancement_agrees() {
    let plain = Enhancement {
        width: WIDTH,
        height: HEIGHT,
        sharpening: None,
        denoises: false,
        ..enhancement(Level::Medium, None)
    };
    let found = enhance(true, plain, plain);
    println!("enhance not at all: {found:?}");
    assert!(found.max <= MAX && found.mean < MEAN, "{found:?}");
}

#[test]
fn enhance_at_another_level_does_not_agree() {
    let [light, strong] = [Level::Light, Level::Strong].map(|level| enhancement(level, Some(2.0)));
    let found = enhance(true, light, strong);
    assert!(found.max > MAX && found.mean > MEAN, "nothing is compared: {found:?}");
}

/// A cut-out with a soft edge, decontaminated, then denoised: the flat colours around the subject must not count as
/// clean.
#[test]
fn strong_enhancement_of_a_feathered_cutout_agrees() {
    let (width, height) = (240, 200);
    let values: Vec<f32> = (0..width * height)
        .map(|i| {
            let (x, y) = ((i % width) as f32 - 120.0, (i / width) as f32 - 100.0);
            ((40.0 - x.hypot(y)) / 4.0 + 0.5).clamp(0.0, 1.0)
        })
        .collect();
    let options = CutoutOptions { feather: 2.0, ..Default::default() };
    let recipe =
        Recipe { level: Level::Strong, scale: Some(1.0), cutout: options.clone(), ..Recipe::new(Operation::Combo) };
    let enhancement = resolve(&recipe, width, height);
    assert!(enhancement.noise_above > 0.0);
    let found = on_gpu(move |engine| {
        let mut frame = engine.upload(pattern(width, height)).unwrap();
        frame.matte = Some(upload_matte(&engine.context, width, height, &values));
        let frame = engine.decontaminate(frame, &options).unwrap();
        let frame = engine.edge(frame, &options).unwrap();
        let picture = engine.enhance(frame, &enhancement).unwrap();
        let found = engine.readback(picture).unwrap().picture;
        let matte = Some(Plane { width, height, values });
        let frame = CpuFrame { matte, ..CpuFrame::new(pattern(width, height)) };
        let frame = cameo_cpu::decontaminate(frame, &options);
        let frame = CpuFrame { matte: frame.matte.map(|matte| cameo_cpu::edge(matte, &options)), ..frame };
        assert!(cameo_cpu::estimate_noise(&frame, enhancement.noise_above) > 0.01, "nothing is denoised");
        compare(&found, &cameo_cpu::enhance(frame, &enhancement))
    });
    println!("enhance strongly, feathered: {found:?}");
    // Decontamination differs by up to 2. Measured after all stages: 0.97, and 4.5e-4 on average.
    assert!(found.max <= 2.01 && found.mean < 5e-3, "{found:?}");
}

#[test]
fn denoise_agrees() {
    let photo = pattern(WIDTH, HEIGHT);
    let (noise, found) = on_gpu({
        let photo = photo.clone();
        move |engine| {
            let frame = engine.upload(photo).unwrap();
            let (denoised, noise) = cameo_gpu::denoise(&engine.context, &frame, -1.0);
            let noise: f32 = read(&engine.context, &noise)[0];
            (noise, read_bands::<u8>(&engine.context, &denoised))
        }
    });
    let frame = CpuFrame::new(photo.clone());
    let want = cameo_cpu::estimate_noise(&frame, -1.0);
    assert!(want > 0.02 && (noise - want).abs() < 1e-4, "{noise} {want}");
    let tones = |bytes: &[u8]| -> Vec<f32> { bytes.iter().map(|&byte| byte.into()).collect() };
    let denoised: Image = cameo_cpu::denoise(&frame, want);
    let agreement = difference(&tones(&found), &tones(&denoised.pixels));
    println!("denoise: noise {want}, {agreement:?}");
    assert!(agreement.max <= MAX && agreement.mean < MEAN, "{agreement:?}");
    let control = difference(&tones(&photo.pixels), &tones(&denoised.pixels));
    assert!(control.max > MAX && control.mean > MEAN, "nothing is denoised: {control:?}");
}
