//! TLS with a certificate from files, which are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::settings::TlsFiles;

/// How often the files of the certificate are compared with what is in use.
const PERIOD: Duration = Duration::from_secs(10);

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The certificate or its key cannot be used.
    #[error("cannot use {path} for TLS: {reason}", path = .path.display())]
    Tls { path: PathBuf, reason: String },
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    /// The content of the files when they were last read, whether they could be used or not.
    read: Mutex<[Vec<u8>; 2]>,
}

impl Certificate {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`ServerError::Tls`] if one of the files cannot be read, or the key is not the certificate's.
    pub fn open(files: &TlsFiles) -> Result<Arc<Self>, ServerError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let content = read_files(files)?;
        let current = RwLock::new(Arc::new(certified_key(files, &content, &provider)?));
        Ok(Arc::new(Self { files: files.clone(), provider, current, read: Mutex::new(content) }))
    }

    /// Returns what accepts TLS connections with this certificate.
    ///
    /// # Errors
    /// [`ServerError::Tls`] if the cryptography library supports no version of TLS.
    pub fn acceptor(self: Arc<Self>) -> Result<TlsAcceptor, ServerError> {
        let config = rustls::ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&self.files.cert, error))?
            .with_no_client_auth()
            .with_cert_resolver(self);
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again when they change, and at SIGHUP, until this future is dropped. A certificate that cannot
    /// be used is logged, and the previous one stays in use: its two files may have been written one after the other.
    pub async fn watch(&self) {
        let mut hang_up = HangUp::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = hang_up.wait() => {}
            }
            match self.reload() {
                Ok(true) => tracing::info!("new connections use the certificate that was renewed"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the certificate was not renewed: the previous one stays in use"),
            }
        }
    }

    /// Returns whether the files have changed and are in use now.
    fn reload(&self) -> Result<bool, ServerError> {
        let content = read_files(&self.files)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == content {
            return Ok(false);
        }
        let key = certified_key(&self.files, &content, &self.provider);
        *read = content;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key?);
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Returns the content of the certificate's file and of the key's.
fn read_files(files: &TlsFiles) -> Result<[Vec<u8>; 2], ServerError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| unusable(path, error));
    Ok([read(&files.cert)?, read(&files.key)?])
}

/// What to do about a file without a usable certificate.
const CHAIN_FORM: &str = "write the certificate chain as PEM, the server's own certificate first";

fn certified_key(
    files: &TlsFiles,
    [cert, key]: &[Vec<u8>; 2],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, ServerError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert).collect();
    let chain = match chain {
        Ok(chain) if !chain.is_empty() => chain,
        Ok(_) => return Err(unusable(&files.cert, format!("it has no certificate: {CHAIN_FORM}"))),
        Err(error) => return Err(unusable(&files.cert, format!("{error}: {CHAIN_FORM}"))),
    };
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| unusable(&files.key, format!("{error}: write the private key as PEM, without a password")))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        let key = files.key.display();
        unusable(&files.cert, format!("{error}: use the certificate that belongs to the key in {key}"))
    })
}

fn unusable(path: &Path, reason: impl ToString) -> ServerError {
    ServerError::Tls { path: path.to_path_buf(), reason: reason.to_string() }
}

/// The signal by which operators ask a server to read its files again.
#[cfg(unix)]
struct HangUp(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl HangUp {
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    async fn wait(&mut self) {
        let received = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if received.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
struct HangUp;

#[cfg(not(unix))]
impl HangUp {
    fn new() -> Self {
        Self
    }

    async fn wait(&mut self) {
        std::future::pending().await
    }
}
