//! The shaders: each file is compiled, valid WGSL, and agrees with the Rust mirror of its parameters.

use std::fs;

use cameo_device::{MAX_IMMEDIATE_BYTES, MAX_WORKGROUP_BYTES};
use cameo_gpu::kernels::{PARAMS_LAYOUTS, WORKGROUP_1D, WORKGROUP_2D, WORKGROUP_GEMM};
use cameo_shaders::{SHADERS, shader};
use naga::AddressSpace;
use naga::valid::Capabilities;

use crate::source::{files, project, relative};

#[test]
fn every_shader_file_is_compiled() {
    let names: Vec<String> = files("shaders/wgsl", "wgsl")
        .iter()
        .filter(|path| !path.parent().unwrap().ends_with("shared"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let compiled = sorted(SHADERS.iter().map(|shader| shader.name.to_string()).collect());
    assert_eq!(names, compiled);
    let kernels = sorted(PARAMS_LAYOUTS.iter().map(|layout| layout.shader.to_string()).collect());
    assert_eq!(names, kernels);
}

#[test]
fn every_shader_is_valid_and_agrees_with_its_mirror() {
    let mut with_f16_storage = 0;
    for layout in PARAMS_LAYOUTS {
        let name = layout.shader;
        let shader = shader(name);
        let module = validate(name, shader.wgsl, Capabilities::IMMEDIATES);
        if let Some(wgsl) = shader.with_f16_storage() {
            validate(name, &wgsl, Capabilities::IMMEDIATES | Capabilities::SHADER_FLOAT16);
            with_f16_storage += 1;
        }

        let shared = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
        let shared_bytes: u32 = shared.map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx())).sum();
        assert!(shared_bytes <= MAX_WORKGROUP_BYTES, "workgroups of {name} share {shared_bytes} bytes");

        let [entry] = &module.entry_points[..] else { panic!("{name} does not have one entry point") };
        assert_eq!(entry.name, "main", "{name}");
        let size = entry.workgroup_size;
        let known =
            size == [WORKGROUP_2D, WORKGROUP_2D, 1] || size == [WORKGROUP_1D, 1, 1] || size == [WORKGROUP_GEMM, 1, 1];
        assert!(known, "{name} has workgroups of {size:?}");

        let params = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("Params"));
        let (_, params) = params.unwrap_or_else(|| panic!("{name} has no Params"));
        let naga::TypeInner::Struct { members, span } = &params.inner else { panic!("{name}: Params is no struct") };
        let fields: Vec<(&str, usize)> =
            members.iter().map(|member| (member.name.as_deref().unwrap(), member.offset as usize)).collect();
        assert_eq!(fields, layout.fields, "{name}");
        assert_eq!(*span as usize, layout.size, "{name}");
        assert!(*span <= MAX_IMMEDIATE_BYTES, "{name} has parameters of {span} bytes");
    }
    assert_eq!(with_f16_storage, 4);
}

#[track_caller]
fn validate(name: &str, wgsl: &str, capabilities: Capabilities) -> naga::Module {
    let module =
        naga::front::wgsl::parse_str(wgsl).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(wgsl)));
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator.validate(&module).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    module
}

#[test]
fn an_invalid_shader_is_refused() {
    assert!(naga::front::wgsl::parse_str("fn main() { let x = y; }").is_err());
}

#[test]
fn no_shader_computes_a_sine() {
    for path in files("shaders/wgsl", "wgsl") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("sin("), "{}: WGSL's sine is inaccurate, use a table", relative(&path));
    }
}

#[test]
fn constants_in_wgsl_equal_those_in_rust() {
    let color = fs::read_to_string(project().join("shaders/wgsl/shared/color.wgsl")).unwrap();
    let [r, g, b] = cameo_core::tuning::LUMA;
    assert!(color.contains(&format!("const LUMA = vec3<f32>({r}, {g}, {b})")));
    let components = fs::read_to_string(project().join("shaders/wgsl/shared/components.wgsl")).unwrap();
    assert!(components.contains("const NONE: u32 = 0xffffffffu"), "u32::MAX on the CPU");
}
