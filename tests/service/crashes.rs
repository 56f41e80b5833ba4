//! Processes that die: no task is lost or published twice, and nothing is left behind.

use std::collections::HashSet;
use std::time::Duration;

use crate::client::{Client, photo};
use crate::server::{Server, signal};

/// Pseudorandom numbers, the same in each run: the linear congruential generator of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn fifty_kills_lose_nothing_and_publish_nothing_twice() {
    let mut server = Server::start(&["--lease=3"]);
    let token = server.token();
    let mut accepted = HashSet::new();
    let mut random = Random(7);
    for kill in 0..50 {
        server.wait_until_ready();
        accepted.extend(submit_two(&Client { token: token.clone(), server: &server }));
        std::thread::sleep(Duration::from_millis(random.below(1000)));
        if kill % 5 == 4 {
            server.kill();
            server.restart();
        } else if let Some(worker) = server.workers().first() {
            signal(*worker, "KILL");
        }
    }
    assert!(accepted.len() > 20, "{} tasks were accepted", accepted.len());
    server.wait_until_ready();
    let ann = Client { token, server: &server };
    let etags: HashSet<String> = accepted.iter().filter_map(|id| etag_of_result(&ann, id)).collect();
    assert_eq!(etags.len(), 1, "the same photo gives the same bytes, however often its task was started");
    let listed = listed_tasks(&ann);
    assert!(accepted.is_subset(&listed), "no task is lost");
    let completed = listed.iter().filter(|id| ann.status(id)["status"] == "completed").count();
    // One file for each completed task: what runs left that were cut off is removed.
    server.wait_until("without orphans", || server.blob_files().len() == completed);
}

/// Submits two photos, and returns the ids of the tasks that were accepted.
fn submit_two(ann: &Client<'_>) -> Vec<String> {
    let responses = [(); 2].map(|()| ann.submit("/api/v1/upscale?enhance_level=light", &photo()));
    let accepted = responses.iter().filter(|response| response.status == 200);
    accepted.map(|response| response.json()["task_id"].as_str().unwrap().to_string()).collect()
}

/// Waits until a task is over, and returns the tag of its result. It may have failed only because its worker was killed
/// in each of its runs.
fn etag_of_result(ann: &Client<'_>, id: &str) -> Option<String> {
    let status = ann.wait_until_over(id);
    if status["status"] != "completed" {
        assert_eq!(status["error_code"], "worker_lost", "{status}");
        return None;
    }
    let result = ann.result(id);
    assert_eq!(result.status, 200, "{status}");
    Some(result.header("etag").unwrap().to_string())
}

fn listed_tasks(ann: &Client<'_>) -> HashSet<String> {
    let list = ann.get("/api/v1/upscale/tasks?limit=100").json();
    let tasks = list["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["task_id"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_worker_that_hangs_is_replaced_and_its_task_runs_again() {
    let server = Server::start(&["--lease=2"]);
    let ann = Client::new(&server);
    let hung = server.workers()[0];
    let id = ann.submit_accepted("/api/v1/cutout", &photo());
    server.wait_until("running", || ann.status(&id)["status"] == "processing");
    signal(hung, "STOP");
    server.wait_until("without an engine", || ann.get("/readyz").status == 503);
    assert_eq!(ann.get("/livez").status, 200);
    let status = ann.wait_until_over(&id);
    assert_eq!(status["status"], "completed", "{status}");
    assert!(!server.workers().contains(&hung));
    let metrics = ann.get("/metrics").text();
    assert!(metrics.contains("cameo_worker_restarts_total 1"), "{metrics}");
}

#[test]
fn a_task_that_always_takes_too_long_fails() {
    let server = Server::start(&["--lease=2", "--task-timeout=1"]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/cutout", &photo());
    let status = ann.wait_until_over(&id);
    assert_eq!((status["status"].as_str(), status["error_code"].as_str()), (Some("failed"), Some("timed_out")));
    server.wait_until("without the photo", || server.blob_files().is_empty());
}

#[test]
fn a_server_that_is_told_to_stop_returns_its_tasks_to_the_queue() {
    let mut server = Server::start(&[]);
    let (id, token) = {
        let ann = Client::new(&server);
        let id = ann.submit_accepted("/api/v1/cutout", &photo());
        server.wait_until("running", || ann.status(&id)["status"] == "processing");
        (id, ann.token)
    };
    let workers = server.workers();
    assert!(server.terminate(), "{}", server.log());
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("task returned to the queue") && line.contains(&id)), "{log}");
    assert!(workers.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}/exe")).exists()), "no worker stays");
    server.restart();
    server.wait_until_ready();
    let ann = Client { token, server: &server };
    let status = ann.wait_until_over(&id);
    assert_eq!(status["status"], "completed", "{status}");
}

#[test]
fn a_running_task_that_is_cancelled_costs_no_worker() {
    let server = Server::start(&["--lease=2"]);
    let ann = Client::new(&server);
    let workers = server.workers();
    // IS-Net: its one long stage runs for longer than the lease after the task is cancelled.
    let id = ann.submit_accepted("/api/v1/cutout", &photo());
    server.wait_until("running", || ann.status(&id)["stage"] == "matte");
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{id}")).status, 200);
    let next = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    server.wait_until("running the next task", || {
        assert_eq!(ann.get("/readyz").status, 200);
        ann.status(&next)["status"] == "completed"
    });
    assert_eq!(server.workers(), workers);
    assert!(ann.get("/metrics").text().contains("cameo_worker_restarts_total 0"));
}
