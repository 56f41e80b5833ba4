//! `cargo xtask soak --hours N`: a mixed load on a real server, after which nothing may be lost, left behind or grown.
//!
//! - `server`: the server in a process of its own, its memory and its files
//! - `client`: requests to it
//! - `load`: who sends them: users, strangers, and what befalls workers and the disk
//! - `samples`: the memory, descriptors, threads and disk over time

mod client;
mod faults;
mod load;
mod samples;
mod server;

use std::time::{Duration, Instant};

use crate::quality;
use client::Client;
use load::Load;
use samples::Samples;
use server::Server;

/// Samples of a run, at most one a second.
const SAMPLES: u32 = 2000;

/// How long the accepted tasks may take to end after the load, and the files of refused uploads to disappear.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, clap::Args)]
pub struct SoakArgs {
    /// How long the load lasts; fractions are allowed
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    hours: f64,
    /// Starts the sequence of random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub fn soak(args: SoakArgs) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the soak reads /proc: run it on Linux".into());
    }
    let duration = Duration::try_from_secs_f64(args.hours * 3600.0)
        .ok()
        .filter(|duration| *duration >= Duration::from_secs(60))
        .ok_or("--hours must be at least 0.017, which is a minute")?;
    let server = Server::start(&quality::build_cameo()?)?;
    let client = Client::log_in(server.port)?;
    let load = Load::new(&server, client.clone(), args.seed)?;
    let samples = std::thread::scope(|scope| {
        load.start(scope);
        let samples = take_samples(&server, duration);
        load.stop();
        samples
    })?;
    println!("{samples}\n{}", load.summary());
    let mut broken = load.broken();
    broken.extend(samples.growth());
    broken.extend(after_the_load(&server, &client)?);
    broken.extend(samples.left_open(&server.sample(duration)?));
    broken.extend(server.panics()?);
    match broken.is_empty() {
        true => Ok(()),
        false => {
            Err(format!("the soak has found something:\n{}\nthe log is {}", broken.join("\n"), server.log.display()))
        }
    }
}

fn take_samples(server: &Server, duration: Duration) -> Result<Samples, String> {
    let start = Instant::now();
    let pause = (duration / SAMPLES).max(Duration::from_secs(1));
    let mut samples = Samples::default();
    while start.elapsed() < duration {
        samples.add(server.sample(start.elapsed())?);
        std::thread::sleep(pause);
    }
    Ok(samples)
}

/// Deletes all tasks, and waits until no file is left. Returns what is left.
fn after_the_load(server: &Server, client: &Client) -> Result<Option<String>, String> {
    while client.delete_tasks()? > 0 {}
    let start = Instant::now();
    loop {
        let left = server.blobs()?;
        if left.is_empty() {
            return Ok(None);
        }
        if start.elapsed() > PATIENCE {
            return Ok(Some(format!("{} files belong to no task: {}", left.len(), left.join(", "))));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
