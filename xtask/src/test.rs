//! `cargo xtask test`: installs what the tests need, or names it, then runs every test.
//!
//! The tests of the GPU engine run on lavapipe, Mesa's Vulkan for the CPU, wherever they run: results do not depend
//! on the machine's own GPU.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{cargo, project_folder, python, quality, run};

pub fn test() -> Result<(), String> {
    install_lavapipe()?;
    install_tools()?;
    let python = python::with("service", &PACKAGES)?;
    let ci = std::env::var_os("CI").is_some();
    // The project, and this workspace of chores beside it.
    let workspaces = [project_folder(), project_folder().join("xtask")];
    if ci {
        for folder in &workspaces {
            run(cargo(folder).args(["fmt", "--all", "--check"]))?;
        }
    }
    for folder in workspaces.iter().rev() {
        let mut tests = cargo(folder);
        tests.args(["test", "--release", "--workspace", "--no-fail-fast"]).env("CAMEO_TEST_PYTHON", &python);
        run(&mut tests)?;
    }
    sanitize()?;
    match quality::has_fixtures() {
        true => quality::quality(quality::Args::QUICK)?,
        false => println!("SKIPPED: the quality figures, as ../shared with its fixtures is not beside the project"),
    }
    if ci {
        // After the tests, so that what fails first is what matters most.
        for folder in &workspaces {
            run(cargo(folder).args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
        }
        let mut doc = cargo(&workspaces[0]);
        run(doc.args(["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}

/// The tests of the CPU's kernels once more under the address sanitizer, which sees what reads or writes past an end.
fn sanitize() -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        println!("SKIPPED: the kernels' tests under the address sanitizer, which needs Linux");
        return Ok(());
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut tests = cargo(&project_folder());
    tests.args(["test", "--release", "--lib", "--package", "cameo-conv", "--target", &target]);
    // A flag that the stable compiler has, but takes only so.
    run(tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address"))
}

/// Where Vulkan drivers announce themselves.
const DRIVER_FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

fn has_lavapipe() -> bool {
    let drivers = DRIVER_FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    drivers.into_iter().any(|driver| driver.file_name().to_string_lossy().starts_with("lvp_icd"))
}

fn install_lavapipe() -> Result<(), String> {
    if has_lavapipe() {
        return Ok(());
    }
    if !may_install() {
        return Err("the tests need lavapipe, Mesa's Vulkan driver for the CPU: install mesa-vulkan-drivers \
                    (Debian, Ubuntu, Fedora) or vulkan-swrast (Arch), then try again"
            .into());
    }
    let backports = add_backports();
    run(apt().arg("update"))?;
    let packages = ["install", "--yes", "--no-install-recommends", "mesa-vulkan-drivers", "libvulkan1"];
    // Backports have the newer Mesa; a machine whose mirror has none takes Debian's own.
    let newer = backports.is_some_and(|suite| run(apt().args(["-t", &suite]).args(packages)).is_ok());
    if !newer {
        run(apt().args(packages))?;
    }
    match has_lavapipe() {
        true => Ok(()),
        false => Err("mesa-vulkan-drivers is installed but brought no lavapipe: the GPU tests cannot run".into()),
    }
}

/// As root on Debian or what descends from it.
fn may_install() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|user| user.stdout.trim_ascii() == b"0") && Path::new("/etc/debian_version").exists()
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=300", "-qq"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// What the examples in the documents and the tests of the service call.
const TOOLS: [&str; 4] = ["curl", "jq", "openssl", "python3"];

fn install_tools() -> Result<(), String> {
    let runs = |tool: &&str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    // openssl has no --version of old.
    let has = |tool: &&str| runs(tool) || Command::new(tool).arg("version").output().is_ok_and(|o| o.status.success());
    let missing: Vec<&str> = TOOLS.into_iter().filter(|tool| !has(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        return Err(format!("the tests need {}: install them, then try again", missing.join(", ")));
    }
    run(apt().arg("update"))?;
    run(apt().args(["install", "--yes", "--no-install-recommends", "python3-venv"]).args(missing))
}

/// What the service's tests need of Python: the client of the examples, and calls made up after the document.
const PACKAGES: [&str; 2] = ["requests==2.34.2", "schemathesis==4.32.5"];

/// Adds the backports suite of the mirror this machine already uses; returns its name.
fn add_backports() -> Option<String> {
    let sources = fs::read_to_string("/etc/apt/sources.list.d/debian.sources")
        .or_else(|_| fs::read_to_string("/etc/apt/sources.list"))
        .ok()?;
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let suite = format!("{codename}-backports");
    if sources.contains(&suite) {
        return Some(suite);
    }
    let line = backports_line(&sources, &suite)?;
    fs::write("/etc/apt/sources.list.d/cameo-backports.list", line).ok()?;
    Some(suite)
}

/// The one-line source of `suite` on the first mirror that `sources` (either format) takes Debian itself from.
fn backports_line(sources: &str, suite: &str) -> Option<String> {
    let field = |name: &str| sources.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let (mirror, options) = match field("URIs:") {
        Some(uris) => {
            let key = field("Signed-By:").map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
            (uris.split_whitespace().next()?.to_string(), key)
        }
        None => {
            let words = sources.lines().find_map(|line| line.trim().strip_prefix("deb "))?;
            (words.split_whitespace().find(|word| word.contains("://"))?.to_string(), String::new())
        }
    };
    Some(format!("deb {options}{mirror} {suite} main\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backports_come_from_the_mirror_debian_comes_from() {
        let deb822 = "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: bookworm\nSigned-By: /k.gpg\n";
        let line = backports_line(deb822, "bookworm-backports").unwrap();
        assert_eq!(line, "deb [signed-by=/k.gpg] http://mirror.test/debian bookworm-backports main\n");
        let list = "# old style\ndeb http://mirror.test/debian bookworm main\n";
        let line = backports_line(list, "bookworm-backports").unwrap();
        assert_eq!(line, "deb http://mirror.test/debian bookworm-backports main\n");
        assert_eq!(backports_line("", "bookworm-backports"), None);
    }
}
