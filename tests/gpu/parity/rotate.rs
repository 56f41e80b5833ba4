//! `rotate`, which the locate and the matte stage share.

use cameo_core::view::Rotation;

use crate::networks::{read, upload};
use crate::on_gpu;

/// More than a workgroup, and not a multiple of one.
const SIDE: usize = 37;
const CHANNELS: usize = 3;

fn rotate_on_gpu(planes: Vec<f32>, rotation: Rotation) -> Vec<f32> {
    on_gpu(move |engine| {
        let map = upload(engine, &planes, [SIDE; 2]);
        read(engine, &cameo_gpu::rotate(&engine.context, &map, rotation))
    })
}

#[test]
fn rotate_agrees_to_the_last_bit() {
    let planes: Vec<f32> = (0..CHANNELS * SIDE * SIDE).map(|i| i as f32).collect();
    for rotation in [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters] {
        let want = cameo_cpu::rotate(planes.clone(), SIDE, rotation);
        assert_eq!(rotate_on_gpu(planes.clone(), rotation), want, "{rotation:?}");
        assert_ne!(rotate_on_gpu(planes.clone(), rotation.inverse()) == want, rotation.quarter_turns() % 2 == 1);
    }
}
