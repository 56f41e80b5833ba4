//! Connections: accepted while there is room, dropped when they stall, finished when the server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::Service;
use crate::config::serve::ServeArgs;
use crate::error::{Error, Result};

/// Wait after an accept that failed, as it does when there are no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers on `listener` until `stop` ends, then finishes what was begun, for the configured time at most.
///
/// # Errors
/// If the certificate or its key cannot be used; before anything is accepted.
pub async fn serve(service: Arc<Service>, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
    let args = &service.settings.args;
    let tls = acceptor(args)?;
    let header_timeout = Duration::from_secs(args.header_timeout.into());
    let room = Arc::new(Semaphore::new(args.max_connections as usize));
    let app = super::app(service.clone());
    let changes = tokio::spawn({
        let service = service.clone();
        async move { service.changes.run().await }
    });
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    // HTTP/1.1 alone: told apart from HTTP/2 by what it sends first, a client that sends nothing would stay for ever.
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(64 << 10);
    tokio::pin!(stop);
    loop {
        let permit = tokio::select! {
            permit = room.clone().acquire_owned() => permit,
            () = &mut stop => break,
        };
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let (app, http, tls, watcher) = (app.clone(), http.clone(), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            // Small answers must not wait for more to send.
            let _ = stream.set_nodelay(true);
            if let Some(stream) = handshake(stream, tls, header_timeout).await {
                answer(stream, address, app, &http, watcher).await;
            }
        });
    }
    drop(listener);
    let limit = Duration::from_secs(args.shutdown_timeout.into());
    if tokio::time::timeout(limit, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut off: they did not end within the time to stop");
    }
    changes.abort();
    Ok(())
}

/// Whether what is configured can be used.
///
/// # Errors
/// As [`serve`].
pub fn check(args: &ServeArgs) -> Result<()> {
    acceptor(args).map(|_| ())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn handshake(stream: TcpStream, tls: Option<TlsAcceptor>, limit: Duration) -> Option<Box<dyn Stream>> {
    match tls {
        None => Some(Box::new(stream)),
        Some(tls) => Some(Box::new(tokio::time::timeout(limit, tls.accept(stream)).await.ok()?.ok()?)),
    }
}

async fn answer(
    stream: Box<dyn Stream>,
    address: SocketAddr,
    app: Router,
    http: &http1::Builder,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Told with each request: a layer of the connection's own would copy all routes.
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        app.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// TLS, if a certificate is configured.
fn acceptor(args: &ServeArgs) -> Result<Option<TlsAcceptor>> {
    let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let unreadable = |path: &std::path::Path, error: &dyn std::fmt::Display| Error::file("use", path, error);
    let certs = CertificateDer::pem_file_iter(cert).map_err(|error| unreadable(cert, &error))?;
    let certs: Vec<_> = certs.collect::<std::result::Result<_, _>>().map_err(|error| unreadable(cert, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreadable(cert, &error))?
        .with_no_client_auth()
        .with_single_cert(certs, private)
        .map_err(|error| unreadable(cert, &error))?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// Pages of other origins, if any may call.
pub fn cors(args: &ServeArgs) -> Option<CorsLayer> {
    if args.cors_origin.is_empty() {
        return None;
    }
    let origins = match args.cors_origin.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(args.cors_origin.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::RANGE,
        header::IF_NONE_MATCH,
        header::HeaderName::from_static("prefer"),
        header::HeaderName::from_static("idempotency-key"),
        header::HeaderName::from_static("x-request-id"),
        header::HeaderName::from_static("traceparent"),
    ];
    let exposed = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        header::CONTENT_RANGE,
        header::HeaderName::from_static("server-timing"),
        header::HeaderName::from_static("x-request-id"),
        header::HeaderName::from_static("x-matte-uncertainty"),
        header::HeaderName::from_static("x-foreground-left"),
        header::HeaderName::from_static("x-foreground-top"),
        header::HeaderName::from_static("x-foreground-width"),
        header::HeaderName::from_static("x-foreground-height"),
    ];
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    Some(CorsLayer::new().allow_origin(origins).allow_methods(methods).allow_headers(headers).expose_headers(exposed))
}
