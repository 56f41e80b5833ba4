//! TLS: the certificate, and its renewal while the server runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Server, cameo, signal};

/// A folder with a self-signed certificate for 127.0.0.1.
struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    fn new() -> Self {
        let certificate = Self { folder: tempfile::tempdir().unwrap() };
        certificate.renew();
        certificate
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes a new certificate with a new key.
    fn renew(&self) {
        let openssl = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
            .arg(self.key())
            .arg("-out")
            .arg(self.cert())
            .output()
            .expect("openssl runs");
        assert!(openssl.status.success());
    }

    fn flags(&self) -> [String; 2] {
        [format!("--tls-cert={}", self.cert().display()), format!("--tls-key={}", self.key().display())]
    }

    fn serve(&self) -> Server {
        let [cert, key] = self.flags();
        Server::spawn(&[&cert, &key])
    }
}

/// Returns the answer of a client that trusts `cert` alone; nothing if the server shows another one.
fn answer(server: &Server, cert: &Path) -> String {
    let url = format!("https://127.0.0.1:{}/livez", server.port);
    let curl = Command::new("curl").args(["-s", "-D-", "--cacert"]).arg(cert).arg(&url).output().expect("curl runs");
    String::from_utf8(curl.stdout).unwrap()
}

#[test]
fn a_server_with_a_certificate_speaks_tls() {
    let certificate = Certificate::new();
    let server = certificate.serve();
    let response = answer(&server, &certificate.cert());
    assert!(response.contains("200 OK") && response.contains("strict-transport-security"), "{response}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let certificate = Certificate::new();
    fs::write(certificate.key(), "no key").unwrap();
    let [cert, key] = certificate.flags();
    let mut command = cameo();
    command.args(["serve", "--listen=127.0.0.1:0", &cert, &key, "--data"]).arg(certificate.folder.path());
    let stderr = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(stderr.contains("cannot use") && stderr.contains("key.pem"), "{stderr}");
    assert!(cameo().args(["serve", &cert]).output().unwrap().status.code() == Some(2), "one without the other");
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart() {
    let certificate = Certificate::new();
    let mut server = certificate.serve();
    let old = certificate.folder.path().join("old.pem");
    fs::copy(certificate.cert(), &old).unwrap();
    assert!(answer(&server, &old).contains("200 OK"));

    // Half of a renewal: the key is another one already.
    fs::write(certificate.key(), "half").unwrap();
    signal(server.pid(), "HUP");
    server.wait_until("told", || server.log().contains("the previous one stays in use"));
    assert!(answer(&server, &old).contains("200 OK"));

    certificate.renew();
    server.wait_until("renewed", || answer(&server, &certificate.cert()).contains("200 OK"));
    assert!(answer(&server, &old).is_empty(), "the old certificate is shown no more");

    certificate.renew();
    signal(server.pid(), "HUP");
    server.wait_until("renewed again", || answer(&server, &certificate.cert()).contains("200 OK"));
    assert!(server.terminate());
}
