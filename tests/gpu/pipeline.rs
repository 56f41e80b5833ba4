//! The whole pipeline on the GPU: the picture of the CPU, and the photo crosses the bus once each way.

use cameo_core::codec::{self, InputLimits};
use cameo_core::pipeline::{self, Level, Operation, ProcessingLimits, Recipe};
use cameo_cpu::CpuEngine;

use crate::common::{self, difference, visible};
use crate::on_gpu;

#[test]
fn the_gpu_gives_the_picture_of_the_cpu_and_copies_only_one_number_between_photo_and_picture() {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let recipe = common::u2netp_recipe(Operation::Combo);
    let (found, transferred) = {
        let (bytes, recipe) = (bytes.clone(), recipe.clone());
        on_gpu(move |engine| {
            let earlier = engine.context.counters.read();
            let result = pipeline::process(engine, &bytes, &recipe, &ProcessingLimits::default()).unwrap();
            (result.bytes, engine.context.counters.read().since(earlier))
        })
    };
    assert_eq!((transferred.uploads, transferred.upload_bytes), (1, 512 * 512 * 4));
    // The probability of a person, then the picture with the matte statistics.
    assert_eq!((transferred.readbacks, transferred.readback_bytes), (2, 4 + 1024 * 1024 * 4 + 32));
    // Taps and parameters: far less than any picture.
    assert!(transferred.table_bytes < 200_000, "{transferred:?}");

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
    let control = difference(&decoded(&other), &decoded(&want));
    assert!(control.max > 4.0 && control.mean > 0.02, "nothing is compared: {control:?}");
}
