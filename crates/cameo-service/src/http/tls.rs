//! TLS with a certificate from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::settings::TlsFiles;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The certificate or its key cannot be used.
    #[error("cannot use {path} for TLS: {reason}", path = .path.display())]
    Tls { path: PathBuf, reason: String },
}

/// Reads the certificate and its key.
///
/// # Errors
/// [`ServerError::Tls`] if one of the files cannot be read, or the key is not the certificate's.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServerError> {
    let TlsFiles { cert, key } = files;
    let chain = CertificateDer::pem_file_iter(cert).map_err(|error| unusable(cert, error))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| unusable(cert, error))?;
    let private_key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(cert, error))?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(|error| unusable(cert, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn unusable(path: &Path, reason: impl ToString) -> ServerError {
    ServerError::Tls { path: path.to_path_buf(), reason: reason.to_string() }
}
