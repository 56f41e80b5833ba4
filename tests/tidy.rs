//! What the compiler does not check: who imports whom, where a copy may stand, and whether the shaders are valid and
//! agree with their mirrors. Needs no GPU.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cameo::gpu::kernels::{BLOCK, LINE, SOURCES, TILE};
use naga::valid::Capabilities;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with the ending `ending`.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut open = vec![project().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{ending} files in {folder}");
    found
}

/// The source without its comments and its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The room a file is in: its folder below `src` or `src/core`, or its name.
fn room(path: &Path) -> String {
    let below = path.strip_prefix(project().join("src")).unwrap();
    let below = below.strip_prefix("core").unwrap_or(below);
    below.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_string()
}

/// Each room, and the rooms of ours that it may name.
fn may_import() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("error", &[][..]),
        ("taps", &[]),
        // Tables of numbers.
        ("rules", &["taps"]),
        // A macro.
        ("names", &[]),
        ("codec", &["error", "names"]),
        ("config", &["codec", "pipeline"]),
        ("pipeline", &["codec", "error", "names", "rules"]),
        ("cpu", &["codec", "error", "pipeline", "rules", "taps"]),
        ("gpu", &["codec", "error", "pipeline", "rules", "taps"]),
        // A crate of its own: numbers in, numbers out.
        ("conv", &[]),
        ("matting", &[]),
        ("shrink", &[]),
        ("accounts", &["error"]),
        // A crate of its own: what it knows of ours is in its Cargo.toml.
        ("tasks", &[]),
        ("worker", &["codec", "error", "pipeline"]),
        ("bench", &["codec", "cpu", "error", "pipeline"]),
        ("http", &["accounts", "codec", "config", "error", "pipeline"]),
        ("cli", &["accounts", "bench", "codec", "config", "cpu", "error", "gpu", "http", "pipeline", "worker"]),
        ("lib", &[]),
        ("main", &[]),
    ])
}

#[test]
fn rooms_import_only_what_they_may() {
    let rules = may_import();
    let mut seen = 0;
    for path in files("src", "rs") {
        let room = room(&path);
        let allowed = rules.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no rule: add one"));
        for part in code(&path).split("crate::").skip(1) {
            let named: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // Inside matting, its own types.
            if named == room || !rules.contains_key(named.as_str()) {
                continue;
            }
            seen += 1;
            assert!(allowed.contains(&named.as_str()), "{} imports {named}", path.display());
        }
    }
    assert!(seen > 20, "the test reads no imports");
}

/// Where each outside name may stand: the first rooms that are listed, and nowhere else.
const OWNED: [(&str, &[&str]); 18] = [
    ("wgpu::", &["gpu"]),
    ("cubecl", &["gpu"]),
    ("burn_wgpu", &["gpu"]),
    ("unsafe ", &["gpu"]),
    ("image::", &["codec"]),
    ("png::", &["codec"]),
    ("zlib_rs", &["codec"]),
    ("moxcms", &["codec"]),
    ("fast_image_resize", &["shrink"]),
    ("clap::", &["cli", "config", "main"]),
    ("axum", &["http"]),
    ("tower", &["http"]),
    ("StatusCode", &["http"]),
    ("jsonwebtoken", &["http"]),
    ("rusqlite", &["tasks"]),
    ("object_store", &["tasks"]),
    ("argon2", &["accounts"]),
    ("sysinfo", &["bench"]),
];

#[test]
fn outside_names_stay_in_their_rooms() {
    for (name, rooms) in OWNED {
        let mut seen = false;
        for path in files("src", "rs") {
            let text = code(&path);
            let stands = text.match_indices(name).any(|(at, _)| {
                // `image::` must not be found in `some_image::`.
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            });
            let at_home = rooms.contains(&room(&path).as_str());
            seen |= stands && at_home;
            assert!(!stands || at_home, "{name} stands in {}", path.display());
        }
        assert!(seen, "{name} is nowhere: the rule is stale");
    }
}

#[test]
fn host_and_device_exchange_data_only_on_the_bus() {
    let copies =
        ["write_buffer", "map_async", "create_buffer_init", "get_mapped_range", "into_data", "to_data", "from_data"];
    let mut on_bus = 0;
    for path in files("src/gpu", "rs") {
        for copy in copies {
            let stands = code(&path).contains(copy);
            let bus = path.ends_with("bus.rs");
            on_bus += (stands && bus) as usize;
            assert!(!stands || bus, "{copy} stands in {}", path.display());
        }
    }
    assert!(on_bus > 2, "the bus copies nothing: the names are stale");
}

#[test]
fn every_shader_file_is_compiled() {
    let names: Vec<String> = files("shaders", "wgsl")
        .iter()
        .filter(|path| !path.parent().unwrap().ends_with("shared"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut compiled: Vec<String> = SOURCES.iter().map(|source| source.name.to_string()).collect();
    compiled.sort();
    assert_eq!(names, compiled);
}

#[test]
fn every_shader_is_valid_and_agrees_with_its_mirror() {
    let mut halves = 0;
    for source in SOURCES {
        let name = source.name;
        let module = valid(name, source.wgsl, Capabilities::empty());
        if let Some(half) = source.in_half() {
            valid(name, &half, Capabilities::SHADER_FLOAT16);
            halves += 1;
        }

        let [entry] = &module.entry_points[..] else { panic!("{name} has not one entry point") };
        assert_eq!(entry.name, "main", "{name}");
        let size = entry.workgroup_size;
        assert!(
            size == [TILE, TILE, 1] || size == [LINE, 1, 1] || size == [BLOCK, 1, 1],
            "{name} has workgroups of {size:?}"
        );

        let params = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("Params"));
        let (_, params) = params.unwrap_or_else(|| panic!("{name} has no Params"));
        let naga::TypeInner::Struct { members, span } = &params.inner else { panic!("{name}: Params is no struct") };
        let found: Vec<(&str, usize)> =
            members.iter().map(|member| (member.name.as_deref().unwrap(), member.offset as usize)).collect();
        assert_eq!(found, source.params_fields, "{name}");
        assert_eq!(*span as usize, source.params_size, "{name}");
    }
    assert_eq!(halves, 3);
}

fn valid(name: &str, wgsl: &str, capabilities: Capabilities) -> naga::Module {
    let module =
        naga::front::wgsl::parse_str(wgsl).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(wgsl)));
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator.validate(&module).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    module
}

#[test]
fn no_shader_computes_a_sine() {
    for path in files("shaders", "wgsl") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("sin("), "{}: WGSL's sine is loose, take it from a table", path.display());
    }
}

#[test]
fn a_shader_that_is_wrong_is_seen() {
    assert!(naga::front::wgsl::parse_str("fn main() { let x = y; }").is_err());
}

#[test]
fn shared_numbers_are_the_same_on_both_engines() {
    let color = fs::read_to_string(project().join("shaders/shared/color.wgsl")).unwrap();
    let [r, g, b] = cameo::rules::LUMA;
    assert!(color.contains(&format!("const LUMA = vec3<f32>({r}, {g}, {b})")));
    let components = fs::read_to_string(project().join("shaders/shared/components.wgsl")).unwrap();
    assert!(components.contains("const NONE: u32 = 0xffffffffu"), "as u32::MAX on the CPU");
}

#[test]
fn files_fit_on_a_few_screens() {
    for path in files("src", "rs") {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 300, "{} has {lines} lines", path.display());
    }
    for path in files("shaders", "wgsl") {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 150, "{} has {lines} lines", path.display());
    }
}
