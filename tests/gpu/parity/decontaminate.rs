use cameo_core::codec::Image;
use cameo_core::pipeline::{CutoutOptions, Engine};
use cameo_cpu::{CpuFrame, Plane};

use super::{disc_photo, read_bands, upload_matte};
use crate::common::{Difference, difference, disc};
use crate::on_gpu;

/// Which alpha is decontaminated.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Alpha {
    Matte,
    Photo,
}

/// Compares the colours of two photos after decontamination, in 0..255, near the subject: farther away than alpha can
/// get, the CPU leaves the colours of the photo.
fn decontaminate(gpu_photo: Image, cpu_photo: Image, alpha: Alpha, options: CutoutOptions) -> Difference {
    on_gpu(move |engine| {
        let (width, height) = (gpu_photo.width, gpu_photo.height);
        let matte = disc(width, height);
        let mut frame = engine.upload(gpu_photo).unwrap();
        frame.matte = (alpha == Alpha::Matte).then(|| upload_matte(&engine.context, width, height, &matte));
        let frame = engine.decontaminate(frame, &options).unwrap();
        let found: Vec<[u8; 4]> = read_bands(&engine.context, &frame.photo);
        let plane = Plane { width, height, values: matte.clone() };
        let frame = CpuFrame { matte: (alpha == Alpha::Matte).then_some(plane), ..CpuFrame::new(cpu_photo) };
        let want = cameo_cpu::decontaminate(frame, &options).photo;
        let near = near_subject(&matte, width as usize, options.outward_reach(width, height) as usize);
        let pairs = found.iter().zip(want.pixels.as_chunks::<4>().0).zip(near).filter(|(_, near)| *near);
        let (found, want): (Vec<f32>, Vec<f32>) =
            pairs.flat_map(|((found, want), _)| found.map(f32::from).into_iter().zip(want.map(f32::from))).unzip();
        difference(&found, &want)
    })
}

/// Returns for each pixel whether alpha is above 0 within `radius`.
fn near_subject(alpha: &[f32], width: usize, radius: usize) -> Vec<bool> {
    let height = alpha.len() / width;
    let is_near = |i: usize| {
        let (x, y) = (i % width, i / width);
        let columns = x.saturating_sub(radius)..(x + radius + 1).min(width);
        let mut rows = y.saturating_sub(radius)..(y + radius + 1).min(height);
        rows.any(|y| alpha[y * width..][columns.clone()].iter().any(|alpha| *alpha > 0.0))
    };
    (0..alpha.len()).map(is_near).collect()
}

/// Each level rounds to 8 bits. A value halfway between two tones may be rounded either way, and the next level weighs
/// the result. Measured: 2.0, and 0.046 on average.
const MAX: f32 = 3.0;
const MEAN: f64 = 0.1;

#[test]
fn decontaminate_agrees() {
    for (width, height) in [(211, 163), (640, 33), (9, 300), (1, 1), (1, 40), (40, 1)] {
        for alpha in [Alpha::Photo, Alpha::Matte] {
            let photo = disc_photo(width, height);
            let found = decontaminate(photo.clone(), photo, alpha, CutoutOptions::default());
            println!("decontaminate {width}x{height}, alpha of the {alpha:?}: {found:?}");
            assert!(found.max <= MAX && found.mean < MEAN, "{width}x{height}: {found:?}");
        }
    }
    let outwards = CutoutOptions { feather: 4.0, ..Default::default() };
    let found = decontaminate(disc_photo(211, 163), disc_photo(211, 163), Alpha::Matte, outwards);
    println!("decontaminate outwards: {found:?}");
    assert!(found.max <= MAX && found.mean < MEAN, "{found:?}");
}

#[test]
fn decontaminating_another_photo_does_not_agree() {
    let mut other = disc_photo(211, 163);
    other.pixels.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[1] = pixel[1].saturating_add(40));
    let found = decontaminate(disc_photo(211, 163), other, Alpha::Matte, CutoutOptions::default());
    assert!(found.max > MAX && found.mean > MEAN, "nothing is compared: {found:?}");
}
