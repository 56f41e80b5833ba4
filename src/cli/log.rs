//! The log of the long-lived commands, on standard error.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::args::{LogArgs, LogFormat};
use super::error::{CliError, Result};

/// Lines that wait while nobody reads them, as when a reader of the log stands still. Further lines are dropped: a log
/// that is not read must not hold up a request.
const MAX_WAITING_LINES: usize = 16_384;

/// Starts logging. The log has been written when what is returned is dropped, which waits a second at most.
///
/// # Errors
/// [`CliError::Usage`] if the filter is invalid.
pub fn start(args: &LogArgs) -> Result<WorkerGuard> {
    let filter = EnvFilter::builder().parse(&args.log);
    let filter = filter.map_err(|error| CliError::Usage(format!("--log {}: {error}", args.log)))?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        // It would tell of a log that cannot be written, as on a full disk, on standard error, which is that log: that
        // panics.
        .log_internal_errors(false);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(guard)
}
