//! What somebody without an account can do to the service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{PASSWORD, Server, USER, memory};

const LOGIN: &str = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Reads until the server closes the connection.
fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn log_ins_whose_clients_disconnect_hold_no_memory_and_are_counted() {
    let server = Server::start_alone(&[]);
    let body = r#"{"username": "nobody", "password": "guess guess"}"#;
    for _ in 0..200 {
        let mut stream = connect(&server);
        stream.write_all(format!("{LOGIN}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    server.wait_until("log-ins over", || server.login("nobody", "guess guess").status == 429);
    thread::sleep(Duration::from_secs(1));
    let counted = server.log().matches("path=\"/api/v1/login\"").count();
    assert!(counted > 20, "{counted} log-ins are in the log");
    let mib = memory(server.pid()) >> 20;
    assert!(mib < 150, "{mib} MiB");
    let metrics = server.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("status=\"499\"") || metrics.contains("status=\"429\""), "{metrics}");
    assert_eq!(server.login("nobody", "guess guess").status, 429);
    assert_eq!(server.login(USER, PASSWORD).status, 200, "others are not shut out");
}

#[test]
fn guesses_at_the_same_time_do_not_pass_the_throttle() {
    let server = Server::spawn(&[]);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..60).map(|_| scope.spawn(|| server.login(USER, "wrong guess").status)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 50);
    let wait: u64 = server.login(USER, PASSWORD).header("retry-after").unwrap().parse().unwrap();
    assert!(wait <= 30, "{wait} s");
}

#[test]
fn a_small_body_has_to_arrive_in_time() {
    let server = Server::spawn(&["--header-timeout=1"]);
    let mut stream = connect(&server);
    stream.write_all(format!("{LOGIN}Content-Length: 60000\r\n\r\n{{").as_bytes()).unwrap();
    let mut sender = stream.try_clone().unwrap();
    // It never stands still for long.
    let sending = thread::spawn(move || {
        let since = Instant::now();
        while sender.write_all(b" ").is_ok() && since.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(100));
        }
        since.elapsed()
    });
    let answer = String::from_utf8_lossy(&read_to_end(&stream)).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("upload_stalled"), "{answer}");
    assert!(sending.join().unwrap() < Duration::from_secs(10));
}

#[test]
fn a_client_that_reads_nothing_is_disconnected() {
    let server = Server::spawn(&["--write-timeout=1"]);
    let mut stream = connect(&server);
    // More than the kernel buffers.
    let request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..20 {
        stream.write_all(request).unwrap();
    }
    thread::sleep(Duration::from_secs(4));
    let received = read_to_end(&stream).len();
    let whole = 20 * server.call("GET", "/docs/swagger-ui-bundle.js", &[], b"").body.len();
    assert!(received < whole, "{received} of {whole} bytes came although nothing was read in time");
}

#[test]
fn an_address_has_a_share_of_the_connections() {
    let server = Server::spawn(&["--max-connections-per-address=3"]);
    let open: Vec<TcpStream> = (0..3).map(|_| connect(&server)).collect();
    for mut stream in &open {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
    }
    let mut refused = connect(&server);
    let _ = refused.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(read_to_end(&refused).is_empty());
    drop(open);
    server.wait_until("free", || server.call("GET", "/livez", &[], b"").status == 200);

    let server = {
        drop(server);
        Server::spawn(&["--max-connections-per-address=3", "--behind-proxy"])
    };
    let open: Vec<TcpStream> = (0..10).map(|_| connect(&server)).collect();
    assert_eq!(server.call("GET", "/livez", &[], b"").status, 200, "the proxy holds the connections of all clients");
    drop(open);
}
