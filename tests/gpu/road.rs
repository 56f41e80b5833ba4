//! The whole road on the GPU: the CPU's picture, and two crossings of the bus.

use cameo::codec::{self, Limits};
use cameo::cpu::CpuEngine;
use cameo::pipeline::{self, Bounds, Job, Recipe};

use crate::common::{self, difference, visible};
use crate::on_gpu;

#[test]
fn the_gpu_gives_the_cpus_picture_with_one_upload_and_one_readback() {
    let bytes = std::fs::read(common::project().join("samples/astronaut.png")).unwrap();
    let recipe = common::quick(Job::Combo);
    let (found, traffic) = {
        let (bytes, recipe) = (bytes.clone(), recipe.clone());
        on_gpu(move |engine| {
            let before = engine.traffic();
            let outcome = pipeline::run(engine, &bytes, &recipe, &Bounds::default()).unwrap();
            (outcome.bytes, engine.traffic().since(before))
        })
    };
    assert_eq!((traffic.uploads, traffic.upload_bytes), (1, 512 * 512 * 4));
    // The picture, and the counts that tell how certain its matte is.
    assert_eq!((traffic.readbacks, traffic.readback_bytes), (1, 1024 * 1024 * 4 + 32));
    // Taps and parameters: far less than any picture.
    assert!(traffic.table_bytes < 200_000, "{traffic:?}");

    let mut engine = CpuEngine::new(&common::models());
    let want = pipeline::run(&mut engine, &bytes, &recipe, &Bounds::default()).unwrap().bytes;
    let seen = |bytes: &[u8]| visible(&codec::decode(bytes, &Limits::default()).unwrap());
    let agreement = difference(&seen(&found), &seen(&want));
    println!("road: {agreement:?}");
    // Where the network hesitates, a last bit of its input is worth a few of its output.
    assert!(agreement.max <= 4.0 && agreement.mean < 0.02, "{agreement:?}");

    let light = Recipe { level: pipeline::Level::Light, scale: Some(2.0), ..recipe };
    let other = pipeline::run(&mut engine, &bytes, &light, &Bounds::default()).unwrap().bytes;
    let control = difference(&seen(&other), &seen(&want));
    assert!(control.max > 4.0 && control.mean > 0.02, "the comparison sees nothing: {control:?}");
}
