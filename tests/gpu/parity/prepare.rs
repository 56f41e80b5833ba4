use cameo_core::codec::Image;
use cameo_core::pipeline::Engine;
use cameo_core::tuning::Roi;
use cameo_gpu::InputFormat;
use cameo_models::Network;

use crate::common::{Difference, difference, pattern};
use crate::networks::read;
use crate::on_gpu;

const NETWORK: Network = Network::U2NetP;

/// Compares `roi` of two photos as the network gets it, in 0..255.
fn prepare(gpu_photo: Image, cpu_photo: Image, roi: Roi, mirrored: bool) -> Difference {
    on_gpu(move |engine| {
        let entry = engine.library.entry(NETWORK).unwrap();
        let frame = engine.upload(gpu_photo).unwrap();
        let Roi { left, top, width, height } = roi;
        let roi_buffer = engine.context.table("roi", &[left, top, width, height, 0, 0, 0, 0]);
        let format = InputFormat { size: entry.size as u32, mean: entry.mean, std: entry.std, mirrored };
        let input = cameo_gpu::prepare(&engine.context, &frame.photo, &roi_buffer, format);
        let found = read(engine, &input.map);
        let want = cameo_cpu::prepare(&cpu_photo, &roi, entry.size, entry.mean, entry.std, mirrored).unwrap().planes;
        let pixels = entry.size * entry.size;
        let tones = |values: &[f32]| -> Vec<f32> {
            let tone = |(i, value): (usize, &f32)| (value * entry.std[i / pixels] + entry.mean[i / pixels]) * 255.0;
            values.iter().enumerate().map(tone).collect()
        };
        difference(&tones(&found), &tones(&want))
    })
}

/// Both round to 8 bits after each pass. A sum halfway between two tones may be rounded either way. Measured: 1.0, and
/// 0.006 on average.
const MAX: f32 = 1.01;

/// Where the ROI is enlarged, the second pass can make two tones of one tone of the first. Measured: 2.0.
const ENLARGED_MAX: f32 = 2.01;

const MEAN: f64 = 0.02;

#[test]
fn prepare_agrees() {
    for (width, height) in [(701, 463), (320, 320), (97, 1200), (2000, 31)] {
        let part = Roi { left: width / 3, top: height / 5, width: width / 2, height: height / 3 };
        let whole = Roi::whole(width, height);
        for (roi, mirrored, max) in [(whole, false, MAX), (whole, true, MAX), (part, false, ENLARGED_MAX)] {
            let found = prepare(pattern(width, height), pattern(width, height), roi, mirrored);
            println!("prepare {width}x{height} {roi:?}: {found:?}");
            assert!(found.max <= max && found.mean < MEAN, "{width}x{height} {roi:?}: {found:?}");
        }
    }
}

#[test]
fn preparing_another_photo_does_not_agree() {
    let mut other = pattern(701, 463);
    other.pixels[..4 * 701 * 8].fill(0);
    let found = prepare(pattern(701, 463), other, Roi::whole(701, 463), false);
    assert!(found.max > MAX && found.mean > MEAN, "nothing is compared: {found:?}");
}
