//! One stage, one name: in the shaders, on the GPU, on the CPU, in the parity tests and in the benches.

use std::collections::BTreeSet;
use std::fs;

use cameo_shaders::SHADERS;

use crate::source::project;

/// Where a group of shaders with one prefix is used and tested, below `crates/cameo-gpu/src`, below
/// `crates/cameo-cpu/src` (or another crate for what is not a stage), and below `tests/gpu`.
struct Group {
    prefix: &'static str,
    gpu: &'static str,
    cpu: &'static str,
    parity: &'static str,
}

const fn stage(prefix: &'static str, gpu: &'static str, cpu: &'static str, parity: &'static str) -> Group {
    Group { prefix, gpu, cpu, parity }
}

/// The stages of the pipeline that have shaders.
const STAGES: [Group; 7] = [
    stage("locate", "locate.rs", "cameo-cpu/src/locate.rs", "parity/locate.rs"),
    stage("prepare", "prepare.rs", "cameo-cpu/src/prepare.rs", "parity/prepare.rs"),
    stage("repair", "repair/mod.rs", "cameo-cpu/src/repair/mod.rs", "parity/repair.rs"),
    stage("refine", "refine.rs", "cameo-cpu/src/refine.rs", "parity/refine.rs"),
    stage("decontaminate", "decontaminate.rs", "cameo-cpu/src/decontaminate.rs", "parity/decontaminate.rs"),
    stage("edge", "edge.rs", "cameo-cpu/src/edge.rs", "parity/edge.rs"),
    stage("enhance", "enhance/mod.rs", "cameo-cpu/src/enhance/mod.rs", "parity/enhance.rs"),
];

/// Steps that are part of a stage or shared by several.
const STEPS: [Group; 6] = [
    stage("denoise", "enhance/denoise.rs", "cameo-cpu/src/enhance/denoise.rs", "parity/enhance.rs"),
    stage("rotate", "rotate.rs", "cameo-cpu/src/rotate.rs", "parity/rotate.rs"),
    stage("stretch", "stretch.rs", "cameo-cpu/src/stretch.rs", "parity/repair.rs"),
    stage("components", "components.rs", "cameo-cpu/src/components.rs", "parity/repair.rs"),
    stage("blur", "blur.rs", "cameo-cpu/src/plane.rs", "parity/repair.rs"),
    stage("roi", "roi_taps.rs", "cameo-core/src/taps.rs", "parity/prepare.rs"),
];

/// The layers of the networks.
const LAYERS: [Group; 8] = [
    stage("winograd", "network/mod.rs", "cameo-kernels/src/conv/mod.rs", "layers.rs"),
    stage("conv", "network/mod.rs", "cameo-kernels/src/conv/mod.rs", "layers.rs"),
    stage("max", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
    stage("resize", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
    stage("sigmoid", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
    stage("channel", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
    stage("add", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
    stage("pixel", "network/layers.rs", "cameo-kernels/src/layers/mod.rs", "layers.rs"),
];

fn prefix(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

/// The name of the struct with the parameters of shader `name`: `WinogradInput` for `winograd_input`.
fn parameters(name: &str) -> String {
    let capitalised = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    name.split('_').map(capitalised).collect()
}

/// The Rust source at `path` below `crates` or `tests/gpu`, with its child modules if it is a `mod.rs`.
fn source(path: &str) -> String {
    let path = project().join(path);
    let read =
        |path: &std::path::Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if !path.ends_with("mod.rs") {
        return read(&path);
    }
    let folder = fs::read_dir(path.parent().unwrap()).unwrap();
    folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).map(|path| read(&path)).collect()
}

#[test]
fn every_shader_belongs_to_a_group() {
    let groups: BTreeSet<&str> = STAGES.iter().chain(&STEPS).chain(&LAYERS).map(|group| group.prefix).collect();
    let shaders: BTreeSet<&str> = SHADERS.iter().map(|shader| prefix(shader.name)).collect();
    assert_eq!(shaders, groups);
}

#[test]
fn every_shader_is_dispatched_in_the_file_of_its_group() {
    for group in STAGES.iter().chain(&STEPS).chain(&LAYERS) {
        let gpu = source(&format!("crates/cameo-gpu/src/{}", group.gpu));
        for shader in SHADERS.iter().filter(|shader| prefix(shader.name) == group.prefix) {
            // A shader in two precisions is a field of a struct, so its file names its parameters instead.
            let dispatched = gpu.contains(shader.name) || gpu.contains(&parameters(shader.name));
            assert!(dispatched, "{} does not name {}", group.gpu, shader.name);
        }
    }
}

#[test]
fn every_group_has_a_cpu_half_and_a_parity_test() {
    for group in STAGES.iter().chain(&STEPS).chain(&LAYERS) {
        let cpu = source(&format!("crates/{}", group.cpu));
        assert!(cpu.contains("pub fn") || cpu.contains("pub mod"), "{} exports nothing", group.cpu);
        let parity = source(&format!("tests/gpu/{}", group.parity));
        assert!(parity.contains("#[test]"), "{} has no test", group.parity);
        assert!(parity.contains(group.prefix), "{} does not test {}", group.parity, group.prefix);
    }
}

#[test]
fn every_stage_has_a_bench() {
    let benches = fs::read_to_string(project().join("benches/stages.rs")).unwrap();
    for group in &STAGES {
        assert!(benches.contains(&format!("            fn {}(bencher", group.prefix)), "{} has no bench", group.prefix);
    }
}
