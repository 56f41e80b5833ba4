//! Processes that die: none of their tasks is lost, none is published twice, nothing is left lying about.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::contract::files;
use crate::server::{Client, Server, photo, signal};

/// The same at every run, and spread evenly enough.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn fifty_kills_lose_nothing_and_publish_nothing_twice() {
    let mut server = Server::start(&["--lease=3"]);
    let token = server.token();
    let mut dice = Dice(7);
    let mut accepted = HashSet::new();
    let photo = photo();
    let mut server_kills = 0;
    for kill in 0..50 {
        server.until_ready();
        {
            let ann = Client { token: token.clone(), server: &server };
            for _ in 0..2 {
                let answer = ann.submit("/api/v1/upscale?enhance_level=light", &photo);
                if answer.status == 200 {
                    accepted.insert(answer.json()["task_id"].as_str().unwrap().to_string());
                }
            }
        }
        std::thread::sleep(Duration::from_millis(dice.below(1000)));
        if kill % 5 == 4 {
            server_kills += 1;
            server.kill();
            server.restart();
        } else if let Some(worker) = server.workers().first() {
            signal(*worker, "KILL");
        }
    }
    assert!(server_kills == 10 && accepted.len() > 20, "{} tasks were accepted", accepted.len());
    server.until_ready();
    let ann = Client { token, server: &server };
    let mut results = HashSet::new();
    for id in &accepted {
        let status = ann.finished(id);
        // A task may fail only because its worker was killed each of the four times it ran.
        match status["status"].as_str() {
            Some("completed") => {
                let result = ann.result(id);
                assert_eq!(result.status, 200, "{status}");
                results.insert(result.header("etag").unwrap().to_string());
            }
            _ => assert_eq!(status["error_code"], "worker_lost", "{status}"),
        }
    }
    assert_eq!(results.len(), 1, "the same photo gives the same bytes, however often it was begun");
    let listed: HashSet<String> = ann.get("/api/v1/upscale/tasks?limit=100").json()["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["task_id"].as_str().unwrap().to_string())
        .collect();
    assert!(accepted.is_subset(&listed), "none is lost");
    let completed = listed.iter().filter(|id| ann.status(id)["status"] == "completed").count();
    // One file for each completed task: the results of runs that were cut off are gone.
    server.until("tidy", || files(&server).len() == completed);
}

#[test]
fn a_worker_that_hangs_is_replaced_and_its_task_runs_again() {
    let server = Server::start(&["--lease=2"]);
    let ann = Client::new(&server);
    let first = server.workers()[0];
    let id = ann.accepted("/api/v1/cutout", &photo());
    server.until("running", || ann.status(&id)["status"] == "processing");
    signal(first, "STOP");
    let since = Instant::now();
    server.until("not ready", || ann.get("/readyz").status == 503);
    assert!(since.elapsed() < Duration::from_secs(10));
    assert_eq!(ann.get("/livez").status, 200);
    let status = ann.finished(&id);
    assert_eq!(status["status"], "completed", "{status}");
    assert!(!server.workers().contains(&first));
    let metrics = ann.get("/metrics").text();
    assert!(metrics.contains("cameo_worker_restarts_total 1"), "{metrics}");
}

#[test]
fn a_task_that_takes_too_long_is_given_up_in_the_end() {
    let server = Server::start(&["--lease=2", "--task-timeout=1"]);
    let ann = Client::new(&server);
    let id = ann.accepted("/api/v1/cutout", &photo());
    let status = ann.finished(&id);
    assert_eq!((status["status"].as_str(), status["error_code"].as_str()), (Some("failed"), Some("timed_out")));
    server.until("tidy", || files(&server).is_empty());
}

#[test]
fn a_server_that_is_told_to_stop_gives_its_tasks_back() {
    let mut server = Server::start(&["--shutdown-timeout=10"]);
    let (id, token) = {
        let ann = Client::new(&server);
        let id = ann.accepted("/api/v1/cutout", &photo());
        server.until("running", || ann.status(&id)["status"] == "processing");
        (id, ann.token.clone())
    };
    let workers = server.workers();
    let (took, well) = server.terminate();
    assert!(well && took < Duration::from_secs(10), "{took:?}: {}", server.log());
    assert!(workers.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}/exe")).exists()), "no worker stays");
    server.restart();
    server.until_ready();
    let ann = Client { token, server: &server };
    let status = ann.finished(&id);
    assert_eq!(status["status"], "completed", "{status}");
}

#[test]
fn a_running_task_that_is_cancelled_costs_no_worker() {
    let server = Server::start(&["--lease=2"]);
    let ann = Client::new(&server);
    let workers = server.workers();
    // IS-Net: its one long stage goes on for longer than the lease after the task is cancelled.
    let id = ann.accepted("/api/v1/cutout", &photo());
    server.until("running", || ann.status(&id)["stage"] == "matte");
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{id}")).status, 200);
    let next = ann.accepted("/api/v1/upscale?enhance_level=light", &photo());
    while ann.status(&next)["status"] != "completed" {
        assert_eq!(ann.get("/readyz").status, 200);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.workers(), workers);
    assert!(ann.get("/metrics").text().contains("cameo_worker_restarts_total 0"));
}
