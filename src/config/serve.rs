//! What `cameo serve` and `cameo work` can be told.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BoundsArgs, EngineArgs};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Flags of every command that keeps a log.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct LogArgs {
    /// What is logged, such as info or cameo=debug
    #[arg(long, value_name = "FILTER", default_value = "info", env = "CAMEO_LOG")]
    pub log: String,
    #[arg(long, value_enum, default_value_t, env = "CAMEO_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// Flags that the server hands on to its workers.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkArgs {
    /// Folder of tasks, users and images [default: cameo in the system's folder for user data]
    #[arg(long, value_name = "DIR", env = "CAMEO_DATA")]
    pub data: Option<PathBuf>,
    /// A worker that has not been heard of for so long is replaced, and its task given to another
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(2..=3600), env = "CAMEO_LEASE")]
    pub lease: u32,
    /// Longest time a task may run before its worker is taken for hung
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_TASK_TIMEOUT")]
    pub task_timeout: u32,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub bounds: BoundsArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

impl WorkArgs {
    pub fn data_folder(&self) -> PathBuf {
        Self::folder(self.data.clone())
    }

    /// The data folder: the one that was set, else `cameo` where the system keeps what programs store for a user.
    pub fn folder(asked: Option<PathBuf>) -> PathBuf {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
        let share = || set("LOCALAPPDATA").or_else(home).unwrap_or_default().join("cameo");
        asked.unwrap_or_else(share)
    }

    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease.into())
    }

    /// The same flags as arguments, with `data` as their folder.
    pub fn arguments(&self, data: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |name: &str, value: &std::ffi::OsStr| {
            let mut argument = OsString::from(format!("--{name}="));
            argument.push(value);
            arguments.push(argument);
        };
        add("data", data.as_os_str());
        add("lease", self.lease.to_string().as_ref());
        add("task-timeout", self.task_timeout.to_string().as_ref());
        add("device", value_name(self.engine.device).as_ref());
        add("models", self.engine.models_folder().as_os_str());
        add("max-input-megapixels", self.bounds.max_input_megapixels.to_string().as_ref());
        add("max-output-megapixels", self.bounds.max_output_megapixels.to_string().as_ref());
        add("max-megapixels-in-flight", self.bounds.max_megapixels_in_flight.to_string().as_ref());
        add("log", self.log.log.as_ref());
        add("log-format", value_name(self.log.log_format).as_ref());
        if self.engine.allow_software {
            arguments.push("--allow-software".into());
        }
        arguments
    }
}

fn value_name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000", env = "CAMEO_LISTEN")]
    pub listen: SocketAddr,
    /// Try it out: listens on 127.0.0.1:8000 only, and has the user test_user with the password test_password
    #[arg(long, conflicts_with = "listen")]
    pub demo: bool,
    /// Worker processes; each owns an engine
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), env = "CAMEO_WORKERS")]
    pub workers: u16,

    /// Seconds a token is valid
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(60..), env = "CAMEO_TOKEN_TTL")]
    pub token_ttl: u32,
    /// Refuse ?token=: it can leak through logs and histories
    #[arg(long, env = "CAMEO_NO_QUERY_TOKENS")]
    pub no_query_tokens: bool,
    /// Take a client's address from the last entry of X-Forwarded-For: only behind a proxy that sets it
    #[arg(long, env = "CAMEO_BEHIND_PROXY")]
    pub behind_proxy: bool,

    /// Largest upload
    #[arg(long, value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096), env = "CAMEO_MAX_UPLOAD")]
    pub max_upload: u32,
    /// Tasks that may wait; beyond, the answer is 503
    #[arg(long, value_name = "N", default_value_t = 200, env = "CAMEO_MAX_QUEUE")]
    pub max_queue: u64,
    /// Megapixels that may wait; beyond, the answer is 503
    #[arg(long, value_name = "MP", default_value_t = 2000.0, env = "CAMEO_MAX_QUEUE_MEGAPIXELS")]
    pub max_queue_megapixels: f64,
    /// Tasks of one user that may wait and run; beyond, the answer is 429
    #[arg(long, value_name = "N", default_value_t = 50, env = "CAMEO_MAX_TASKS_PER_USER")]
    pub max_tasks_per_user: u64,
    /// Seconds a result can be fetched
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, env = "CAMEO_KEEP_RESULTS")]
    pub keep_results: u32,
    /// Seconds a task that is over is remembered
    #[arg(long, value_name = "SECONDS", default_value_t = 604_800, env = "CAMEO_KEEP_TASKS")]
    pub keep_tasks: u32,

    /// Connections open at once
    #[arg(long, value_name = "N", default_value_t = 2048, env = "CAMEO_MAX_CONNECTIONS")]
    pub max_connections: u32,
    /// Seconds a client may take to send its headers
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_HEADER_TIMEOUT")]
    pub header_timeout: u32,
    /// Seconds an upload may stand still
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_BODY_TIMEOUT")]
    pub body_timeout: u32,
    /// Seconds an upload may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_UPLOAD_TIMEOUT")]
    pub upload_timeout: u32,
    /// Seconds that requests and tasks are given to finish when the server is told to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 30, env = "CAMEO_SHUTDOWN_TIMEOUT")]
    pub shutdown_timeout: u32,

    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "CAMEO_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "CAMEO_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Origin whose pages may call the API; may be given several times, * for all
    #[arg(long, value_name = "ORIGIN", env = "CAMEO_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,

    #[command(flatten)]
    pub work: WorkArgs,
}

impl ServeArgs {
    /// The address a client is known by.
    pub fn address(&self, forwarded: Option<&str>, peer: IpAddr) -> IpAddr {
        let last =
            forwarded.filter(|_| self.behind_proxy).and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        last.unwrap_or(peer)
    }
}
