//! The flags of `cameo serve` and `cameo work`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cameo_service::settings::{ServiceSettings, TlsFiles};
use cameo_store::QueueLimits;

use super::engine::EngineArgs;
use super::limits::{LimitArgs, megapixels_or_none};
use super::log::LogArgs;

/// Flags that the server passes on to its workers.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkerArgs {
    /// Folder of tasks, users and images [default: cameo in the system's folder for user data]
    #[arg(long, value_name = "DIR", env = "CAMEO_DATA")]
    pub data: Option<PathBuf>,
    /// Seconds without a heartbeat after which a worker is replaced, and its task given to another
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(2..=3600), env = "CAMEO_LEASE")]
    pub lease: u32,
    /// Seconds that a task may run before its worker counts as hung
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_TASK_TIMEOUT")]
    pub task_timeout: u32,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Returns the data folder: the one that was set, else `cameo` in the system's folder for user data.
pub fn data_folder(set: Option<PathBuf>) -> PathBuf {
    set.unwrap_or_else(|| dirs::data_local_dir().unwrap_or_default().join("cameo"))
}

impl WorkerArgs {
    pub fn data_folder(&self) -> PathBuf {
        data_folder(self.data.clone())
    }

    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease.into())
    }

    /// Returns these flags as variables of the environment, with `data` as the data folder. Other users of the machine
    /// can read the arguments of a process, but not its environment.
    pub fn environment(&self, data: &Path) -> Vec<(&'static str, OsString)> {
        let Self { data: _, lease, task_timeout, engine, limits, log } = self;
        let mut variables: Vec<(&str, OsString)> = vec![
            ("CAMEO_DATA", data.into()),
            ("CAMEO_LEASE", lease.to_string().into()),
            ("CAMEO_TASK_TIMEOUT", task_timeout.to_string().into()),
            ("CAMEO_DEVICE", value_name(engine.device).into()),
            ("CAMEO_MODELS", engine.models_folder().into()),
            ("CAMEO_MAX_INPUT_MEGAPIXELS", limits.max_input_megapixels.to_string().into()),
            ("CAMEO_MAX_OUTPUT_MEGAPIXELS", limits.max_output_megapixels.to_string().into()),
            ("CAMEO_MAX_MEGAPIXELS_IN_FLIGHT", limits.max_megapixels_in_flight.to_string().into()),
            ("CAMEO_LOG", (&log.log).into()),
            ("CAMEO_LOG_FORMAT", value_name(log.log_format).into()),
        ];
        if engine.allow_software {
            variables.push(("CAMEO_ALLOW_SOFTWARE", "true".into()));
        }
        variables
    }
}

fn value_name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

/// The flags of `cameo serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000", env = "CAMEO_LISTEN")]
    pub listen: SocketAddr,
    /// Try the service: listen on 127.0.0.1:8000 only, with the user test_user and the password test_password
    #[arg(long, conflicts_with = "listen")]
    pub demo: bool,
    /// Worker processes; each owns an engine
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), env = "CAMEO_WORKERS")]
    pub workers: u16,

    /// Seconds that a token is valid
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(60..), env = "CAMEO_TOKEN_TTL")]
    pub token_ttl: u32,
    /// Refuse tokens in the query (?token=), where they can leak through logs and browser histories
    #[arg(long, env = "CAMEO_NO_QUERY_TOKENS")]
    pub no_query_tokens: bool,
    /// Read client addresses from the last entry of X-Forwarded-For; only behind a proxy that sets it
    #[arg(long, env = "CAMEO_BEHIND_PROXY")]
    pub behind_proxy: bool,

    /// Largest upload, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096), env = "CAMEO_MAX_UPLOAD")]
    pub max_upload: u32,
    /// Tasks that may wait; more are refused with status 503
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..), env = "CAMEO_MAX_QUEUE")]
    pub max_queue: u64,
    /// Megapixels that may wait; more are refused with status 503
    #[arg(long, value_name = "MP", default_value_t = 2000.0, env = "CAMEO_MAX_QUEUE_MEGAPIXELS", value_parser = megapixels_or_none)]
    pub max_queue_megapixels: f64,
    /// Tasks of one user that may wait or run; more are refused with status 429
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..), env = "CAMEO_MAX_TASKS_PER_USER")]
    pub max_tasks_per_user: u64,
    /// Event streams of one user that may be open; more are refused with status 429
    #[arg(long, value_name = "N", default_value_t = 20, env = "CAMEO_MAX_STREAMS_PER_USER")]
    pub max_streams_per_user: u64,
    /// Seconds that a result is kept
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, env = "CAMEO_KEEP_RESULTS")]
    pub keep_results: u32,
    /// Seconds that a finished task is kept in the list
    #[arg(long, value_name = "SECONDS", default_value_t = 604_800, env = "CAMEO_KEEP_TASKS")]
    pub keep_tasks: u32,

    /// Connections that may be open at once
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_MAX_CONNECTIONS")]
    pub max_connections: u32,
    /// Connections of one client address that may be open at once, unless behind a proxy
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_MAX_CONNECTIONS_PER_ADDRESS")]
    pub max_connections_per_address: u32,
    /// Seconds that a client may take to send its headers, or a request without a photo
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_HEADER_TIMEOUT")]
    pub header_timeout: u32,
    /// Seconds that an upload may stall
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_BODY_TIMEOUT")]
    pub body_timeout: u32,
    /// Seconds in which a client must read something of an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_WRITE_TIMEOUT")]
    pub write_timeout: u32,
    /// Seconds that an upload may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..), env = "CAMEO_UPLOAD_TIMEOUT")]
    pub upload_timeout: u32,
    /// Seconds that requests and workers get to finish when the server stops
    #[arg(long, value_name = "SECONDS", default_value_t = 30, env = "CAMEO_SHUTDOWN_TIMEOUT")]
    pub shutdown_timeout: u32,

    /// Certificate chain for TLS, as PEM; needs --tls-key
    #[arg(long, value_name = "FILE", env = "CAMEO_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, as PEM; needs --tls-cert
    #[arg(long, value_name = "FILE", env = "CAMEO_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Origin whose pages may call the API, or * for all; repeatable
    #[arg(long, value_name = "ORIGIN", env = "CAMEO_CORS_ORIGIN", value_parser = origin, value_delimiter = ',')]
    pub cors_origin: Vec<String>,

    #[command(flatten)]
    pub worker: WorkerArgs,
}

impl ServeArgs {
    /// Returns the files of the certificate, if there is one. clap cannot check that both are given: its `requires`
    /// ignores defaults, which the values of a configuration file are.
    ///
    /// # Errors
    /// One sentence if only one of the files is given.
    pub fn tls_files(&self) -> Result<Option<TlsFiles>, String> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.clone(), key: key.clone() })),
            (None, None) => Ok(None),
            (Some(_), None) => Err("--tls-cert needs --tls-key: give the key of the certificate, too".into()),
            (None, Some(_)) => Err("--tls-key needs --tls-cert: give the certificate of the key, too".into()),
        }
    }

    /// Returns the settings of the service.
    ///
    /// # Errors
    /// As [`ServeArgs::tls_files`].
    pub fn settings(&self) -> Result<ServiceSettings, String> {
        let seconds = |secs: u32| Duration::from_secs(secs.into());
        Ok(ServiceSettings {
            demo: self.demo,
            query_tokens: !self.no_query_tokens,
            token_ttl: seconds(self.token_ttl),
            behind_proxy: self.behind_proxy,
            cors_origins: self.cors_origin.clone(),
            tls: self.tls_files()?,
            limits: self.worker.limits.processing_limits(),
            max_upload_bytes: u64::from(self.max_upload) << 20,
            queue: QueueLimits {
                tasks: self.max_queue,
                pixels: (self.max_queue_megapixels * 1e6) as u64,
                tasks_per_user: self.max_tasks_per_user,
            },
            max_streams_per_user: self.max_streams_per_user,
            max_connections: self.max_connections as usize,
            max_connections_per_address: self.max_connections_per_address.into(),
            header_timeout: seconds(self.header_timeout),
            body_timeout: seconds(self.body_timeout),
            write_timeout: seconds(self.write_timeout),
            upload_timeout: seconds(self.upload_timeout),
            shutdown_timeout: seconds(self.shutdown_timeout),
            lease: self.worker.lease(),
        })
    }
}

/// Parses an origin as browsers send it, or the `*` that stands for all of them.
fn origin(text: &str) -> Result<String, String> {
    let host = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, host)| host);
    let is_origin = host
        .is_some_and(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic() && !"/?#@*,".contains(c)));
    match is_origin || ["*", "null"].contains(&text) {
        true => Ok(text.into()),
        false => Err("use scheme and host, with a port unless it is the default, as in https://app.example".into()),
    }
}
