//! The `cameo` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    silence_mesa();
    cameo::cli::run(cameo::cli::Cli::read())
}

/// Switches a layer of Mesa's Vulkan drivers off where there is no desktop session, as under ssh, cron and in
/// containers: it would write "error: XDG_RUNTIME_DIR is invalid" to standard error for each device that is opened.
/// The layer puts the desktop's GPU first; Cameo chooses a GPU by its own rule.
#[cfg(target_os = "linux")]
fn silence_mesa() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: this is the program's first statement, so no other thread can read the environment meanwhile.
        #[expect(unsafe_code, reason = "the drivers take this setting from the environment only")]
        unsafe {
            std::env::set_var("NODEVICE_SELECT", "1");
        }
    }
}
