//! Connections: their number is limited, stalled ones are closed, and running requests finish when the server stops.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::client_address::network_of;
use super::places::Places;
use super::router;
use super::state::AppState;
use super::tls::{Certificate, ServerError};
use crate::settings::ServiceSettings;

/// Pause after a connection could not be accepted, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes that are buffered of one connection before more is read, which may be as many again. The headers must fit.
const MAX_BUFFER_BYTES: usize = 64 << 10;

/// Serves the API on `listener` until `stop` resolves, then lets running requests finish within the shutdown timeout.
///
/// # Errors
/// [`ServerError::Tls`] if the certificate or its key cannot be used, before a connection is accepted.
pub async fn serve(
    state: Arc<AppState>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let settings = &state.settings;
    let certificate = settings.tls.as_ref().map(Certificate::open).transpose()?;
    let tls = certificate.clone().map(Certificate::acceptor).transpose()?;
    let server = Server::new(router::app(state.clone()), settings, tls);
    let renewal = certificate.map(|certificate| tokio::spawn(async move { certificate.watch().await }));
    let task_watch = tokio::spawn({
        let state = state.clone();
        async move { state.task_watch.run().await }
    });
    let graceful = GracefulShutdown::new();
    tokio::select! {
        () = server.accept_all(&listener, &graceful) => {}
        () = stop => {}
    }
    drop(listener);
    state.stopping.send_replace(true);
    if tokio::time::timeout(settings.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut off: they did not finish within the shutdown timeout");
    }
    task_watch.abort();
    if let Some(renewal) = renewal {
        renewal.abort();
    }
    Ok(())
}

/// Checks that the API could be served with these settings.
///
/// # Errors
/// As [`serve`].
pub fn check(settings: &ServiceSettings) -> Result<(), ServerError> {
    settings.tls.as_ref().map(Certificate::open).transpose().map(drop)
}

/// Accepts connections and answers their requests.
struct Server {
    app: Router,
    http: http1::Builder,
    tls: Option<TlsAcceptor>,
    handshake_timeout: Duration,
    write_timeout: Duration,
    /// One permit for each connection.
    connections: Arc<Semaphore>,
    by_address: Places<IpAddr>,
    max_per_address: u64,
}

impl Server {
    fn new(app: Router, settings: &ServiceSettings, tls: Option<TlsAcceptor>) -> Self {
        let mut http = http1::Builder::new();
        // HTTP/1.1 only. To tell HTTP/2 from it, the first bytes must be read, without a timeout.
        http.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(MAX_BUFFER_BYTES);
        Self {
            app,
            http,
            tls,
            handshake_timeout: settings.header_timeout,
            write_timeout: settings.write_timeout,
            connections: Arc::new(Semaphore::new(settings.max_connections)),
            by_address: Places::default(),
            // A proxy holds the connections of all clients.
            max_per_address: match settings.behind_proxy {
                true => u64::MAX,
                false => settings.max_connections_per_address,
            },
        }
    }

    /// Accepts connections as long as this future is polled.
    async fn accept_all(&self, listener: &TcpListener, graceful: &GracefulShutdown) {
        // The semaphore is never closed.
        while let Ok(permit) = self.connections.clone().acquire_owned().await {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = self.by_address.take(network_of(peer.ip()), self.max_per_address) else {
                tracing::debug!(%peer, "a connection was refused: its address has too many");
                continue;
            };
            let (app, http, tls) = (self.app.clone(), self.http.clone(), self.tls.clone());
            let (handshake_timeout, write_timeout) = (self.handshake_timeout, self.write_timeout);
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                let _permits = (permit, place);
                // Without it, a small answer would wait for more bytes to send.
                let _ = stream.set_nodelay(true);
                if let Some(stream) = handshake(stream, tls, handshake_timeout).await {
                    let mut stream = TimeoutStream::new(stream);
                    stream.set_write_timeout(Some(write_timeout));
                    answer(stream, peer, app, &http, watcher).await;
                }
            });
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Returns the stream to speak HTTP on; `None` if the TLS handshake fails or takes too long.
async fn handshake(stream: TcpStream, tls: Option<TlsAcceptor>, timeout: Duration) -> Option<Box<dyn Stream>> {
    match tls {
        None => Some(Box::new(stream)),
        Some(tls) => Some(Box::new(tokio::time::timeout(timeout, tls.accept(stream)).await.ok()?.ok()?)),
    }
}

/// Answers the requests of one connection.
async fn answer(
    stream: TimeoutStream<Box<dyn Stream>>,
    peer: SocketAddr,
    app: Router,
    http: &http1::Builder,
    watcher: Watcher,
) {
    // The client's address is added to each request: a layer per connection would copy all routes.
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
