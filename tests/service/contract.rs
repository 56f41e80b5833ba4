//! Each call, and each status and code that it is documented to answer with.

use cameo_core::codec::{self, Format, Image};
use serde_json::{Value, json};

use crate::client::{Client, FORM, form, photo};
use crate::server::{Server, add_user};

const SUBMIT: &str = "/api/v1/upscale/combo";
/// The id of no task, config or user.
const NO_TASK: &str = "00000000-0000-4000-8000-000000000000";

/// A call and the error that it is answered with: client, method, path, body, status and code.
type ErrorCase<'a> = (&'a Client<'a>, &'a str, String, Vec<u8>, u16, &'a str);

fn task_path(call: &str, id: &str) -> String {
    format!("/api/v1/upscale/{call}/{id}")
}

fn photo_form(bytes: &[u8]) -> Vec<u8> {
    form(&[("file", Some("p.jpg"), bytes)])
}

/// A photo that is cut short after its header, so that only its decoder finds out.
fn damaged_photo() -> Vec<u8> {
    photo()[..4000].to_vec()
}

#[test]
fn a_status_has_the_fields_of_the_contract() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let completed = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    let status = ann.wait_until_over(&completed);
    assert_eq!((&status["status"], &status["error"]), (&json!("completed"), &Value::Null));
    assert_eq!(status["result_path"], json!(task_path("result", &completed)));

    let failed = ann.submit_accepted("/api/v1/upscale", &damaged_photo());
    let status = ann.wait_until_over(&failed);
    assert_eq!((&status["status"], &status["error_code"]), (&json!("failed"), &json!("undecodable_image")));
    assert!(status["error"].as_str().unwrap().contains("damaged"), "{status}");
    assert_eq!(status["result_path"], Value::Null);
}

#[test]
fn every_error_has_its_status_and_code() {
    let server = Server::start(&["--max-upload=1", "--max-input-megapixels=1"]);
    add_user(server.folder.path(), "bob", "another horse");
    let (ann, bob) = (Client::new(&server), Client { token: server.token_of("bob", "another horse"), server: &server });
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    let failed = ann.submit_accepted("/api/v1/upscale", &damaged_photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    assert_eq!(ann.wait_until_over(&failed)["status"], "failed");

    for (client, method, path, body, status, code) in error_cases(&ann, &bob, &id, &failed) {
        let response = client.call(method, &path, &[("content-type", FORM)], &body);
        assert_eq!(response.problem(), (status, code.to_string()), "{method} {path}: {response:?}");
    }
    // Refused and failed photos are deleted: only the completed task's result is there.
    server.wait_until("without refused photos", || server.blob_files().len() == 1);
    assert!(server.blob_files()[0].contains(&id));
}

fn error_cases<'a>(ann: &'a Client<'_>, bob: &'a Client<'_>, id: &str, failed: &str) -> Vec<ErrorCase<'a>> {
    let whole = photo_form(&photo());
    let two = form(&[("file", Some("a"), b"x"), ("file", Some("b"), b"y")]);
    let many: Vec<_> = (0..9).map(|_| ("more", None, &b"x"[..])).collect();
    let long = vec![b'x'; 2000];
    let large = vec![b'x'; 3 << 20];
    let wide = codec::encode(&Image::new(1200, 900, vec![0u8; 4 * 1200 * 900]), Format::Png, None).unwrap();
    vec![
        (ann, "POST", format!("{SUBMIT}?enhance_level=huge"), whole.clone(), 400, "invalid_parameter"),
        (ann, "POST", format!("{SUBMIT}?scale=9"), whole.clone(), 400, "invalid_parameter"),
        (ann, "POST", format!("{SUBMIT}?scale=much"), whole.clone(), 400, "invalid_parameter"),
        (ann, "POST", format!("{SUBMIT}?config_id=nothing"), whole.clone(), 400, "unknown_config"),
        (ann, "POST", format!("{SUBMIT}?config_id={NO_TASK}"), whole, 400, "unknown_config"),
        (ann, "POST", SUBMIT.into(), form(&[]), 400, "missing_file"),
        (ann, "POST", SUBMIT.into(), two, 400, "several_files"),
        (ann, "POST", SUBMIT.into(), form(&many), 400, "too_many_fields"),
        (ann, "POST", SUBMIT.into(), form(&[("enhance_level", None, &long)]), 400, "field_too_long"),
        (ann, "POST", SUBMIT.into(), b"no form".to_vec(), 400, "invalid_form"),
        (ann, "POST", SUBMIT.into(), photo_form(b""), 400, "empty_file"),
        (ann, "POST", SUBMIT.into(), photo_form(&large), 413, "body_too_large"),
        (ann, "POST", SUBMIT.into(), photo_form(&wide), 413, "image_too_large"),
        (ann, "POST", SUBMIT.into(), photo_form(b"%PDF-1.4 no picture at all"), 415, "unsupported_image_format"),
        (ann, "POST", SUBMIT.into(), photo_form(&photo()[..20]), 422, "undecodable_image"),
        (ann, "GET", task_path("status", NO_TASK), vec![], 404, "task_not_found"),
        (ann, "GET", task_path("status", "abc"), vec![], 404, "task_not_found"),
        (bob, "GET", task_path("status", id), vec![], 403, "not_your_task"),
        (ann, "GET", task_path("result", NO_TASK), vec![], 404, "task_not_found"),
        (ann, "GET", task_path("result", failed), vec![], 404, "task_failed"),
        (bob, "GET", task_path("result", id), vec![], 403, "not_your_task"),
        (ann, "GET", task_path("events", NO_TASK), vec![], 404, "task_not_found"),
        (bob, "GET", task_path("events", id), vec![], 403, "not_your_task"),
        (ann, "DELETE", format!("/api/v1/upscale/{NO_TASK}"), vec![], 404, "task_not_found"),
        (bob, "DELETE", format!("/api/v1/upscale/{id}"), vec![], 403, "not_your_task"),
        (ann, "GET", "/api/v1/upscale/tasks?limit=0".into(), vec![], 400, "invalid_parameter"),
        (ann, "GET", "/api/v1/upscale/tasks?limit=x".into(), vec![], 400, "invalid_parameter"),
        (ann, "GET", "/api/v2/anything".into(), vec![], 404, "no_such_path"),
        (ann, "PUT", SUBMIT.into(), vec![], 405, "method_not_allowed"),
    ]
}

#[test]
fn no_call_tells_anything_without_a_token() {
    let server = Server::start(&[]);
    let id = Client::new(&server).submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    let body = photo_form(&photo());
    for (method, path) in [
        ("POST", SUBMIT.to_string()),
        ("POST", "/api/v1/upscale".into()),
        ("POST", "/api/v1/cutout".into()),
        ("GET", task_path("status", &id)),
        ("GET", task_path("status", NO_TASK)),
        ("GET", task_path("result", &id)),
        ("GET", task_path("events", &id)),
        ("DELETE", format!("/api/v1/upscale/{id}")),
        ("GET", "/api/v1/upscale/tasks".into()),
        ("GET", "/api/v1/configs".into()),
        ("POST", "/api/v1/configs".into()),
        ("GET", "/api/v1/configs/default".into()),
        ("PUT", "/api/v1/configs/default".into()),
        ("DELETE", "/api/v1/configs/default".into()),
    ] {
        let response = server.call(method, &path, &[("content-type", FORM)], &body);
        assert_eq!(response.problem(), (401, "invalid_token".into()), "{method} {path}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(server.call("GET", "/livez", &[], b"").status, 200);
}

#[test]
fn a_server_without_an_engine_answers_503_and_when_to_try_again() {
    let server = Server::spawn(&["--device=gpu"]);
    let ann = Client::new(&server);
    for response in [ann.submit("/api/v1/upscale", &photo()), ann.get("/readyz")] {
        assert_eq!(response.problem(), (503, "no_engine".into()));
        assert_eq!(response.header("retry-after"), Some("5"));
    }
    assert_eq!(ann.get("/livez").status, 200);
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}
