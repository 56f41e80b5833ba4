use cameo_core::pipeline::{CutoutOptions, Edge};
use cameo_cpu::Plane;

use super::{read_bands, upload_matte};
use crate::common::{Difference, difference, disc};
use crate::on_gpu;

/// Compares a matte after two sets of options, in 0..1.
fn edge(gpu_options: CutoutOptions, cpu_options: CutoutOptions) -> Difference {
    on_gpu(move |engine| {
        let (width, height) = (211, 163);
        let values = disc(width, height);
        let matte = upload_matte(&engine.context, width, height, &values);
        let found = cameo_gpu::edge(&engine.context, matte, &gpu_options);
        let want = cameo_cpu::edge(Plane { width, height, values }, &cpu_options).values;
        difference(&read_bands(&engine.context, &found), &want)
    })
}

/// Measured: 0.
const MAX: f32 = 1e-5;

#[test]
fn edge_agrees() {
    let default = CutoutOptions::default;
    for options in [
        CutoutOptions { threshold: Some(0.4), ..default() },
        CutoutOptions { choke: 3.5, ..default() },
        CutoutOptions { choke: -2.0, ..default() },
        CutoutOptions { feather: 5.0, ..default() },
        CutoutOptions { edge: Edge::Crisp, ..default() },
        CutoutOptions { edge: Edge::Soft, threshold: Some(0.5), choke: 1.0, ..default() },
    ] {
        let found = edge(options.clone(), options.clone());
        println!("edge {options:?}: {found:?}");
        assert!(found.max < MAX, "{options:?}: {found:?}");
    }
}

#[test]
fn another_choke_does_not_agree() {
    let [gpu, cpu] = [2.0, 2.5].map(|choke| CutoutOptions { choke, ..Default::default() });
    let found = edge(gpu, cpu);
    assert!(found.max > 1000.0 * MAX, "nothing is compared: {found:?}");
}
