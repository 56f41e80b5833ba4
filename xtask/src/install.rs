//! Installs the system packages that the tests need. On Debian and its descendants this needs root; without root, or on
//! another system, an error names what is missing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::files;
use crate::process::run;

/// Folders in which Vulkan drivers are registered.
const DRIVER_FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

fn has_lavapipe() -> bool {
    let drivers = DRIVER_FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    drivers.into_iter().any(|driver| driver.file_name().to_string_lossy().starts_with("lvp_icd"))
}

/// Installs lavapipe, Mesa's Vulkan driver for the CPU, unless it is there.
pub fn lavapipe() -> Result<(), String> {
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
    // Backports have a newer Mesa, but not every mirror has backports.
    let installed = backports.is_some_and(|suite| run(apt().args(["-t", &suite]).args(packages)).is_ok());
    if !installed {
        run(apt().args(packages))?;
    }
    match has_lavapipe() {
        true => Ok(()),
        false => Err("mesa-vulkan-drivers is installed but contains no lavapipe: the GPU tests cannot run".into()),
    }
}

/// Returns true if this process is root on Debian or a descendant.
fn may_install() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|user| user.stdout.trim_ascii() == b"0") && Path::new("/etc/debian_version").exists()
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=300", "-qq"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// The programs that the examples in the documentation and the tests of the service call, and the compiler of libFuzzer.
const TOOLS: [&str; 6] = ["curl", "faketime", "g++", "jq", "openssl", "python3"];

/// Installs the command-line tools that are missing.
pub fn tools() -> Result<(), String> {
    let runs = |tool: &str, flag: &str| {
        let output = Command::new(tool).arg(flag).output();
        output.is_ok_and(|output| output.status.success())
    };
    // Older versions of openssl have no --version.
    let is_missing = |tool: &&str| !runs(tool, "--version") && !runs(tool, "version");
    let missing: Vec<&str> = TOOLS.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        return Err(format!("the tests need {}: install them, then try again", missing.join(", ")));
    }
    run(apt().arg("update"))?;
    run(apt().args(["install", "--yes", "--no-install-recommends", "python3-venv"]).args(missing))
}

/// Adds the backports suite of the mirror that this machine already uses, and returns its name.
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
    files::write(Path::new("/etc/apt/sources.list.d/cameo-backports.list"), line.as_bytes()).ok()?;
    Some(suite)
}

/// Returns the line that adds `suite` from the first mirror in `sources`, which may be in either of apt's formats.
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
    fn backports_come_from_the_mirror_that_debian_comes_from() {
        let deb822 = "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: bookworm\nSigned-By: /k.gpg\n";
        let line = backports_line(deb822, "bookworm-backports").unwrap();
        assert_eq!(line, "deb [signed-by=/k.gpg] http://mirror.test/debian bookworm-backports main\n");
        let list = "# old style\ndeb http://mirror.test/debian bookworm main\n";
        let line = backports_line(list, "bookworm-backports").unwrap();
        assert_eq!(line, "deb http://mirror.test/debian bookworm-backports main\n");
        assert_eq!(backports_line("", "bookworm-backports"), None);
    }
}
