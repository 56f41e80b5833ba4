//! Files fit on a few screens.

use std::fs;

use crate::source::{files, relative, rust_files};

#[test]
fn files_are_short() {
    let limits = rust_files().into_iter().map(|path| (path, 300));
    let limits = limits.chain(files("shaders/wgsl", "wgsl").into_iter().map(|path| (path, 150)));
    for (path, limit) in limits {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= limit, "{} has {lines} lines, the limit is {limit}", relative(&path));
    }
}
