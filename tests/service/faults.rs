//! Faults that clients, other users and operators run into.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, FORM, form, photo};
use crate::server::{PASSWORD, Server, USER, add_user, operator};

/// A PNG of one colour with `side` pixels per side: small as a file, large as a photo.
fn flat_photo(side: u32) -> Vec<u8> {
    let image = cameo_core::codec::Image::<u8>::new(side, side, vec![200; side as usize * side as usize * 4]);
    cameo_core::codec::encode(&image, cameo_core::codec::Format::Png, None).unwrap()
}

/// Sends raw bytes, and returns what comes back until the server closes the connection.
fn exchange(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_repeated_submission_is_answered_whatever_the_queue() {
    let server = Server::start(&["--max-tasks-per-user=1"]);
    let ann = Client::new(&server);
    let submit = |key| ann.submit_with("/api/v1/cutout", &photo(), &[("idempotency-key", key)]);
    let first = submit("one").json()["task_id"].clone();
    assert_eq!(submit("two").problem(), (429, "too_many_tasks".into()));
    let again = submit("one");
    assert_eq!((again.status, &again.json()["task_id"]), (200, &first));
}

#[test]
fn a_server_that_stops_keeps_nobody_waiting() {
    let mut server = Server::start(&[]);
    let (token, port) = (server.token(), server.port);
    let slow = flat_photo(3000);
    let id = Client::new(&server).submit_accepted("/api/v1/cutout", &slow);
    let get = |path: String| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut events = get(format!("/api/v1/upscale/events/{id}"));
    assert!(events.read(&mut [0; 100]).unwrap() > 0);
    let url = format!("http://127.0.0.1:{port}/api/v1/cutout");
    let bearer = format!("Bearer {token}");
    let waiting = thread::spawn(move || {
        let headers = [("authorization", bearer.as_str()), ("content-type", FORM), ("prefer", "wait=100")];
        crate::response::Response::fetch("POST", &url, &headers, &form(&[("file", Some("p"), &slow)]))
    });
    thread::sleep(Duration::from_secs(2));
    let since = Instant::now();
    assert!(server.terminate(), "{}", server.log());
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    let answer = waiting.join().unwrap();
    assert!(answer.status == 200 && answer.json()["task_id"].is_string(), "{answer:?}");
    assert!(!server.log().contains("some requests were cut off"));
}

#[test]
fn events_are_not_held_back_and_end_with_the_right_to_see_them() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/cutout", &flat_photo(3000));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request =
        format!("GET /api/v1/upscale/events/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n", ann.bearer());
    stream.write_all(request.as_bytes()).unwrap();
    let mut start = [0; 2000];
    let count = stream.read(&mut start).unwrap();
    let start = String::from_utf8_lossy(&start[..count]).to_ascii_lowercase();
    assert!(start.contains("x-accel-buffering: no"), "{start}");
    assert!(operator(&["user", "disable", USER], server.folder.path(), "").status.success());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("\"completed\""), "{rest}");
}

#[test]
fn a_refused_upload_is_read_so_that_its_sender_sees_the_answer() {
    let server = Server::spawn(&[]);
    let body = form(&[("file", Some("p"), &vec![7; 6 << 20])]);
    for (path, status) in [("/api/v1/cutout", "401"), ("/nowhere", "404"), ("/livez", "405")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // The whole request is written before anything is read: a connection that is reset makes that fail.
        let answer = exchange(&server, &[head.as_bytes(), &body].concat());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer:.300}");
    }
    let head = format!("POST /api/v1/cutout HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", 60 << 20);
    let answer = exchange(&server, format!("{head}Expect: 100-continue\r\nConnection: close\r\n\r\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401"), "it is not asked for: {answer:.300}");
}

#[test]
fn requests_that_lack_something_are_told_what() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let refused = |headers: &[(&str, &str)], body: &[u8], expected: (u16, &str), detail: &str| {
        let response = ann.call("POST", "/api/v1/cutout", headers, body);
        assert_eq!(response.problem(), (expected.0, expected.1.into()), "{response:?}");
        assert!(response.json()["detail"].as_str().unwrap().contains(detail), "{response:?}");
    };
    let is_form = [("content-type", FORM)];
    let photo = photo();
    for name in ["image", "file[]"] {
        let body = form(&[(name, Some("a.jpg"), &photo)]);
        refused(&is_form, &body, (400, "missing_file"), "name the part file");
    }
    let body = form(&[("file", Some("a.jpg"), &photo)]);
    refused(&[("content-type", "multipart/form-data")], &body, (400, "invalid_form"), "boundary");
    let compressed = [("content-type", FORM), ("content-encoding", "gzip")];
    refused(&compressed, &body, (415, "unsupported_encoding"), "without compression");
    let mut long = body;
    long.splice(14..14, format!("X: {}\r\n", "y".repeat(2 << 20)).bytes());
    refused(&is_form, &long, (400, "invalid_form"), "header of a part");
    assert!(exchange(&server, b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n").contains("missing_host"));
    let id = ann.submit_accepted("/api/v1/upscale", &photo);
    assert_eq!(ann.get(&format!("/api/v1/upscale/status/%7B{id}%7D")).status, 404);
    assert_eq!(ann.get(&format!("/api/v1/upscale/status/{}", id.replace('-', ""))).status, 200);
}

#[test]
fn log_ins_come_in_every_form_that_tools_send() {
    let server = Server::spawn(&[]);
    let login = |kind, body: &[u8]| server.call("POST", "/api/v1/login", &[("content-type", kind)], body).status;
    let parts = form(&[("username", None, USER.as_bytes()), ("password", None, PASSWORD.as_bytes())]);
    assert_eq!(login(FORM, &parts), 200);
    let json = format!("\u{feff}{}", json!({"username": USER, "password": PASSWORD}));
    assert_eq!(login("application/json", json.as_bytes()), 200);
    assert_eq!(login("application/json; charset=utf-8", &json.as_bytes()[..20]), 400);
}

#[test]
fn one_user_does_not_fill_the_queue_alone() {
    let server = Server::start(&["--max-queue-megapixels=40"]);
    add_user(server.folder.path(), "bob", PASSWORD);
    let ann = Client::new(&server);
    let bob = Client { token: server.token_of("bob", PASSWORD), server: &server };
    let large = flat_photo(2000);
    let accepted = (0..12).filter(|_| ann.submit("/api/v1/cutout", &large).status == 200).count();
    // One of them may run already, so its room is free again.
    assert!((5..=7).contains(&accepted), "{accepted}");
    assert_eq!(ann.submit("/api/v1/cutout", &large).problem(), (503, "queue_full".into()));
    assert_eq!(bob.submit("/api/v1/cutout", &photo()).status, 200);
}

#[test]
fn a_damaged_result_is_the_servers_fault() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    let [file] = &server.blob_files()[..] else { panic!("there is one file") };
    let path = server.data().join("blobs/results").join(file);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..1000]).unwrap();
    let as_webp = ann.call("GET", &format!("/api/v1/upscale/result/{id}"), &[("accept", "image/webp")], b"");
    for response in [ann.result(&id), as_webp] {
        assert_eq!(response.problem(), (500, "internal_error".into()));
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(ann.result(&id).problem(), (500, "internal_error".into()));
    assert!(server.log().contains("is missing or was cut short"));
}

#[test]
fn a_server_whose_data_is_deleted_is_not_ready() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    fs::rename(server.data(), server.folder.path().join("elsewhere")).unwrap();
    assert_eq!(server.call("GET", "/readyz", &[], b"").problem(), (503, "store_unavailable".into()));
    assert_eq!(ann.submit("/api/v1/cutout", &photo()).problem(), (503, "store_unavailable".into()));
}
