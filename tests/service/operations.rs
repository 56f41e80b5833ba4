//! What operators rely on: configuration, health, traces, metrics, and an OpenAPI document that is true.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, photo};
use crate::common;
use crate::server::{Server, cameo, signal};

#[test]
fn responses_have_a_request_id_a_trace_and_security_headers() {
    let server = Server::spawn(&["--cors-origin=https://app.example"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let response = server.call("GET", "/livez", &[("x-request-id", "order-7"), ("traceparent", &parent)], b"");
    assert_eq!(response.header("x-request-id"), Some("order-7"));
    let continued = response.header("traceparent").unwrap();
    assert!(continued.starts_with(&format!("00-{trace}-")) && !continued.contains("00f067aa0ba902b7"), "{continued}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(response.header(name), Some(value));
    }
    let unsafe_id = server.call("GET", "/livez", &[("x-request-id", "a b\"c")], b"");
    assert_ne!(unsafe_id.header("x-request-id"), Some("a b\"c"), "an id that would break a log is replaced");

    let page = |origin| server.call("GET", "/livez", &[("origin", origin)], b"");
    assert_eq!(page("https://app.example").header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(page("https://evil.example").header("access-control-allow-origin"), None);
    let compressed = [("origin", "https://app.example"), ("content-encoding", "gzip")];
    let refused = server.call("POST", "/api/v1/login", &compressed, b"");
    assert_eq!(refused.problem(), (415, "unsupported_encoding".into()));
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn metrics_count_requests_tasks_and_stages() {
    let server = Server::start(&["--log-format=json"]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    ann.wait_until_over(&id);
    ann.result(&id);
    let metrics = ann.get("/metrics").text();
    for line in [
        "cameo_requests_total{method=\"POST\",route=\"/api/v1/upscale\",status=\"200\"} 1",
        "cameo_tasks{status=\"completed\",operation=\"enhance\"} 1",
        "cameo_queue_length 0",
        "cameo_queue_age_seconds 0",
        "cameo_stage_runs_total{stage=\"enhance\"} 1",
        "cameo_worker_restarts_total 0",
        "cameo_workers_ready 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(!metrics.contains("cameo_sent_bytes_total 0\n") && !metrics.contains("cameo_received_bytes_total 0\n"));
    for line in server.log().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "not JSON: {line}");
    }
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cameo.toml");
    let run = |text: &str, environment: &[(&str, &str)], flags: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let mut command = cameo();
        command.arg("serve").arg("--config").arg(&file).args(flags).envs(environment.iter().copied());
        command.arg("--data").arg(folder.path().join("data"));
        // The address cannot be bound, which ends the program with an error that names the address.
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let text =
        "listen = \"203.0.113.1:1\"\nmax-queue = 3\nno_query_tokens = true\ncors-origin = [\"https://a.example\"]\n";
    assert!(run(text, &[], &[]).contains("cannot listen on 203.0.113.1:1"));
    assert!(run(text, &[("CAMEO_LISTEN", "203.0.113.1:2")], &[]).contains("203.0.113.1:2"));
    let both = run(text, &[("CAMEO_LISTEN", "203.0.113.1:2")], &["--listen=203.0.113.1:3"]);
    assert!(both.contains("203.0.113.1:3"), "{both}");
    for (text, sentence) in [
        ("lissten = 1", "lissten is not a setting"),
        ("listen = 5", "invalid value '5'"),
        ("no-query-tokens = \"maybe\"", "no-query-tokens cannot be"),
        ("max-queue = ", "is not TOML"),
        ("[table]\na = 1", "table is not a setting"),
        ("lease = 0", "0 is not in 2..=3600"),
        ("listen = [\"203.0.113.1:1\", \"203.0.113.1:2\"]", "listen cannot be"),
        ("listen = \"203.0.113.1:1\"\nworkers = [1, 2]", "workers cannot be [1, 2]"),
        ("listen = \"203.0.113.1:1\"\ncors-origin = [[\"https://a.example\"]]", "cors-origin cannot be"),
    ] {
        let stderr = run(text, &[], &[]);
        assert!(stderr.contains(sentence), "{text}: {stderr}");
    }
    let missing = cameo().args(["serve", "--config", "/nowhere.toml"]).output().unwrap();
    assert!(
        !missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("cannot read /nowhere.toml")
    );
    let help = String::from_utf8(cameo().args(["serve", "--help"]).output().unwrap().stdout).unwrap();
    for flag in ["--max-upload", "--keep-results", "--tls-cert", "CAMEO_LISTEN", "--shutdown-timeout"] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let run = |flag: &str, secret: &[u8]| {
        let mut command = cameo();
        // The address cannot be bound, which ends a server whose settings are valid.
        command.args(["serve", "--listen=203.0.113.1:1", flag, "--data"]).arg(folder.path().join("data"));
        command.env("CAMEO_TOKEN_SECRET", OsStr::from_bytes(secret));
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    for (flag, sentence) in [
        ("--max-connections=0", "0 is not in 1.."),
        ("--max-connections-per-address=0", "0 is not in 1.."),
        ("--max-tasks-per-user=0", "0 is not in 1.."),
        ("--max-queue=0", "0 is not in 1.."),
        ("--max-queue-megapixels=inf", "use megapixels from 0"),
        ("--max-queue-megapixels=nan", "use megapixels from 0"),
        ("--cors-origin=exa mple", "use scheme and host"),
        ("--cors-origin=app.example", "use scheme and host"),
        ("--cors-origin=https://app.example/", "use scheme and host"),
    ] {
        let stderr = run(flag, b"");
        assert!(stderr.contains(sentence), "{flag}: {stderr}");
    }
    let stderr = run("--workers=1", &[0xff; 40]);
    assert!(stderr.contains("CAMEO_TOKEN_SECRET is not UTF-8"), "{stderr}");
    for origin in ["*", "https://app.example", "http://localhost:3000", "http://[::1]:3000"] {
        let stderr = run(&format!("--cors-origin={origin}"), b"");
        assert!(stderr.contains("cannot listen"), "{origin}: {stderr}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_request() {
    // The first lines, 40 KiB at most, reach the file. After that nobody reads from the pipe, which holds 64 KiB.
    let script = "exec \"$@\" 2> >(dd bs=4096 count=10 status=none; exec sleep 300)";
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_under(&["bash", "-c", script, "bash"], folder, &[]);
    for number in 0..800 {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer);
        assert!(read.is_ok() && answer == *b"HTTP/1.1 404", "request {number}: {read:?}");
    }
    signal(server.pid(), "TERM");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn the_documentation_page_needs_nothing_from_other_servers() {
    let server = Server::spawn(&[]);
    let page = server.call("GET", "/docs/", &[], b"");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
    assert!(!page.text().contains("src=\"http"), "{}", page.text());
    let document = server.call("GET", "/openapi.json", &[], b"").json();
    let calls: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(calls, 17);
    assert!(document["components"]["schemas"]["Problem"].is_object());
}

/// Makes thousands of calls that are generated from the OpenAPI document. None may fail the server, and each must be
/// answered as documented.
#[test]
fn generated_calls_are_answered_as_the_document_says() {
    let server = Server::start(&["--max-tasks-per-user=3", "--max-upload=1"]);
    let token = server.token();
    let python = common::python();
    let output = Command::new(python.with_file_name("schemathesis"))
        .args(["run", &format!("http://127.0.0.1:{}/openapi.json", server.port)])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--max-examples", "40", "--seed", "1"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--exclude-path-regex", "/events/", "--phases", "examples,coverage,fuzzing", "--request-timeout", "60"])
        .current_dir(server.folder.path())
        .output()
        .expect("schemathesis runs");
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{}", report.lines().rev().take(25).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
    assert!(output.status.success(), "{report}");
}
