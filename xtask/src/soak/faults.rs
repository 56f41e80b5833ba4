//! What befalls a server: strangers, killed workers and full disks.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::client::{BOUNDARY, form};
use super::load::Load;

pub const KILL_PAUSE: Duration = Duration::from_secs(20);
pub const DISK_PAUSE: Duration = Duration::from_secs(45);

/// How long the disk stays full.
const FULL_DISK: Duration = Duration::from_secs(5);

/// Kills a worker that is ready, as the system does when memory runs out. If workers were killed while they start, which
/// takes long on a busy machine, no task would ever be computed.
pub fn kill_worker(load: &Load<'_>) {
    let is_ready = load.client.send("GET", "/readyz", &[], &[]).is_ok_and(|answer| answer.status.is_success());
    if is_ready && let Some(worker) = load.server.workers().first() {
        let _ = Command::new("kill").args(["-KILL", &worker.to_string()]).status();
        load.count("workers that were killed");
    }
}

pub fn fill_disk(load: &Load<'_>) {
    let full = load.server.fill_disk();
    std::thread::sleep(FULL_DISK);
    drop(full);
    load.count("times that the disk was full");
}

/// Sends what no honest client does.
pub fn stranger(load: &Load<'_>) {
    let photo = &load.photo;
    let upload = |photo: &[u8]| load.sent(load.client.submit("/api/v1/upscale?enhance_level=light", photo));
    let garbage: Vec<u8> = (0..1 + load.random(4000)).map(|_| load.random(256) as u8).collect();
    let some = load.random(photo.len() as u64) as usize;
    match load.random(7) {
        0 => upload(&garbage),
        1 => upload(&photo[..some.max(1)]),
        2 => {
            let mut damaged = photo.clone();
            damaged[some] ^= 0x55;
            upload(&damaged);
        }
        3 => connect(load, &garbage, true),
        4 => connect(load, &submission(load, "no token"), true),
        // Hangs up in the middle of an upload.
        5 => {
            let whole = submission(load, &load.client.token);
            connect(load, &whole[..whole.len() - photo.len() / 2], false);
        }
        _ => {
            let request = format!(
                "GET /api/v1/upscale/tasks?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
                load.client.token
            );
            connect(load, request.as_bytes(), false);
        }
    }
    load.count("requests of strangers");
}

/// Returns the bytes of a request that submits a photo.
fn submission(load: &Load<'_>, token: &str) -> Vec<u8> {
    let body = form(&load.photo);
    let head = format!(
        "POST /api/v1/upscale HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// Sends bytes on a connection of their own, and hangs up: at once, or when the answer begins.
fn connect(load: &Load<'_>, bytes: &[u8], reads: bool) {
    let answered = TcpStream::connect(("127.0.0.1", load.client.port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(bytes)?;
        if reads { stream.read(&mut [0; 100]) } else { Ok(0) }
    });
    if answered.is_err() {
        load.count("strangers that were cut off");
    }
}
