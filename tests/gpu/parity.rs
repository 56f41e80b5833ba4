//! Each stage on the GPU against its twin on the CPU.

use cameo::codec::{Depth, Image, Picture};
use cameo::cpu::{self, Plane};
use cameo::gpu;
use cameo::gpu::pool::Buffer;
use cameo::gpu::prepare::View;
use cameo::pipeline::{CutoutOptions, Engine, Enhancement, Job, Level, Recipe};
use cameo::rules::Window;
use cameo_models::Network;

use crate::common::{Difference, difference, disc, pattern, visible};
use crate::on_gpu;

const NETWORK: Network = Network::U2NetP;

/// The photo's part in `window` at the network's size on the GPU and on the CPU, in 0..255.
fn prepared(gpu_photo: Image, cpu_photo: Image, window: Window, mirrored: bool) -> Difference {
    on_gpu(move |engine| {
        let entry = engine.library.entry(NETWORK).unwrap();
        let frame = engine.upload(gpu_photo).unwrap();
        let Window { left, top, width, height } = window;
        let scene = engine.gpu.bus.table("scene", &[left, top, width, height, 0, 0, 0, 0]);
        let view = View { size: entry.size as u32, mean: entry.mean, deviation: entry.std, mirrored };
        let device = engine.library.device().clone();
        let found = gpu::prepare::prepare(&engine.gpu, &frame.photo, &scene, view, &device).unwrap();
        let found = found.into_data().try_to_vec::<f32>().unwrap();
        let want = cpu::prepare(&cpu_photo, &window, entry.size, [entry.mean, entry.std], mirrored).unwrap().planes;
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

/// Where a window is enlarged, the second pass can make two of the first one's one.
const ENLARGED_MAX: f32 = 2.01;

#[test]
fn prepare_agrees() {
    for (width, height) in [(701, 463), (320, 320), (97, 1200), (2000, 31)] {
        let part = Window { left: width / 3, top: height / 5, width: width / 2, height: height / 3 };
        for (window, mirrored) in
            [(Window::whole(width, height), false), (Window::whole(width, height), true), (part, false)]
        {
            let found = prepared(pattern(width, height), pattern(width, height), window, mirrored);
            println!("prepare {width}x{height} {window:?}: {found:?}");
            let most = if window == part { ENLARGED_MAX } else { PREPARE_MAX };
            assert!(found.max <= most && found.mean < 0.02, "{width}x{height} {window:?}: {found:?}");
        }
    }
}

#[test]
fn prepare_of_another_photo_does_not_agree() {
    let mut other = pattern(701, 463);
    other.pixels[..4 * 701 * 8].fill(0);
    let found = prepared(pattern(701, 463), other, Window::whole(701, 463), false);
    assert!(found.max > PREPARE_MAX, "the comparison sees nothing: {found:?}");
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
        let found = engine.readback(picture).unwrap().picture;
        let want = cpu::enhance(cpu::Frame { photo, matte, census: None }, &cpu);
        match (found, want) {
            (Picture::Eight(found), Picture::Eight(want)) => difference(&visible(&found), &visible(&want)),
            (Picture::Sixteen(found), Picture::Sixteen(want)) => difference(&visible(&found), &visible(&want)),
            _ => panic!("another depth"),
        }
    })
}

/// The CPU resamples in 16 bits, the GPU in f32: rounding to 8 bits may then differ by one, in colour and in the alpha
/// that it is seen through.
const ENHANCE_MAX: f32 = 1.5;

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

/// In 16 bits there is little rounding left to differ by: what the CPU's resampling rounds to 16 bits between its
/// passes, and what the mask makes of that.
const DEEP_MAX: f32 = 0.5;

#[test]
fn enhance_in_sixteen_bits_agrees() {
    for scale in [Some(1.0), Some(1.37)] {
        for with_matte in [true, false] {
            let deep = Enhancement { depth: Depth::Sixteen, ..enhancement(211, 163, Level::Medium, scale) };
            let found = enhanced(pattern(211, 163), with_matte, deep, deep);
            println!("enhance in 16 bits {scale:?} matte {with_matte}: {found:?}");
            assert!(found.max <= DEEP_MAX && found.mean < 0.005, "{scale:?}: {found:?}");
        }
    }
}

/// A cut-out with a soft edge, decontaminated, then denoised: what lies clear around the subject must not decide.
#[test]
fn strong_enhancement_of_a_feathered_cutout_agrees() {
    let (width, height) = (240, 200);
    let small: Vec<f32> = (0..width * height)
        .map(|i| {
            let (x, y) = ((i % width) as f32 - 120.0, (i / width) as f32 - 100.0);
            ((40.0 - x.hypot(y)) / 4.0 + 0.5).clamp(0.0, 1.0)
        })
        .collect();
    let options = CutoutOptions { feather: 2.0, ..Default::default() };
    let recipe = Recipe { level: Level::Strong, scale: Some(1.0), cutout: options.clone(), ..Recipe::new(Job::Combo) };
    let sharp = recipe.enhancement(width, height, u64::MAX).unwrap();
    assert!(sharp.noise_above > 0.0);
    let found = on_gpu(move |engine| {
        let mut frame = engine.upload(pattern(width, height)).unwrap();
        let bytes = bytemuck::cast_slice(&small);
        frame.matte = Some(gpu::strips::Strips::upload(&engine.gpu.bus, width, height, bytes, u64::MAX));
        let frame = engine.decontaminate(frame, &options).unwrap();
        let frame = engine.edge(frame, &options).unwrap();
        let picture = engine.enhance(frame, &sharp).unwrap();
        let found = engine.readback(picture).unwrap().picture;
        let matte = Some(Plane { width, height, values: small });
        let frame = cpu::decontaminate(cpu::Frame { photo: pattern(width, height), matte, census: None }, &options);
        let frame = cpu::Frame { matte: frame.matte.map(|matte| cpu::edge(matte, &options)), ..frame };
        assert!(cpu::denoise::noise_of(&frame, sharp.noise_above) > 0.01, "nothing is denoised");
        let want = cpu::enhance(frame, &sharp);
        let (Picture::Eight(found), Picture::Eight(want)) = (found, want) else { panic!("16 bits") };
        difference(&visible(&found), &visible(&want))
    });
    println!("strong, feathered: {found:?}");
    assert!(found.max <= 3.0 && found.mean < 0.05, "{found:?}");
}

/// The noise that the GPU finds, and its photo after denoising beside the CPU's, in 0..255.
#[test]
fn denoise_agrees() {
    let photo = pattern(211, 163);
    let (level, found) = on_gpu({
        let photo = photo.clone();
        move |engine| {
            let frame = engine.upload(photo).unwrap();
            let (denoised, level) = gpu::denoise::denoise(&engine.gpu, &frame, -1.0).unwrap();
            let read = |buffer: &Buffer| {
                let mut bytes = Vec::new();
                engine.gpu.bus.read(&[buffer], &mut bytes).unwrap();
                bytes
            };
            (bytemuck::pod_read_unaligned::<f32>(&read(&level)), denoised.buffers().flat_map(read).collect::<Vec<u8>>())
        }
    });
    let frame = cpu::Frame { photo: photo.clone(), matte: None, census: None };
    let want = cpu::denoise::noise_of(&frame, -1.0);
    assert!(want > 0.02 && (level - want).abs() < 1e-4, "{level} {want}");
    let tones = |bytes: &[u8]| -> Vec<f32> { bytes.iter().map(|&byte| byte as f32).collect() };
    let denoised = tones(&cpu::denoise::denoise(&frame, want).pixels);
    let agreement = difference(&tones(&found), &denoised);
    println!("denoise: noise {want}, {agreement:?}");
    assert!(agreement.max <= 1.0 && agreement.mean < 0.02, "{agreement:?}");
    let control = difference(&tones(&photo.pixels), &denoised);
    assert!(control.max > 1.0 && control.mean > 0.02, "nothing is denoised: {control:?}");
}

#[test]
fn a_cutout_without_enhancement_agrees() {
    let plain = Enhancement {
        width: 211,
        height: 163,
        sharpening: None,
        denoises: false,
        noise_above: -1.0,
        depth: Depth::Eight,
    };
    let found = enhanced(pattern(211, 163), true, plain, plain);
    assert!(found.max <= 1.0 && found.mean < 0.01, "{found:?}");
}

#[test]
fn enhance_at_another_level_does_not_agree() {
    let [light, strong] = [Level::Light, Level::Strong].map(|level| enhancement(211, 163, level, Some(2.0)));
    let found = enhanced(pattern(211, 163), true, light, strong);
    assert!(found.max > ENHANCE_MAX && found.mean > 0.05, "the comparison sees nothing: {found:?}");
}
