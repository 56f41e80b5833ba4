//! The whole pipeline on the GPU: the picture of the CPU, and the photo crosses the bus once each way.

use cameo_core::codec::{self, Format, Image, InputLimits};
use cameo_core::pipeline::{self, Level, Operation, ProcessingLimits, Recipe};
use cameo_core::tuning::MatteStats;
use cameo_cpu::CpuEngine;
use cameo_gpu::GpuCounters;

use crate::common::{self, Difference, difference, visible};
use crate::on_gpu;

const STATS_BYTES: u64 = size_of::<MatteStats>() as u64;

/// Compares the pictures of the two engines for `photo`. Returns what the GPU copied, and the control: how far a result of
/// another level differs.
fn compare(photo: &Image) -> (GpuCounters, Difference) {
    let bytes = codec::encode(photo, Format::Png, None).unwrap();
    let recipe = common::u2netp_recipe(Operation::Combo);
    let (found, transferred) = {
        let (bytes, recipe) = (bytes.clone(), recipe.clone());
        on_gpu(move |engine| {
            let earlier = engine.context.counters.read();
            let result = pipeline::process(engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap();
            (result.bytes, engine.context.counters.read().since(earlier))
        })
    };
    let mut engine = CpuEngine::new(&common::models());
    let want = pipeline::process(&mut engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap().bytes;
    let decoded = |bytes: &[u8]| visible(&codec::decode(bytes, &InputLimits::default()).unwrap());
    let agreement = difference(&decoded(&found), &decoded(&want));
    println!("pipeline: {agreement:?}");
    // Where the network is uncertain, the last bit of its input changes several bits of its output. Measured: 4.0, and
    // 0.0077 on average.
    assert!(agreement.max <= 4.0 && agreement.mean < 0.02, "{agreement:?}");

    let light = Recipe { level: Level::Light, scale: Some(2.0), ..recipe };
    let other = pipeline::process(&mut engine, &bytes, &light, &ProcessingLimits::default()).unwrap().bytes;
    (transferred, difference(&decoded(&other), &decoded(&want)))
}

#[test]
fn the_gpu_gives_the_picture_of_the_cpu_and_reads_only_probabilities_between_photo_and_picture() {
    let (transferred, control) = compare(&common::astronaut());
    assert_eq!((transferred.uploads, transferred.upload_bytes), (1, 512 * 512 * 4));
    // The probability of a person, those after the other rotations, then the picture with the matte statistics.
    assert_eq!((transferred.readbacks, transferred.readback_bytes), (3, 4 * 4 + 1024 * 1024 * 4 + STATS_BYTES));
    // Taps and parameters: far less than any picture.
    assert!(transferred.table_bytes < 200_000, "{transferred:?}");
    assert!(control.max > 4.0 && control.mean > 0.02, "nothing is compared: {control:?}");
}

#[test]
fn the_gpu_finds_a_person_who_lies_on_the_side_between_bars_as_the_cpu_does() {
    let sideways = common::quarter_turned(&common::astronaut());
    let (transferred, _) = compare(&common::between_bars(&sideways, 300));
    let picture_bytes = 1024 * 2224 * 4;
    assert_eq!((transferred.readbacks, transferred.readback_bytes), (3, 4 * 4 + picture_bytes + STATS_BYTES));
}

#[test]
fn a_second_photo_of_the_same_size_allocates_nothing_and_hardly_waits() {
    let bytes = codec::encode(&common::doubled(&common::astronaut()), Format::Png, None).unwrap();
    let recipe = common::u2netp_recipe(Operation::Combo);
    let asked = on_gpu(move |engine| {
        // Poisoned buffers are not pooled.
        engine.context.poison = false;
        let limits = ProcessingLimits::default();
        let first = pipeline::process(engine, &bytes, &recipe, &limits);
        let earlier = engine.context.counters.read();
        let second = pipeline::process(engine, &bytes, &recipe, &limits);
        engine.context.poison = true;
        first.and(second).unwrap();
        engine.context.counters.read().since(earlier)
    });
    println!("{asked:?}");
    assert_eq!((asked.pool_misses, asked.staging_buffers, asked.table_bytes, asked.bind_groups), (0, 0, 0, 0));
    assert_eq!(asked.pictures, 0);
    // For the probability of a person, for those after other rotations, and for the picture.
    assert_eq!(asked.waits, 3);
    assert!(asked.submissions <= 12);
}
