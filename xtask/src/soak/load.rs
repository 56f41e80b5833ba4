//! Who uses the server: users who submit photos and fetch results, and followers of the tasks that were accepted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use serde_json::json;

use super::PATIENCE;
use super::client::{Answer, Client};
use super::faults;
use super::server::Server;
use crate::{files, project_folder};

/// Pauses between the submissions of photos, and between those of strangers.
const SUBMIT_PAUSE: Duration = Duration::from_millis(700);
const STRANGER_PAUSE: Duration = Duration::from_millis(300);

/// Threads that follow tasks to their end.
const FOLLOWERS: usize = 4;

/// How often the status of a task is asked for.
const POLL_PAUSE: Duration = Duration::from_millis(200);

/// The load on a server, and what came of it.
pub struct Load<'a> {
    pub server: &'a Server,
    pub client: Client,
    /// The photos that are submitted, and a config with the small network.
    pub photo: Vec<u8>,
    config: String,
    stopped: AtomicBool,
    random: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// Accepted tasks that nobody follows yet.
    accepted: VecDeque<String>,
    /// Tasks whose end is not known.
    open: usize,
    /// What happened, and how often.
    counts: BTreeMap<String, u64>,
    /// What must not happen.
    broken: Vec<String>,
}

impl<'a> Load<'a> {
    pub fn new(server: &'a Server, client: Client, seed: u64) -> Result<Self, String> {
        let photo = files::read(&project_folder().join("models/selftest/portrait.png"))?;
        let body = json!({"name": "quick", "options": {"model": "u2netp"}}).to_string();
        let config =
            client.send("POST", "/api/v1/configs", &[("content-type", "application/json")], body.as_bytes())?;
        let config = config.json()["id"].as_str().ok_or_else(|| config.problem())?.to_string();
        let (stopped, random, record) = (AtomicBool::default(), AtomicU64::new(seed), Mutex::default());
        Ok(Self { server, client, photo, config, stopped, random, record })
    }

    /// Starts the threads of the load.
    pub fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        scope.spawn(|| self.repeat(SUBMIT_PAUSE, || self.submit()));
        scope.spawn(|| self.repeat(STRANGER_PAUSE, || faults::stranger(self)));
        scope.spawn(|| self.repeat(faults::KILL_PAUSE, || faults::kill_worker(self)));
        if self.server.has_own_disk {
            scope.spawn(|| self.repeat(faults::DISK_PAUSE, || faults::fill_disk(self)));
        }
        for _ in 0..FOLLOWERS {
            scope.spawn(|| self.follow_all());
        }
    }

    /// Ends the load; accepted tasks are followed to their end.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Runs `action` again and again, after a pause each time.
    fn repeat(&self, pause: Duration, action: impl Fn()) {
        let mut next = Instant::now() + pause;
        while !self.is_stopped() {
            match next.checked_duration_since(Instant::now()) {
                Some(left) => std::thread::sleep(left.min(Duration::from_millis(200))),
                None => {
                    action();
                    next = Instant::now() + pause;
                }
            }
        }
    }

    /// Returns a random number below `limit`: the linear congruential generator of Knuth's MMIX.
    pub fn random(&self, limit: u64) -> u64 {
        let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let state = self.random.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| Some(next(state)));
        (state.unwrap_or_default() >> 33) % limit
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, what: impl Into<String>) {
        *self.record().counts.entry(what.into()).or_default() += 1;
    }

    fn submit(&self) {
        let path = match self.random(5) {
            0 => format!("/api/v1/cutout?config_id={}", self.config),
            1 => format!("/api/v1/upscale/combo?enhance_level=light&config_id={}", self.config),
            _ => "/api/v1/upscale?enhance_level=light".into(),
        };
        self.sent(self.client.submit(&path, &self.photo));
    }

    /// Records the answer to a submission, and has the task followed if it was accepted.
    pub fn sent(&self, answer: Result<Answer, String>) {
        match answer {
            Ok(answer) => match answer.json()["task_id"].as_str() {
                Some(id) => {
                    self.count("submissions that were accepted");
                    let mut record = self.record();
                    record.accepted.push_back(id.into());
                    record.open += 1;
                }
                None => self.count(format!("submissions that were refused: {}", answer.problem())),
            },
            Err(error) => self.record().broken.push(format!("there was no answer: {error}")),
        }
    }

    /// Follows tasks until the load is over and all of them have ended.
    fn follow_all(&self) {
        loop {
            let next = {
                let mut record = self.record();
                record.accepted.pop_front().ok_or(record.open)
            };
            match next {
                Ok(id) => {
                    if let Err(broken) = self.follow(&id) {
                        self.record().broken.push(format!("task {id}: {broken}"));
                    }
                    self.record().open -= 1;
                }
                Err(0) if self.is_stopped() => return,
                Err(_) => std::thread::sleep(POLL_PAUSE),
            }
        }
    }

    /// Follows a task to its end, and fetches its result.
    fn follow(&self, id: &str) -> Result<(), String> {
        if self.random(3) == 0 {
            self.client.follow(id)?;
            self.count("event streams that were read to their end");
        }
        let start = Instant::now();
        let task = loop {
            let task = self.client.get(&format!("/api/v1/upscale/status/{id}"))?.json();
            match task["status"].as_str() {
                Some("pending" | "processing") if start.elapsed() < PATIENCE => std::thread::sleep(POLL_PAUSE),
                Some("completed" | "failed") => break task,
                _ => return Err(format!("it has not ended: {task}")),
            }
        };
        if task["status"] == "failed" {
            let code = task["error_code"].as_str().filter(|_| task["error"].is_string());
            self.count(format!(
                "tasks that failed: {}",
                code.ok_or_else(|| format!("it failed without a reason: {task}"))?
            ));
            return Ok(());
        }
        self.count("tasks that were completed");
        self.fetch(id)
    }

    fn fetch(&self, id: &str) -> Result<(), String> {
        let path = format!("/api/v1/upscale/result/{id}");
        let webp = [("accept", "image/webp")];
        let range = [("range", "bytes=100-199")];
        let (kind, headers, start): (_, &[(&str, &str)], &[u8]) = match self.random(4) {
            0 => ("WebP", &webp, b"RIFF"),
            1 => ("part", &range, b""),
            _ => ("PNG", &[], b"\x89PNG"),
        };
        let answer = self.client.send("GET", &path, headers, &[])?;
        match answer.status.is_success() {
            true if answer.body.starts_with(start) && answer.body.len() >= 100 => {
                self.count(format!("results as {kind}"))
            }
            true => return Err(format!("its result as {kind} has {} bytes", answer.body.len())),
            // As when the disk has no room for a WebP.
            false => self.count(format!("results that were refused: {}", answer.problem())),
        }
        // The others expire.
        if self.random(2) == 0 {
            self.client.delete(&format!("/api/v1/upscale/{id}"))?;
            self.count("tasks that were deleted");
        }
        Ok(())
    }

    /// Returns what happened, one kind a line.
    pub fn summary(&self) -> String {
        let lines: Vec<String> = self.record().counts.iter().map(|(what, count)| format!("{count:7} {what}")).collect();
        lines.join("\n")
    }

    /// Returns what must not happen but did.
    pub fn broken(&self) -> Vec<String> {
        let record = self.record();
        let is_idle = !record.counts.contains_key("tasks that were completed");
        let nothing = is_idle.then(|| "no task was completed".to_string());
        record.broken.iter().cloned().chain(nothing).collect()
    }
}
