//! The pipes between a server and a worker that it started.
//!
//! The worker sends heartbeats through its standard output, the first one when it is ready, and stops when its standard
//! input is closed, which the system does even if the server is killed. Both work whatever the state of the store and
//! of the wall clock.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdout;
use tokio::time::{MissedTickBehavior, interval};

/// The byte of a heartbeat, the control character ACK: drivers print text to standard output.
const HEARTBEAT: u8 = 0x06;

/// Sends heartbeats from a worker that is ready to its server. Never returns.
pub async fn send_heartbeats(period: Duration) {
    let mut output = tokio::io::stdout();
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A server that reads no more has ended, which the other pipe tells.
        let _ = output.write_all(&[HEARTBEAT]).await;
        let _ = output.flush().await;
    }
}

/// Completes in a worker when its server has ended, or tells it to stop.
pub async fn server_ended() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while matches!(input.read(&mut buffer).await, Ok(1..)) {}
}

/// The server's end of the pipe with the heartbeats of a worker.
pub struct Heartbeats(Option<ChildStdout>);

impl Heartbeats {
    pub fn new(output: Option<ChildStdout>) -> Self {
        Self(output)
    }

    /// Waits for the next heartbeat. Never returns if the worker has closed the pipe.
    pub async fn next(&mut self) {
        let mut buffer = [0; 64];
        while let Some(output) = &mut self.0 {
            match output.read(&mut buffer).await {
                Ok(count @ 1..) if buffer[..count].contains(&HEARTBEAT) => return,
                Ok(1..) => {}
                Ok(0) | Err(_) => self.0 = None,
            }
        }
        std::future::pending::<()>().await;
    }
}
