//! The log of the long-lived commands, on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::serve::{LogArgs, LogFormat};
use crate::error::{Error, Result};

/// # Errors
/// [`Error::BadRecipe`] if the filter is none.
pub fn start(args: &LogArgs) -> Result<()> {
    let filter = EnvFilter::builder().parse(&args.log);
    let filter = filter.map_err(|error| Error::BadRecipe(format!("--log {}: {error}", args.log)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
