//! One concept, one name.

use std::collections::BTreeMap;
use std::fs;

use crate::source::{code, files, relative, rust_files};

/// Words of an earlier vocabulary, which the glossary in ARCHITECTURE.md and the table in CHANGELOG.md replace.
const RETIRED: [&str; 21] = [
    "bury", "bus", "census", "errand", "forth", "glance", "gone", "halve", "halves", "intake", "lift", "lifted",
    "listens", "manner", "parcel", "road", "somebody", "sure", "wish", "wishes", "witness",
];

/// Splits an identifier into lowercase words: `CpuFeatureMap` and `cpu_feature_map` give the same.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lowercase = false;
    for character in identifier.chars() {
        if character == '_' || (character.is_uppercase() && previous_is_lowercase) {
            words.push(String::new());
        }
        if character != '_' {
            words.last_mut().unwrap().extend(character.to_lowercase());
        }
        previous_is_lowercase = character.is_lowercase() || character.is_numeric();
    }
    words
}

fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with(|c: char| !c.is_numeric()))
}

#[test]
fn retired_words_are_not_identifiers() {
    let mut found = Vec::new();
    let wgsl = files("shaders/wgsl", "wgsl").into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
        (relative(&path), code.join("\n"))
    });
    let rust = rust_files().into_iter().map(|path| (relative(&path), code(&path)));
    for (path, code) in rust.chain(wgsl) {
        for identifier in identifiers(&code) {
            if words(identifier).iter().any(|word| RETIRED.contains(&word.as_str())) {
                found.push(format!("{path}: {identifier}"));
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "retired words:\n{}", found.join("\n"));
}

#[test]
fn no_two_public_types_have_the_same_name() {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in rust_files() {
        for line in code(&path).lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub ") else { continue };
            let mut parts = rest.split(|c: char| !c.is_alphanumeric() && c != '_');
            if matches!(parts.next(), Some("struct" | "enum" | "trait")) {
                let name = parts.next().unwrap_or_default();
                // Macros name their types by a variable.
                if !name.is_empty() {
                    types.entry(name.to_string()).or_default().push(relative(&path));
                }
            }
        }
    }
    assert!(types.len() > 150, "the test finds only {} types", types.len());
    let shared: Vec<_> = types.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn identifiers_split_into_words() {
    assert_eq!(words("CpuFeatureMap"), ["cpu", "feature", "map"]);
    assert_eq!(words("max_pool2"), ["max", "pool2"]);
    assert_eq!(words("MIN_ALPHA"), ["min", "alpha"]);
    let code = "let glanced = glance_at(1);";
    assert!(identifiers(code).any(|identifier| words(identifier).contains(&"glance".to_string())));
}
