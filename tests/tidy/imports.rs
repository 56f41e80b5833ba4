//! Who may use whom: between crates by their manifests, inside a crate without cycles, and which outside crates are
//! confined to one module.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{code, files, project, relative, rust_files, source_folders};

/// The crates of this project that each crate may depend on. A crate appears after those it depends on.
const LAYERS: [(&str, &[&str]); 10] = [
    ("models", &[]),
    ("shaders", &[]),
    ("crates/cameo-kernels", &[]),
    ("crates/cameo-store", &[]),
    ("crates/cameo-core", &["models"]),
    ("crates/cameo-device", &[]),
    ("crates/cameo-matting", &["kernels", "models"]),
    ("crates/cameo-cpu", &["core", "kernels", "matting", "models"]),
    ("crates/cameo-gpu", &["core", "device", "matting", "models", "shaders"]),
    ("crates/cameo-service", &["core", "store"]),
];

#[test]
fn crates_depend_only_on_lower_layers() {
    let packages = source_folders().len() - 1;
    assert_eq!(LAYERS.len(), packages, "each crate except the program has a row");
    for (folder, allowed) in LAYERS {
        let manifest = fs::read_to_string(project().join(folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for line in dependencies.lines() {
            let Some(rest) = line.strip_prefix("cameo-") else { continue };
            let name = rest.split([' ', '.', '=']).next().unwrap();
            assert!(allowed.contains(&name), "{folder} depends on cameo-{name}");
        }
    }
}

/// Outside crates that only some modules may name, which manifests cannot express.
const CONFINED: [(&str, &[&str]); 14] = [
    ("image::", &["crates/cameo-core/src/codec/"]),
    ("png::", &["crates/cameo-core/src/codec/"]),
    ("zlib_rs", &["crates/cameo-core/src/codec/"]),
    ("moxcms", &["crates/cameo-core/src/codec/"]),
    ("zune_jpeg", &["crates/cameo-core/src/codec/"]),
    ("fast_image_resize", &["crates/cameo-kernels/src/resize.rs"]),
    ("clap::", &["src/cli/"]),
    ("axum", &["crates/cameo-service/src/http/"]),
    ("tower", &["crates/cameo-service/src/http/"]),
    ("StatusCode", &["crates/cameo-service/src/http/"]),
    ("jsonwebtoken", &["crates/cameo-service/src/http/"]),
    ("argon2", &["crates/cameo-service/src/secrets/"]),
    ("cubecl", &["crates/cameo-device/src/"]),
    ("rusqlite", &["crates/cameo-store/src/sqlite/"]),
];

#[test]
fn outside_crates_stay_in_their_modules() {
    let sources: Vec<(String, String)> = rust_files().iter().map(|path| (relative(path), code(path))).collect();
    for (name, modules) in CONFINED {
        let mut is_used = false;
        for (path, code) in &sources {
            let named = code.match_indices(name).any(|(at, _)| {
                // `image::` must not match `some_image::`, nor a module of ours such as `super::png::`.
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            });
            let allowed = modules.iter().any(|module| path.starts_with(module));
            is_used |= named && allowed;
            assert!(!named || allowed, "{path} names {name}");
        }
        assert!(is_used, "nothing names {name}: the rule is stale");
    }
}

#[test]
fn host_and_device_exchange_data_in_one_file() {
    let copies = [
        "write_buffer",
        "map_async",
        "map_buffer_on_submit",
        "create_buffer_init",
        "get_mapped_range",
        "into_data",
        "from_data",
    ];
    let mut found = 0;
    for path in files("crates/cameo-gpu/src", "rs") {
        let code = code(&path);
        for copy in copies {
            let is_transfer = path.ends_with("transfer.rs");
            found += usize::from(code.contains(copy) && is_transfer);
            assert!(!code.contains(copy) || is_transfer, "{} calls {copy}", relative(&path));
        }
    }
    assert!(found > 2, "transfer.rs copies nothing: the names are stale");
}

/// The modules of one crate: path in the module tree to file.
fn modules(folder: &str) -> BTreeMap<Vec<String>, PathBuf> {
    let root = project().join(folder);
    let mut modules = BTreeMap::new();
    for file in files(folder, "rs") {
        let mut path: Vec<String> = file
            .strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
            path.pop();
        }
        modules.insert(path, file);
    }
    modules
}

/// Expands `a::{b, c::{d, e}}` to `a::b`, `a::c::d`, `a::c::e`.
fn expand(path: &str) -> Vec<String> {
    let Some(open) = path.find('{') else { return vec![path.to_string()] };
    let (prefix, rest) = path.split_at(open);
    let inner = &rest[1..rest.rfind('}').unwrap_or(rest.len())];
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in inner.chars() {
        match character {
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{prefix}{part}"))).collect()
}

/// Resolves a path that starts with `crate` or `super` to the module that it reaches into.
fn resolve(path: &str, from: &[String], modules: &BTreeMap<Vec<String>, PathBuf>) -> Vec<String> {
    let mut module = from.to_vec();
    for (i, segment) in path.split("::").map(str::trim).enumerate() {
        match segment {
            "crate" if i == 0 => module.clear(),
            "super" => {
                module.pop();
            }
            "self" => {}
            name => {
                module.push(name.to_string());
                if !modules.contains_key(&module) {
                    module.pop();
                    break;
                }
            }
        }
    }
    module
}

/// The modules that each module of a crate names in paths.
fn import_graph(folder: &str) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let modules = modules(folder);
    let is_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    let mut graph = BTreeMap::new();
    for (module, file) in &modules {
        let code = code(file);
        let mut paths: Vec<String> = Vec::new();
        for statement in code.split(';') {
            if let Some(at) = statement.find("use ") {
                paths.extend(expand(&statement[at + 4..].split_whitespace().collect::<String>()));
            }
        }
        for start in ["crate::", "super::"] {
            let inline = code.match_indices(start).map(|(at, _)| {
                let end = code[at..].find(|c| !is_path(c)).map_or(code.len(), |length| at + length);
                code[at..end].to_string()
            });
            // What ends in `::` is the start of a `use` with braces.
            paths.extend(inline.filter(|path| !path.ends_with(':')));
        }
        let local = paths.iter().map(|path| match path.split("::").next().unwrap_or_default() {
            "crate" | "super" | "self" => resolve(path, module, &modules),
            // A re-export of a child, as in `pub use child::Type`.
            name => {
                let child = [module.clone(), vec![name.to_string()]].concat();
                if modules.contains_key(&child) { child } else { module.clone() }
            }
        });
        graph.insert(module.clone(), local.filter(|other| other != module).collect());
    }
    graph
}

/// Returns a cycle of modules, if there is one.
fn find_cycle(graph: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<String>> {
    fn visit(
        module: &Vec<String>,
        graph: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
        stack: &mut Vec<Vec<String>>,
        finished: &mut BTreeSet<Vec<String>>,
    ) -> Option<Vec<String>> {
        if finished.contains(module) {
            return None;
        }
        if let Some(start) = stack.iter().position(|open| open == module) {
            let name = |module: &Vec<String>| if module.is_empty() { "lib".into() } else { module.join("::") };
            return Some(stack[start..].iter().chain([module]).map(name).collect());
        }
        stack.push(module.clone());
        let cycle = graph[module].iter().find_map(|next| visit(next, graph, stack, finished));
        stack.pop();
        finished.insert(module.clone());
        cycle
    }
    let mut finished = BTreeSet::new();
    graph.keys().find_map(|module| visit(module, graph, &mut Vec::new(), &mut finished))
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut imports = 0;
    for folder in source_folders() {
        let graph = import_graph(&folder);
        imports += graph.values().map(BTreeSet::len).sum::<usize>();
        if let Some(cycle) = find_cycle(&graph) {
            panic!("{folder}: {}", cycle.join(" -> "));
        }
    }
    assert!(imports > 200, "the test finds only {imports} imports");
}

#[test]
fn a_circle_is_found() {
    let module = |name: &str| vec![name.to_string()];
    let edges = |names: &[&str]| names.iter().map(|name| module(name)).collect::<BTreeSet<_>>();
    let graph =
        BTreeMap::from([(module("a"), edges(&["b"])), (module("b"), edges(&["c"])), (module("c"), edges(&["a"]))]);
    assert_eq!(find_cycle(&graph).unwrap(), ["a", "b", "c", "a"]);
    assert_eq!(expand("super::{a, b::{c, d}}"), ["super::a", "super::b::c", "super::b::d"]);
}

#[test]
fn no_crate_includes_a_file_of_another_one() {
    let mut includes = 0;
    for folder in source_folders() {
        let package = project().join(Path::new(&folder).parent().unwrap());
        for path in files(&folder, "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for part in text.split("include_").skip(1) {
                let Some(file) = part.split('"').nth(1).filter(|_| part.contains("!(")) else { continue };
                let target = path.parent().unwrap().join(file);
                // The shaders' own macro concatenates names.
                let Ok(target) = target.canonicalize() else { continue };
                includes += 1;
                assert!(target.starts_with(package.canonicalize().unwrap()), "{} includes {file}", relative(&path));
            }
        }
    }
    assert!(includes > 3, "the test finds no includes");
}
