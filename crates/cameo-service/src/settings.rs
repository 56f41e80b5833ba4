//! What the API is configured with: plain values, whatever read them from flags, the environment or a file.

use std::path::PathBuf;
use std::time::Duration;

use cameo_core::pipeline::ProcessingLimits;
use cameo_store::QueueLimits;

/// Everything that the API can be configured with.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The demo's user, whose password is public, may log in.
    pub demo: bool,
    /// A token may be sent as `?token=`. Otherwise only in the `Authorization` header.
    pub query_tokens: bool,
    pub token_ttl: Duration,
    /// A client's address is the last entry of `X-Forwarded-For`, which a trusted proxy sets.
    pub behind_proxy: bool,
    /// Origins whose pages may call the API; `*` allows all, an empty list none.
    pub cors_origins: Vec<String>,
    /// Serve HTTPS instead of HTTP.
    pub tls: Option<TlsFiles>,

    /// Largest photo and result.
    pub limits: ProcessingLimits,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// How many tasks, and photo pixels, may wait.
    pub queue: QueueLimits,
    /// Event streams of one user open at once.
    pub max_streams_per_user: u64,

    /// Connections open at once.
    pub max_connections: usize,
    /// Connections of one client address open at once. Not limited behind a proxy.
    pub max_connections_per_address: u64,
    /// Time that a client may take to send its headers, for the TLS handshake, and to send the body of a request
    /// without a photo.
    pub header_timeout: Duration,
    /// Time that an upload may go without a byte.
    pub body_timeout: Duration,
    /// Time in which a client must read something of what is sent.
    pub write_timeout: Duration,
    /// Time that a whole upload may take.
    pub upload_timeout: Duration,
    /// Time that running requests and workers get to finish when the server stops.
    pub shutdown_timeout: Duration,
    /// A worker whose last heartbeat is older is replaced, and its task runs elsewhere.
    pub lease: Duration,
}

/// The files of a server certificate, both PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, the server's own certificate first.
    pub cert: PathBuf,
    pub key: PathBuf,
}
