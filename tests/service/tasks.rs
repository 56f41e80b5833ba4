//! Tasks from submission to their end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract::files;
use crate::server::{Client, FORM, Server, form, photo};

/// The photo at 3x as large a side: keeps a worker busy for seconds.
fn slow_photo() -> Vec<u8> {
    cameo::codec::encode(&crate::common::pattern(1500, 1500), cameo::codec::Format::Png, None).unwrap()
}

#[test]
fn tasks_live_as_their_users_expect() {
    let server = Server::start(&["--max-tasks-per-user=6"]);
    let ann = Client::new(&server);
    waiting_and_running_tasks_tell_where_they_are(&ann);
    the_next_photo_is_read_while_the_engine_is_busy(&ann);
    the_engine_begins_with_the_next_while_a_result_is_encoded(&ann);
    a_submission_can_wait_for_its_picture(&ann);
    the_same_key_gives_the_same_task(&ann);
    a_list_has_pages(&ann);
    one_user_may_have_so_many_tasks(&ann);
    all_kinds_give_what_they_should(&ann);
}

#[test]
fn where_each_photo_must_be_alone_all_are_finished() {
    let server = Server::start(&["--max-megapixels-in-flight=0"]);
    let ann = Client::new(&server);
    let slow = slow_photo();
    let mut ids: Vec<String> = (0..3)
        .flat_map(|_| [ann.accepted("/api/v1/cutout", &slow), ann.accepted("/api/v1/upscale", &photo())])
        .collect();
    // The photo of the next waits for the room of the first, and is wanted no more.
    server.until("busy", || ann.status(&ids[0])["stage"] == "matte");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{}", ids.remove(1))).status, 200);
    for id in &ids {
        assert_eq!(ann.finished(id)["status"], "completed");
    }
    // Those after a cut-out, which takes long enough.
    for next in [1, 2, 4] {
        assert!(began_ahead(&ann, &ids[next]), "{next}");
    }
}

#[test]
fn two_workers_read_ahead_as_well() {
    let server = Server::start(&["--workers=2"]);
    let ann = Client::new(&server);
    let ids = [(); 6].map(|()| ann.accepted("/api/v1/cutout", &slow_photo()));
    for id in &ids {
        assert_eq!(ann.finished(id)["status"], "completed");
    }
    assert!(ids.iter().any(|id| began_ahead(&ann, id)));
}

fn waiting_and_running_tasks_tell_where_they_are(ann: &Client) {
    let slow = slow_photo();
    let running = ann.accepted("/api/v1/cutout", &slow);
    let first = ann.accepted("/api/v1/cutout", &slow);
    let second = ann.accepted("/api/v1/upscale", &photo());
    ann.server.until("running", || ann.status(&running)["stage"] == "matte");
    let status = ann.status(&running);
    assert_eq!((&status["status"], &status["queue_position"]), (&json!("processing"), &Value::Null));
    let progress = status["progress"].as_f64().unwrap();
    assert!(progress > 0.0 && progress < 1.0, "{status}");
    assert!(status["started_at"].as_str().unwrap() >= status["created_at"].as_str().unwrap());
    assert_eq!(ann.status(&first)["queue_position"], 1);
    assert_eq!(ann.status(&second)["queue_position"], 2);
    assert_eq!(ann.get(&format!("/api/v1/upscale/result/{first}")).refusal(), (404, "result_not_ready".into()));

    // Waiting and running ones are cancelled, and their photos are gone.
    for id in [&first, &running] {
        let answer = ann.delete(&format!("/api/v1/upscale/{id}"));
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("cancelled")), "{answer:?}");
        assert_eq!(ann.get(&format!("/api/v1/upscale/result/{id}")).refusal(), (404, "task_cancelled".into()));
    }
    let events = ann.get(&format!("/api/v1/upscale/events/{second}"));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let told: Vec<Value> = events
        .text()
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
        .collect();
    assert_eq!(told.last().unwrap()["status"], "completed", "{events:?}");
    assert_eq!(told[0]["status"], "pending");
    let status = ann.status(&second);
    assert_eq!((&status["width"], &status["height"], &status["engine"]), (&json!(1024), &json!(1024), &json!("cpu")));
    assert!(status["stage_ms"]["enhance"].as_f64().unwrap() > 0.0);

    // What is over is deleted, result and all.
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{second}")).status, 204);
    assert_eq!(ann.get(&format!("/api/v1/upscale/status/{second}")).refusal(), (404, "task_not_found".into()));
    ann.server.until("tidy", || files(ann.server).is_empty());
}

/// Whether the photo of a task was being read when the task was claimed.
fn began_ahead(ann: &Client, id: &str) -> bool {
    let log = ann.server.log();
    log.lines().find(|line| line.contains("began") && line.contains(id)).expect("it began").contains("ahead=true")
}

fn the_next_photo_is_read_while_the_engine_is_busy(ann: &Client) {
    let slow = slow_photo();
    let [running, dropped, next] = [(); 3].map(|()| ann.accepted("/api/v1/cutout", &slow));
    ann.server.until("busy", || ann.status(&running)["stage"] == "matte");
    // What was read for nothing is in nobody's way.
    assert_eq!(ann.delete(&format!("/api/v1/upscale/{dropped}")).status, 200);
    for id in [&running, &next] {
        assert_eq!(ann.finished(id)["status"], "completed");
    }
    assert_eq!([running, next].map(|id| began_ahead(ann, &id)), [false, true]);
}

fn the_engine_begins_with_the_next_while_a_result_is_encoded(ann: &Client) {
    let body = json!({"name": "small", "options": {"compression": "small"}});
    let small = ann.json("POST", "/api/v1/configs", &body).json()["id"].as_str().unwrap().to_string();
    let path = format!("/api/v1/upscale?config_id={small}");
    let [first, second] = [slow_photo(), slow_photo()].map(|photo| ann.accepted(&path, &photo));
    ann.server
        .until("both run", || ann.status(&first)["stage"] == "encode" && ann.status(&second)["status"] == "processing");
    let [first, second] = [first, second].map(|id| ann.finished(&id));
    assert_eq!((&first["status"], &second["status"]), (&json!("completed"), &json!("completed")));
    assert!(second["started_at"].as_str() < first["finished_at"].as_str(), "{first} {second}");
}

fn a_submission_can_wait_for_its_picture(ann: &Client) {
    let answer = ann.submit_with("/api/v1/upscale?enhance_level=light", &photo(), &[("prefer", "wait=60")]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")), "{answer:?}");
    assert_eq!(answer.header("preference-applied"), Some("wait"));
    assert!(answer.body.starts_with(b"\x89PNG"));
    let since = Instant::now();
    let answer = ann.submit_with("/api/v1/upscale/combo", &photo(), &[("prefer", "respond-async, wait=1")]);
    assert!(answer.json()["task_id"].is_string() && since.elapsed() < Duration::from_secs(4), "{answer:?}");
    ann.finished(answer.json()["task_id"].as_str().unwrap());
    let cut = photo()[..4000].to_vec();
    let answer = ann.submit_with("/api/v1/upscale", &cut, &[("prefer", "wait=60")]);
    assert_eq!(answer.refusal(), (404, "task_failed".into()));
}

fn the_same_key_gives_the_same_task(ann: &Client) {
    let key = [("idempotency-key", "order 66")];
    let path = "/api/v1/upscale?enhance_level=light";
    let first = ann.submit_with(path, &photo(), &key).json();
    assert_eq!(ann.submit_with(path, &photo(), &key).json(), first);
    let reused = (422, "idempotency_key_reused".to_string());
    assert_eq!(ann.submit_with("/api/v1/upscale?enhance_level=strong", &photo(), &key).refusal(), reused);
    assert_eq!(ann.submit_with("/api/v1/cutout?enhance_level=light", &photo(), &key).refusal(), reused);
    assert_eq!(ann.submit_with(path, &photo()[..5000], &key).refusal(), reused);
    let fields = form(&[("file", Some("p.jpg"), &photo()), ("enhance_level", None, b"light")]);
    let answer = ann.call("POST", "/api/v1/upscale", &[("content-type", FORM), key[0]], &fields);
    assert_eq!(answer.json(), first, "fields of the form and of the query are the same wish");
    ann.finished(first["task_id"].as_str().unwrap());
}

fn a_list_has_pages(ann: &Client) {
    let all = ann.get("/api/v1/upscale/tasks?limit=100").json();
    let all = all["tasks"].as_array().unwrap();
    assert!(all.len() >= 4);
    let (mut found, mut next) = (Vec::new(), Value::Null);
    loop {
        let before = next.as_i64().map(|next| format!("&before={next}")).unwrap_or_default();
        let page = ann.get(&format!("/api/v1/upscale/tasks?limit=2{before}")).json();
        found.extend(page["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].clone()));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    let want: Vec<Value> = all.iter().map(|task| task["task_id"].clone()).collect();
    assert_eq!(found, want);
}

fn one_user_may_have_so_many_tasks(ann: &Client) {
    let slow = slow_photo();
    let ids: Vec<String> = (0..6).map(|_| ann.accepted("/api/v1/cutout", &slow)).collect();
    let answer = ann.submit("/api/v1/upscale", &photo());
    assert_eq!(answer.refusal(), (429, "too_many_tasks".into()));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), (Some("6"), Some("0")));
    assert!(answer.header("retry-after").is_some());
    for id in ids {
        assert_eq!(ann.delete(&format!("/api/v1/upscale/{id}")).status, 200);
    }
}

fn all_kinds_give_what_they_should(ann: &Client) {
    let quick = ann.quick_config();
    for (path, message, width, opaque) in [
        ("/api/v1/upscale/combo", "Background removal + enhancement combo task submitted successfully", 1024, false),
        ("/api/v1/cutout", "Background removal task submitted successfully", 512, false),
        ("/api/v1/upscale", "Enhancement task submitted successfully", 1024, true),
    ] {
        let answer = ann.submit(&format!("{path}?config_id={quick}"), &photo());
        assert_eq!(answer.json()["message"], message);
        let id = answer.json()["task_id"].as_str().unwrap().to_string();
        assert_eq!(ann.finished(&id)["status"], "completed");
        let image = cameo::codec::decode(&ann.result(&id).body, &cameo::codec::Limits::default()).unwrap();
        assert_eq!(image.width, width, "{path}");
        let corner = image.pixels[3];
        assert!(if opaque { corner == 255 } else { corner < 5 }, "{path}: the corner has alpha {corner}");
    }
}
