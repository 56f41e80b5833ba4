use cameo_core::pipeline::Engine;
use cameo_core::tuning::{MatteStats, Roi};
use cameo_core::view::Rotation;
use cameo_cpu::{CpuMatte, Plane};
use cameo_gpu::{GpuInput, GpuRepairedMatte, InputFormat};

use super::{SIZE, SmallOutputs, disc_photo, read_bands};
use crate::common::{Difference, difference, disc};
use crate::networks::upload;
use crate::on_gpu;

const FORMAT: InputFormat =
    InputFormat { size: SIZE as u32, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], mirrored: false };

/// Compares two mattes after refinement, in 0..255.
fn refine(gpu_matte: Vec<f32>, cpu_matte: Vec<f32>, outputs: SmallOutputs, plain_matte: bool) -> Difference {
    on_gpu(move |engine| {
        let photo = disc_photo(outputs.scene.width, outputs.scene.height);
        let cpu_prior = outputs.cpu_prior();
        let cpu_input = cameo_cpu::prepare(&photo, &cpu_prior.roi, SIZE, FORMAT.mean, FORMAT.std, false).unwrap();
        let frame = engine.upload(photo.clone()).unwrap();
        let gpu_prior = outputs.gpu_prior(engine);
        let context = &engine.context;
        let repaired = GpuRepairedMatte {
            matte: context.upload("matte", bytemuck::cast_slice(&gpu_matte)),
            stats: context.scratch("matte stats", size_of::<MatteStats>() as u64),
            input: GpuInput {
                map: upload(engine, &cpu_input.planes, [SIZE; 2]),
                format: FORMAT,
                rotation: Rotation::None,
            },
        };
        let found = cameo_gpu::refine(context, &frame.photo, &repaired, &gpu_prior, plain_matte);
        let matte = CpuMatte { alpha: Plane::square(SIZE, cpu_matte), resized: cpu_input.resized };
        let want = cameo_cpu::refine(&matte, &photo, &cpu_prior.roi, plain_matte).values;
        let tones = |values: Vec<f32>| -> Vec<f32> { values.into_iter().map(|value| value * 255.0).collect() };
        difference(&tones(read_bands(context, &found)), &tones(want))
    })
}

/// The order of sums differs, and they are divided by variances near epsilon. Measured: 0.021, and 1.6e-4 on average.
const MAX: f32 = 0.1;
const MEAN: f64 = 1e-3;

#[test]
fn refine_agrees() {
    let whole = SmallOutputs { probability: 0.1, ..SmallOutputs::person() };
    let narrow = SmallOutputs { scene: Roi::whole(100, 1300), ..whole.clone() };
    for (name, outputs) in [("roi", SmallOutputs::person()), ("whole", whole), ("narrow", narrow)] {
        for plain_matte in [true, false] {
            // The disc that the colours of the photo follow.
            let disc = Plane::square(SIZE, disc(SIZE as u32, SIZE as u32));
            let matte = disc.sample_roi(&outputs.cpu_prior().roi, &outputs.scene).values;
            let found = refine(matte.clone(), matte, outputs.clone(), plain_matte);
            println!("refine {name}, plain {plain_matte}: {found:?}");
            assert!(found.max <= MAX && found.mean < MEAN, "{name}: {found:?}");
        }
    }
}

#[test]
fn refining_another_matte_does_not_agree() {
    let matte = disc(SIZE as u32, SIZE as u32);
    let mut other = matte.clone();
    other.rotate_right(1);
    let found = refine(matte, other, SmallOutputs::person(), false);
    assert!(found.max > MAX && found.mean > MEAN, "nothing is compared: {found:?}");
}
