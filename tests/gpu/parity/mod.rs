//! Each stage on the GPU against the same stage on the CPU: one file per stage.
//!
//! The figures beside the tolerances were measured on lavapipe (Mesa 22.3).

mod decontaminate;
mod edge;
mod enhance;
mod locate;
mod prepare;
mod refine;
mod repair;
mod rotate;

use cameo_core::codec::Image;
use cameo_core::tuning::{COARSE_SIDE, LOW_RES_SIDE, Roi};
use cameo_core::view::View;
use cameo_cpu::{CpuPrior, PersonCandidate, Plane};
use cameo_gpu::{GpuBuffer, GpuContext, GpuEngine, GpuPrior, RowBands};
use cameo_matting::PersonSegmentation;

use crate::common::{disc, pattern};
use crate::networks::upload;

/// Side of the mattes in these tests: not a multiple of [`LOW_RES_SIDE`].
const SIZE: usize = 320;

/// A scene of the size that [`SmallOutputs::person`] has, between bars.
const BETWEEN_BARS: Roi = Roi { left: 50, top: 330, width: 900, height: 700 };

/// Copies an f32 matte to the device.
fn upload_matte(context: &GpuContext, width: u32, height: u32, values: &[f32]) -> RowBands {
    RowBands::upload(context, "matte", width, height, bytemuck::cast_slice(values), u64::MAX)
}

fn read<T: bytemuck::Pod>(context: &GpuContext, buffer: &GpuBuffer) -> Vec<T> {
    context.read(&[buffer], bytemuck::pod_collect_to_vec).unwrap()
}

fn read_bands<T: bytemuck::Pod>(context: &GpuContext, bands: &RowBands) -> Vec<T> {
    bands.buffers().flat_map(|buffer| read(context, buffer)).collect()
}

/// Returns a blob with lobes in 0..1, soft over a few pixels. Its centre and `radius` are fractions of the side.
fn blob(side: usize, [x, y]: [f32; 2], radius: f32) -> Vec<f32> {
    let at = |i: usize| {
        let (dx, dy) = ((i % side) as f32 / side as f32 - x, (i / side) as f32 / side as f32 - y);
        let lobes = 1.0 + 0.25 * (5.0 * dy.atan2(dx)).cos();
        ((radius * lobes - dx.hypot(dy)) * 60.0 + 0.5).clamp(0.0, 1.0)
    };
    (0..side * side).map(at).collect()
}

/// The outputs of the two small networks for a photo of `width` by `height`.
#[derive(Clone)]
struct SmallOutputs {
    confidence: Vec<f32>,
    probability: f32,
    /// Of the mirrored photo, not stretched.
    coarse_matte: Vec<f32>,
    /// The part of the photo that they saw.
    scene: Roi,
}

impl SmallOutputs {
    /// A person who holds something that only the coarse matte shows, and a speck far away.
    fn person() -> Self {
        let mut confidence = blob(LOW_RES_SIDE, [0.4, 0.55], 0.12);
        confidence[10 * LOW_RES_SIDE + 240] = 1.0;
        let person = blob(COARSE_SIDE, [0.4, 0.55], 0.12);
        let object = blob(COARSE_SIDE, [0.55, 0.6], 0.04);
        let mut coarse_matte: Vec<f32> = person.iter().zip(object).map(|(a, b)| 0.1 + 0.8 * a.max(b)).collect();
        mirror(&mut coarse_matte);
        Self { confidence, probability: 0.9, coarse_matte, scene: Roi::whole(900, 700) }
    }

    fn cpu_prior(&self) -> CpuPrior {
        let mut coarse_matte = self.coarse_matte.clone();
        mirror(&mut coarse_matte);
        cameo_cpu::stretch(&mut coarse_matte);
        let confidence = Plane::square(LOW_RES_SIDE, self.confidence.clone());
        let candidate = PersonCandidate { confidence, probability: self.probability };
        let coarse_matte = Plane::square(COARSE_SIDE, coarse_matte);
        cameo_cpu::locate(View::upright(self.scene), SIZE as u32, &coarse_matte, Some(candidate))
    }

    fn gpu_prior(&self, engine: &GpuEngine) -> GpuPrior {
        let context = &engine.context;
        let confidence = upload(engine, &self.confidence, [LOW_RES_SIDE; 2]);
        let person = PersonSegmentation { confidence, probability: upload(engine, &[self.probability], [1; 2]) };
        let coarse_matte = upload(engine, &self.coarse_matte, [COARSE_SIDE; 2]);
        cameo_gpu::locate(context, View::upright(self.scene), SIZE as u32, &coarse_matte, Some(&person))
    }
}

fn mirror(coarse_matte: &mut [f32]) {
    coarse_matte.chunks_exact_mut(COARSE_SIDE).for_each(<[_]>::reverse);
}

/// Returns a noisy photo whose colours follow a soft disc, with an alpha of its own.
fn disc_photo(width: u32, height: u32) -> Image {
    let mut photo = pattern(width, height);
    let alpha = disc(width, height);
    for (i, pixel) in photo.pixels.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let foreground = [220.0, 170.0, 60.0];
        for c in 0..3 {
            pixel[c] = (alpha[i] * foreground[c] + (1.0 - alpha[i]) * pixel[c] as f32 * 0.5) as u8;
        }
        pixel[3] = if i % 7 == 0 { 128 } else { 255 };
    }
    photo
}
