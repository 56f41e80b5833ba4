//! Hostile files, slow connections and more work than fits in the queue; and how fast the API answers meanwhile.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cameo_core::codec::{self, Format};

use crate::client::{Client, photo};
use crate::common;
use crate::server::{Server, memory};

/// Ten times the 17 ms and 0.4 ms that were measured on two cores which other programs used as well. A request that
/// waited for the engine would take seconds.
const MAX_REFUSAL_MEDIAN: Duration = Duration::from_millis(170);
const MAX_STATUS_MEDIAN: Duration = Duration::from_millis(4);

/// A PNG whose header states a size, and that has no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 1, 2, 3, 4]);
    bytes
}

fn hostile_files() -> Vec<Vec<u8>> {
    let jpeg = photo();
    let [png, webp] =
        [Format::Png, Format::WebP].map(|format| codec::encode(&common::pattern(64, 64), format, None).unwrap());
    let mut files = vec![
        b"\0".to_vec(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
        b"GIF89a".to_vec(),
        b"BM".to_vec(),
        b"II*\0".to_vec(),
        b"MM\0*\0\0\0\x08\xff\xff".to_vec(),
        b"RIFF\xff\xff\xff\xffWEBPVP8X".to_vec(),
        b"\xff\xd8\xff".to_vec(),
        b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(),
        b"PK\x03\x04 a zip".to_vec(),
        b"\x7fELF".to_vec(),
        b"#!/bin/sh\nreboot".to_vec(),
        png_header(0, 0),
        png_header(1, 1),
        png_header(1, u32::MAX),
        png_header(u32::MAX, u32::MAX),
        png_header(i32::MAX as u32, i32::MAX as u32),
        png_header(50_000, 50_000),
        vec![0xff; 100_000],
    ];
    for (bytes, cuts) in [(&jpeg, [3, 30, 200, 700, 5000]), (&png, [9, 30, 40, 60, 500]), (&webp, [9, 15, 20, 30, 60])]
    {
        files.extend(cuts.iter().map(|cut| bytes[..*cut].to_vec()));
        // Damaged in the header, and further on.
        for at in [12, 25, bytes.len() / 2] {
            let mut damaged = bytes.clone();
            damaged[at..at + 4].fill(0xee);
            files.push(damaged);
        }
    }
    files
}

#[test]
fn hostile_files_are_refused_or_fail_and_harm_nothing_else() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let files = hostile_files();
    assert!(files.len() >= 40, "{}", files.len());
    for (index, bytes) in files.iter().enumerate() {
        let response = ann.submit("/api/v1/upscale?enhance_level=light", bytes);
        match response.status {
            // Only the decoder finds the damage: then the task fails.
            200 => {
                let id = response.json()["task_id"].as_str().unwrap().to_string();
                let status = ann.wait_until_over(&id);
                let code = status["error_code"].as_str().unwrap_or_default();
                let refused = ["undecodable_image", "image_too_large"].contains(&code);
                assert!(refused || status["status"] == "completed", "{index}: {status}");
            }
            400 | 413 | 415 | 422 => drop(response.problem()),
            _ => panic!("{index}: {response:?}"),
        }
    }
    assert_eq!(server.log().matches("a worker is replaced").count(), 0, "no worker died of them");
    let kept = ann.get("/api/v1/upscale/tasks?limit=100").json();
    let completed = kept["tasks"].as_array().unwrap().iter().filter(|task| task["status"] == "completed").count();
    server.wait_until("without refused photos", || server.blob_files().len() == completed);
}

#[test]
fn slow_connections_cost_little_memory_and_are_closed() {
    const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
    let server = Server::start_alone(&["--header-timeout=5", "--max-connections-per-address=1000"]);
    // What the server allocates only once does not count.
    Client::new(&server).submit("/api/v1/upscale", &photo());
    let before = memory(server.pid());

    // Clients that open a connection and send next to nothing.
    let opened = Instant::now();
    let slow: Vec<TcpStream> = (0..500)
        .map(|index| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            let start = ["", "GET /livez HTTP/1.1\r\n", "POST /api/v1/upscale HTTP/1.1\r\nHost: x\r\nX: "][index % 3];
            stream.write_all(start.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(server.call("GET", "/livez", &[], b"").status, 200);
    }
    assert!(opened.elapsed() < HEADER_TIMEOUT, "it answers before the first of them is closed");
    let grown = memory(server.pid()).saturating_sub(before);
    println!("memory grew by {} KiB", grown >> 10);
    assert!(grown < 64 << 20, "memory grew by {} MiB", grown >> 20);

    for mut stream in slow {
        stream.set_read_timeout(Some(2 * HEADER_TIMEOUT)).unwrap();
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_ok(), "a slow client is still connected");
    }
}

#[test]
fn an_upload_that_stalls_is_ended() {
    let server = Server::start(&["--body-timeout=1"]);
    let token = server.token();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let head = format!(
        "POST /api/v1/upscale HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000\r\n\
         Content-Type: multipart/form-data; boundary=X\r\n\r\n\
         --X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 408") && response.contains("upload_stalled"), "{response}");
    server.wait_until("without the photo", || server.blob_files().is_empty());
}

#[test]
fn at_ten_times_its_capacity_it_refuses_at_once_and_completes_what_it_accepted() {
    let server = Server::start_alone(&["--max-queue=8", "--max-tasks-per-user=1000"]);
    let token = server.token();
    let photo = photo();
    let (accepted, refused) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let left = AtomicUsize::new(50);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let ann = Client { token: token.clone(), server: &server };
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let since = Instant::now();
                    let response = ann.submit("/api/v1/cutout", &photo);
                    let elapsed = since.elapsed();
                    if response.status == 200 {
                        accepted.lock().unwrap().push(response.json()["task_id"].as_str().unwrap().to_string());
                    } else {
                        assert_eq!(response.problem(), (503, "queue_full".into()), "{response:?}");
                        assert!(response.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
                        refused.lock().unwrap().push(elapsed);
                    }
                }
            });
        }
    });
    let (accepted, mut refused) = (accepted.into_inner().unwrap(), refused.into_inner().unwrap());
    refused.sort();
    let median = refused[refused.len() / 2];
    println!("{} accepted, {} refused: median {median:?}, last {:?}", accepted.len(), refused.len(), refused.last());
    assert!(accepted.len() >= 4 && refused.len() >= 40);
    assert!(median < MAX_REFUSAL_MEDIAN, "{median:?}");
    let ann = Client { token, server: &server };
    for id in &accepted {
        assert_eq!(ann.wait_until_over(id)["status"], "completed");
    }
}

#[test]
fn a_status_is_answered_at_once_while_a_task_runs() {
    let server = Server::start_alone(&[]);
    let ann = Client::new(&server);
    // Several, so that the worker computes all the while.
    let ids: Vec<String> = (0..4).map(|_| ann.submit_accepted("/api/v1/cutout", &photo())).collect();
    let id = &ids[0];
    server.wait_until("running", || ann.status(id)["stage"] == "matte");
    // 200 requests per second on one connection, as a client that polls sends them.
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", server.port)).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    let request = format!("GET /api/v1/upscale/status/{id}?token={} HTTP/1.1\r\nHost: x\r\n\r\n", ann.token);
    let start = Instant::now();
    let mut times = Vec::new();
    for index in 0..600u32 {
        std::thread::sleep((start + Duration::from_millis(5) * index).saturating_duration_since(Instant::now()));
        let since = Instant::now();
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        read_status(&mut stream);
        times.push(since.elapsed());
    }
    assert_ne!(ann.status(&ids[3])["status"], "completed", "the worker computed all the while");
    times.sort();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("status: median {median:?}, 99th percentile {p99:?}");
    assert!(median < MAX_STATUS_MEDIAN, "{median:?}");
}

/// Reads one response, and checks that it states its length and that its body is a task.
fn read_status(stream: &mut BufReader<TcpStream>) {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the connection was closed");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    assert!(body.starts_with(b"{\"task_id\""), "{}", String::from_utf8_lossy(&body));
}
