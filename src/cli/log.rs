//! The log of the long-lived commands, on standard error.

use tracing_subscriber::EnvFilter;

use super::args::{LogArgs, LogFormat};
use super::error::{CliError, Result};

/// Starts logging.
///
/// # Errors
/// [`CliError::Usage`] if the filter is invalid.
pub fn start(args: &LogArgs) -> Result<()> {
    let filter = EnvFilter::builder().parse(&args.log);
    let filter = filter.map_err(|error| CliError::Usage(format!("--log {}: {error}", args.log)))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // It would tell of a log that cannot be written, as on a full disk, on standard error, which is that log: that
        // panics.
        .log_internal_errors(false);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
