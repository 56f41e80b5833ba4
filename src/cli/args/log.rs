//! What the long-lived commands log.

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Flags of every command that writes a log.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LogArgs {
    /// What is logged, for example info or cameo_service=debug
    #[arg(long, value_name = "FILTER", default_value = "info", env = "CAMEO_LOG")]
    pub log: String,
    /// The format of log lines
    #[arg(long, value_enum, default_value_t, env = "CAMEO_LOG_FORMAT")]
    pub log_format: LogFormat,
}
