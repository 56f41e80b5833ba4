//! Clients that watch tasks or wait for them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, photo};
use crate::common;
use crate::server::{PASSWORD, Server, add_user};

/// A photo that keeps a worker busy for seconds.
fn slow_photo() -> Vec<u8> {
    cameo_core::codec::encode(&common::pattern(1500, 1500), cameo_core::codec::Format::Png, None).unwrap()
}

/// Opens the event stream of a task, and returns it after the first bytes of its answer, with these.
fn open_stream(ann: &Client<'_>, id: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", ann.server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (path, bearer) = (format!("/api/v1/upscale/events/{id}"), ann.bearer());
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n\r\n").as_bytes()).unwrap();
    let mut start = [0; 2000];
    let count = stream.read(&mut start).unwrap();
    (stream, String::from_utf8_lossy(&start[..count]).into_owned())
}

#[test]
fn the_event_streams_of_a_user_are_limited() {
    let server = Server::start(&["--max-streams-per-user=2"]);
    add_user(server.folder.path(), "bob", PASSWORD);
    let ann = Client::new(&server);
    let bob = Client { token: server.token_of("bob", PASSWORD), server: &server };
    let id = ann.submit_accepted("/api/v1/cutout", &slow_photo());
    let of_bob = bob.submit_accepted("/api/v1/cutout", &slow_photo());
    let mut streams = vec![open_stream(&ann, &id), open_stream(&ann, &id)];
    assert!(streams.iter().all(|(_, start)| start.starts_with("HTTP/1.1 200")), "{streams:?}");
    let refused = ann.get(&format!("/api/v1/upscale/events/{id}"));
    assert_eq!(refused.problem(), (429, "too_many_streams".into()));
    assert!(refused.header("retry-after").is_some() && refused.text().contains("close one"), "{refused:?}");
    assert!(open_stream(&bob, &of_bob).1.starts_with("HTTP/1.1 200"), "others have their own");
    streams.pop();
    server.wait_until("free", || open_stream(&ann, &id).1.starts_with("HTTP/1.1 200"));
}

#[test]
fn all_streams_of_a_task_tell_of_each_change() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/cutout", &photo());
    let streams: Vec<(TcpStream, String)> = (0..10).map(|_| open_stream(&ann, &id)).collect();
    let ends = streams.into_iter().map(|(mut stream, mut text)| {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut rest = Vec::new();
        while !text.contains("\"completed\"") {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => rest.extend_from_slice(&bytes[..count]),
                Err(_) => {}
            }
            text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut rest)));
        }
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        events.map(|event| serde_json::from_str::<Value>(event).unwrap()["progress"].as_f64().unwrap()).collect()
    });
    let ends: Vec<Vec<f64>> = ends.collect();
    for progress in &ends {
        assert!(progress.is_sorted() && progress.last() == Some(&1.0), "{progress:?}");
        assert!(progress.len() > 2, "{progress:?}");
    }
}

#[test]
fn a_submission_whose_client_waits_counts_as_one_task() {
    let server = Server::start(&["--max-tasks-per-user=2"]);
    let ann = Client::new(&server);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let ann = Client { token: ann.token.clone(), server: &server };
            ann.submit_with("/api/v1/cutout", &slow_photo(), &[("prefer", "wait=100")])
        });
        let tasks = || ann.get("/api/v1/upscale/tasks").json()["tasks"].as_array().unwrap().len();
        server.wait_until("accepted", || tasks() == 1);
        ann.submit_accepted("/api/v1/upscale", &photo());
        assert_eq!(ann.submit("/api/v1/upscale", &photo()).problem(), (429, "too_many_tasks".into()));
        assert_eq!(waiting.join().unwrap().status, 200);
    });
}
