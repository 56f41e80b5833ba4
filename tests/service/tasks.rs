//! Tasks from their submission to their end.

use serde_json::{Value, json};

use crate::client::{Client, FORM, form, photo};
use crate::common;
use crate::server::Server;

/// A photo that keeps a worker busy for seconds.
fn slow_photo() -> Vec<u8> {
    cameo_core::codec::encode(&common::pattern(1500, 1500), cameo_core::codec::Format::Png, None).unwrap()
}

/// Submits three photos to cut out. Each one takes long enough for the next to be prefetched.
fn submit_three(ann: &Client<'_>) -> [String; 3] {
    let slow = slow_photo();
    [(); 3].map(|()| ann.submit_accepted("/api/v1/cutout", &slow))
}

fn wait_until_stage(ann: &Client<'_>, id: &str, stage: &str) {
    ann.server.wait_until(stage, || ann.status(id)["stage"] == stage);
}

fn cancel(ann: &Client<'_>, id: &str) {
    let response = ann.delete(&format!("/api/v1/upscale/{id}"));
    assert_eq!((response.status, &response.json()["status"]), (200, &json!("cancelled")), "{response:?}");
}

/// Returns whether the photo of a task was being loaded before the task was claimed.
fn was_prefetched(ann: &Client<'_>, id: &str) -> bool {
    let log = ann.server.log();
    let started = log.lines().find(|line| line.contains("task started") && line.contains(id));
    started.expect("the task has started").contains("prefetched=true")
}

#[test]
fn a_running_task_has_progress_and_waiting_ones_have_positions() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let [running, first, second] = submit_three(&ann);
    wait_until_stage(&ann, &running, "matte");
    let status = ann.status(&running);
    assert_eq!((&status["status"], &status["queue_position"]), (&json!("processing"), &Value::Null));
    let progress = status["progress"].as_f64().unwrap();
    assert!(progress > 0.0 && progress < 1.0, "{status}");
    assert!(status["started_at"].as_str().unwrap() >= status["created_at"].as_str().unwrap());
    assert_eq!(ann.status(&first)["queue_position"], 1);
    assert_eq!(ann.status(&second)["queue_position"], 2);
    assert_eq!(ann.result(&first).problem(), (404, "result_not_ready".into()));
}

#[test]
fn tasks_are_cancelled_while_they_wait_and_while_they_run() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let ids = submit_three(&ann);
    wait_until_stage(&ann, &ids[0], "matte");
    for id in &ids {
        cancel(&ann, id);
        assert_eq!(ann.result(id).problem(), (404, "task_cancelled".into()));
    }
    server.wait_until("without photos", || server.blob_files().is_empty());
}

#[test]
fn events_follow_a_task_to_its_end() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let before = ann.submit_accepted("/api/v1/cutout", &slow_photo());
    let id = ann.submit_accepted("/api/v1/upscale", &photo());
    let events = ann.get(&format!("/api/v1/upscale/events/{id}"));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let statuses: Vec<Value> = events
        .text()
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
        .collect();
    assert_eq!(statuses[0]["status"], "pending", "{events:?}");
    assert_eq!(statuses.last().unwrap()["status"], "completed", "{events:?}");
    assert_eq!(ann.wait_until_over(&before)["status"], "completed");
    let status = ann.status(&id);
    assert_eq!((&status["width"], &status["height"], &status["engine"]), (&json!(1024), &json!(1024), &json!("cpu")));
    assert!(status["stage_ms"]["enhance"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_task_that_is_over_is_deleted_with_its_result() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{id}")).status, 204);
    assert_eq!(ann.get(&format!("/api/v1/upscale/status/{id}")).problem(), (404, "task_not_found".into()));
    server.wait_until("without files", || server.blob_files().is_empty());
}

#[test]
fn the_next_photo_is_prefetched_while_the_engine_is_busy() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let [running, cancelled, next] = submit_three(&ann);
    wait_until_stage(&ann, &running, "matte");
    // A prefetched photo whose task is cancelled is replaced.
    cancel(&ann, &cancelled);
    for id in [&running, &next] {
        assert_eq!(ann.wait_until_over(id)["status"], "completed");
    }
    assert_eq!([running, next].map(|id| was_prefetched(&ann, &id)), [false, true]);
}

#[test]
fn two_workers_prefetch_as_well() {
    let server = Server::start(&["--workers=2"]);
    let ann = Client::new(&server);
    let slow = slow_photo();
    let ids = [(); 6].map(|()| ann.submit_accepted("/api/v1/cutout", &slow));
    for id in &ids {
        assert_eq!(ann.wait_until_over(id)["status"], "completed");
    }
    assert!(ids.iter().any(|id| was_prefetched(&ann, id)));
}

#[test]
fn where_each_photo_must_be_processed_alone_all_are_completed() {
    let server = Server::start(&["--max-megapixels-in-flight=0", "--log=info,cameo_service=debug"]);
    let ann = Client::new(&server);
    let slow = slow_photo();
    let mut ids: Vec<String> = (0..3)
        .flat_map(|_| {
            let cutout = ann.submit_accepted("/api/v1/cutout", &slow);
            [cutout, ann.submit_accepted("/api/v1/upscale", &photo())]
        })
        .collect();
    // The second photo waits for the pixel budget, which the first one holds. Then nobody wants it any more.
    let prefetching = |line: &str| line.contains("prefetching") && line.contains(&ids[1]);
    server.wait_until("prefetching", || server.log().lines().any(prefetching));
    cancel(&ann, &ids.remove(1));
    for id in &ids {
        assert_eq!(ann.wait_until_over(id)["status"], "completed");
    }
    // Those after a cut-out, which takes long enough.
    for next in [1, 2, 4] {
        assert!(was_prefetched(&ann, &ids[next]), "{next}");
    }
}

#[test]
fn the_engine_starts_the_next_task_while_a_result_is_encoded() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let body = json!({"name": "small", "options": {"compression": "small"}});
    let config = ann.json("POST", "/api/v1/configs", &body).json()["id"].as_str().unwrap().to_string();
    let path = format!("/api/v1/upscale?config_id={config}");
    let [first, second] = [slow_photo(), slow_photo()].map(|photo| ann.submit_accepted(&path, &photo));
    server.wait_until("running both", || {
        ann.status(&first)["stage"] == "encode" && ann.status(&second)["status"] == "processing"
    });
    let [first, second] = [first, second].map(|id| ann.wait_until_over(&id));
    assert_eq!((&first["status"], &second["status"]), (&json!("completed"), &json!("completed")));
    assert!(second["started_at"].as_str() < first["finished_at"].as_str(), "{first} {second}");
}

#[test]
fn a_submission_can_wait_for_its_result() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let response = ann.submit_with("/api/v1/upscale?enhance_level=light", &photo(), &[("prefer", "wait=60")]);
    assert_eq!((response.status, response.header("content-type")), (200, Some("image/png")), "{response:?}");
    assert_eq!(response.header("preference-applied"), Some("wait"));
    assert!(response.body.starts_with(b"\x89PNG"));

    let cut_short = photo()[..4000].to_vec();
    let response = ann.submit_with("/api/v1/upscale", &cut_short, &[("prefer", "wait=60")]);
    assert_eq!(response.problem(), (404, "task_failed".into()));

    // The wait ends before the task does: others come first.
    submit_three(&ann);
    let response = ann.submit_with("/api/v1/upscale/combo", &photo(), &[("prefer", "respond-async, wait=1")]);
    let id = response.json()["task_id"].as_str().unwrap().to_string();
    assert_ne!(ann.status(&id)["status"], "completed");
}

#[test]
fn the_same_idempotency_key_returns_the_same_task() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let key = [("idempotency-key", "order 66")];
    let path = "/api/v1/upscale?enhance_level=light";
    let first = ann.submit_with(path, &photo(), &key).json();
    assert_eq!(ann.submit_with(path, &photo(), &key).json(), first);
    let reused = (422, "idempotency_key_reused".to_string());
    assert_eq!(ann.submit_with("/api/v1/upscale?enhance_level=strong", &photo(), &key).problem(), reused);
    assert_eq!(ann.submit_with("/api/v1/cutout?enhance_level=light", &photo(), &key).problem(), reused);
    assert_eq!(ann.submit_with(path, &photo()[..5000], &key).problem(), reused);
    let fields = form(&[("file", Some("p.jpg"), &photo()), ("enhance_level", None, b"light")]);
    let response = ann.call("POST", "/api/v1/upscale", &[("content-type", FORM), key[0]], &fields);
    assert_eq!(response.json(), first, "a parameter in the form is the same as in the query");
}

#[test]
fn a_list_of_tasks_has_pages() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let mut submitted: Vec<Value> =
        (0..5).map(|_| json!(ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo()))).collect();
    submitted.reverse();
    let (mut listed, mut next) = (Vec::new(), Value::Null);
    loop {
        let before = next.as_i64().map(|next| format!("&before={next}")).unwrap_or_default();
        let page = ann.get(&format!("/api/v1/upscale/tasks?limit=2{before}")).json();
        listed.extend(page["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].clone()));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(listed, submitted, "from the newest to the oldest, each once");
}

#[test]
fn the_tasks_of_one_user_are_limited() {
    let server = Server::start(&["--max-tasks-per-user=3"]);
    let ann = Client::new(&server);
    let ids = submit_three(&ann);
    let response = ann.submit("/api/v1/upscale", &photo());
    assert_eq!(response.problem(), (429, "too_many_tasks".into()));
    assert_eq!(
        (response.header("x-ratelimit-limit"), response.header("x-ratelimit-remaining")),
        (Some("3"), Some("0"))
    );
    assert!(response.header("retry-after").is_some());
    cancel(&ann, &ids[2]);
    ann.submit_accepted("/api/v1/upscale", &photo());
}

#[test]
fn each_operation_answers_with_its_message_and_computes_its_result() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let quick = ann.quick_config();
    for (path, message, width, opaque) in [
        ("/api/v1/upscale/combo", "Background removal + enhancement combo task submitted successfully", 1024, false),
        ("/api/v1/cutout", "Background removal task submitted successfully", 512, false),
        ("/api/v1/upscale", "Enhancement task submitted successfully", 1024, true),
    ] {
        let response = ann.submit(&format!("{path}?config_id={quick}"), &photo());
        assert_eq!(response.json()["message"], message);
        let id = response.json()["task_id"].as_str().unwrap().to_string();
        assert_eq!(ann.wait_until_over(&id)["status"], "completed");
        let limits = cameo_core::codec::InputLimits::default();
        let image = cameo_core::codec::decode(&ann.result(&id).body, &limits).unwrap();
        assert_eq!(image.width, width, "{path}");
        let corner = image.pixels[3];
        assert!(if opaque { corner == 255 } else { corner < 5 }, "{path}: the corner has alpha {corner}");
    }
}

#[test]
fn a_lost_photo_is_not_called_damaged() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let [running, next, lost] = submit_three(&ann);
    wait_until_stage(&ann, &running, "matte");
    // Its photo is not prefetched yet: that of the task before it is.
    std::fs::remove_file(server.data().join("blobs/inputs").join(&lost)).unwrap();
    let status = ann.wait_until_over(&lost);
    assert_eq!((&status["status"], &status["error_code"]), (&json!("failed"), &json!("photo_lost")));
    assert_eq!(status["error"], "the server has lost the photo: submit it again");
    assert_eq!(ann.wait_until_over(&next)["status"], "completed");
    assert!(ann.get("/metrics").text().contains("cameo_worker_restarts_total 0"));
}
