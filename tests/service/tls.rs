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
    let [cert, key] = certificate.flags();
    let refusal = || {
        let mut command = cameo();
        command.args(["serve", "--listen=203.0.113.1:1", &cert, &key, "--data"]).arg(certificate.folder.path());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let expect = |file: &str, advice: &str| {
        let stderr = refusal();
        let is_told = ["cannot use", file, advice].iter().all(|part| stderr.contains(part));
        assert!(is_told, "{file}, {advice}: {stderr}");
    };
    let other_key = fs::read(certificate.key()).unwrap();
    certificate.renew();
    let [own_cert, own_key] = [certificate.cert(), certificate.key()].map(|path| fs::read(path).unwrap());
    fs::write(certificate.key(), other_key).unwrap();
    expect("cert.pem", "use the certificate that belongs to the key in");
    fs::write(certificate.key(), "no key").unwrap();
    expect("key.pem", "write the private key as PEM");
    fs::write(certificate.key(), own_key).unwrap();
    for unusable in [&[][..], &own_cert[..own_cert.len() / 2]] {
        fs::write(certificate.cert(), unusable).unwrap();
        expect("cert.pem", "write the certificate chain as PEM");
    }
}

#[test]
fn a_certificate_needs_its_key_wherever_each_is_given() {
    let certificate = Certificate::new();
    let [cert, key] = certificate.flags();
    let file = certificate.folder.path().join("cameo.toml");
    let run = |text: &str, flags: &[&String], environment: &[(&str, &Path)]| {
        fs::write(&file, text).unwrap();
        let mut command = cameo();
        // The address cannot be bound, which ends a server whose settings are valid.
        command.args(["serve", "--listen=203.0.113.1:1", "--config"]).arg(&file).args(flags);
        command.envs(environment.iter().copied()).arg("--data").arg(certificate.folder.path().join("data"));
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let [cert_line, key_line] = [("cert", certificate.cert()), ("key", certificate.key())]
        .map(|(name, path)| format!("tls-{name} = {path:?}\n"));
    for stderr in
        [run(&cert_line, &[], &[]), run("", &[&cert], &[]), run("", &[], &[("CAMEO_TLS_CERT", &certificate.cert())])]
    {
        assert!(stderr.contains("--tls-cert needs --tls-key"), "{stderr}");
    }
    for stderr in [run(&key_line, &[], &[]), run("", &[&key], &[])] {
        assert!(stderr.contains("--tls-key needs --tls-cert"), "{stderr}");
    }
    for stderr in [
        run(&[cert_line.as_str(), key_line.as_str()].concat(), &[], &[]),
        run(&cert_line, &[&key], &[]),
        run(&key_line, &[], &[("CAMEO_TLS_CERT", &certificate.cert())]),
    ] {
        assert!(stderr.contains("cannot listen on 203.0.113.1:1"), "{stderr}");
    }
}

#[test]
fn signals_that_come_while_a_server_starts_are_neither_lost_nor_deadly() {
    // A demo waits for its engine before it accepts connections.
    let mut server = Server::spawn_alone(&["--demo"]);
    signal(server.pid(), "TERM");
    assert_eq!(server.exit_code(), Some(0));
    drop(server);

    let certificate = Certificate::new();
    let [cert, key] = certificate.flags();
    let mut server = Server::spawn_alone(&["--demo", &cert, &key]);
    signal(server.pid(), "HUP");
    server.wait_until("ready", || answer(&server, &certificate.cert()).contains("200 OK"));
    signal(server.pid(), "TERM");
    assert_eq!(server.exit_code(), Some(0));
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
