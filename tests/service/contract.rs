//! Each call and each code it is documented to answer with.

use serde_json::{Value, json};

use crate::server::{Client, FORM, Server, add_user, form, photo};

/// Who calls what with which body, and what comes back.
type Row<'a> = (&'a Client<'a>, &'a str, String, Vec<u8>, u16, &'a str);

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn every_call_answers_as_documented() {
    let server = Server::start(&["--max-upload=1", "--max-input-megapixels=1"]);
    add_user(server.folder.path(), "bob", "another horse");
    let (ann, bob) = (Client::new(&server), Client { token: server.token_of("bob", "another horse"), server: &server });
    let submit = "/api/v1/upscale/combo";

    // A task that is completed, with the fields that the contract names.
    let answer = ann.submit(&format!("/api/v1/upscale?enhance_level=light&config_id={}", ann.quick_config()), &photo());
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.json()["task_id"].as_str().unwrap().to_string();
    let status = ann.finished(&id);
    assert_eq!(status["status"], "completed");
    assert_eq!(status["result_path"], json!(format!("/api/v1/upscale/result/{id}")));
    assert_eq!(status["error"], Value::Null);

    // A task that fails: a photo cut short after its header.
    let cut = &photo()[..4000];
    let failed = ann.accepted("/api/v1/upscale", cut);
    let status = ann.finished(&failed);
    assert_eq!((status["status"].as_str(), status["error_code"].as_str()), (Some("failed"), Some("undecodable_image")));
    assert!(status["error"].as_str().unwrap().contains("damaged"), "{status}");

    let path = |call: &str, id: &str| format!("/api/v1/upscale/{call}/{id}");
    let whole = form(&[("file", Some("p.jpg"), &photo())]);
    let file = |bytes: &[u8]| form(&[("file", Some("p.jpg"), bytes)]);
    let two = form(&[("file", Some("a"), b"x"), ("file", Some("b"), b"y")]);
    let many: Vec<_> = (0..9).map(|_| ("more", None, &b"x"[..])).collect();
    let long = vec![b'x'; 2000];
    let large = vec![b'x'; 3 << 20];
    let wide = cameo::codec::Image::new(1200, 900, vec![0u8; 4 * 1200 * 900]);
    let wide = cameo::codec::encode(&wide, cameo::codec::Format::Png, None).unwrap();

    let rows: Vec<Row> = vec![
        (&ann, "POST", format!("{submit}?enhance_level=huge"), whole.clone(), 400, "invalid_parameter"),
        (&ann, "POST", format!("{submit}?scale=9"), whole.clone(), 400, "invalid_parameter"),
        (&ann, "POST", format!("{submit}?scale=much"), whole.clone(), 400, "invalid_parameter"),
        (&ann, "POST", format!("{submit}?config_id=nothing"), whole.clone(), 400, "unknown_config"),
        (&ann, "POST", format!("{submit}?config_id={NOBODY}"), whole.clone(), 400, "unknown_config"),
        (&ann, "POST", submit.into(), form(&[]), 400, "missing_file"),
        (&ann, "POST", submit.into(), two, 400, "several_files"),
        (&ann, "POST", submit.into(), form(&many), 400, "too_many_fields"),
        (&ann, "POST", submit.into(), form(&[("enhance_level", None, &long)]), 400, "field_too_long"),
        (&ann, "POST", submit.into(), b"no form".to_vec(), 400, "invalid_form"),
        (&ann, "POST", submit.into(), file(b""), 400, "empty_file"),
        (&ann, "POST", submit.into(), file(&large), 413, "body_too_large"),
        (&ann, "POST", submit.into(), file(&wide), 413, "image_too_large"),
        (&ann, "POST", submit.into(), file(b"%PDF-1.4 no picture at all"), 415, "unsupported_image_format"),
        (&ann, "POST", submit.into(), file(&photo()[..20]), 422, "undecodable_image"),
        (&ann, "GET", path("status", NOBODY), vec![], 404, "task_not_found"),
        (&ann, "GET", path("status", "abc"), vec![], 404, "task_not_found"),
        (&bob, "GET", path("status", &id), vec![], 403, "not_your_task"),
        (&ann, "GET", path("result", NOBODY), vec![], 404, "task_not_found"),
        (&ann, "GET", path("result", &failed), vec![], 404, "task_failed"),
        (&bob, "GET", path("result", &id), vec![], 403, "not_your_task"),
        (&ann, "GET", path("events", NOBODY), vec![], 404, "task_not_found"),
        (&bob, "GET", path("events", &id), vec![], 403, "not_your_task"),
        (&ann, "DELETE", format!("/api/v1/upscale/{NOBODY}"), vec![], 404, "task_not_found"),
        (&bob, "DELETE", format!("/api/v1/upscale/{id}"), vec![], 403, "not_your_task"),
        (&ann, "GET", "/api/v1/upscale/tasks?limit=0".into(), vec![], 400, "invalid_parameter"),
        (&ann, "GET", "/api/v1/upscale/tasks?limit=x".into(), vec![], 400, "invalid_parameter"),
        (&ann, "GET", "/api/v2/anything".into(), vec![], 404, "no_such_path"),
        (&ann, "PUT", submit.into(), vec![], 405, "method_not_allowed"),
    ];
    for (client, method, path, body, status, code) in rows {
        let answer = client.call(method, &path, &[("content-type", FORM)], &body);
        assert_eq!(answer.refusal(), (status, code.to_string()), "{method} {path}: {answer:?}");
    }

    // Without a token, nothing is told: not even whether there is such a task.
    for (method, path) in [
        ("POST", submit.to_string()),
        ("POST", "/api/v1/upscale".into()),
        ("POST", "/api/v1/cutout".into()),
        ("GET", path("status", &id)),
        ("GET", path("status", NOBODY)),
        ("GET", path("result", &id)),
        ("GET", path("events", &id)),
        ("DELETE", format!("/api/v1/upscale/{id}")),
        ("GET", "/api/v1/upscale/tasks".into()),
        ("GET", "/api/v1/configs".into()),
        ("POST", "/api/v1/configs".into()),
        ("GET", "/api/v1/configs/default".into()),
        ("PUT", "/api/v1/configs/default".into()),
        ("DELETE", "/api/v1/configs/default".into()),
    ] {
        let answer = server.call(method, &path, &[("content-type", FORM)], &whole);
        assert_eq!(answer.refusal(), (401, "invalid_token".into()), "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(server.call("GET", "/livez", &[], b"").status, 200);

    // What was refused or has failed left nothing: only the completed task's result is there.
    server.until("tidy", || files(&server).len() == 1);
    assert!(files(&server)[0].contains(&id));
}

/// Names of all files that hold pictures.
pub fn files(server: &Server) -> Vec<String> {
    let list = |folder: &str| std::fs::read_dir(server.data().join("blobs").join(folder)).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    list("inputs").chain(list("results")).map(name).collect()
}

#[test]
fn a_server_without_an_engine_answers_503_and_when_to_try_again() {
    let server = Server::begin(&["--device=gpu"]);
    let ann = Client::new(&server);
    for answer in [ann.submit("/api/v1/upscale", &photo()), ann.get("/readyz")] {
        assert_eq!(answer.refusal(), (503, "no_engine".into()));
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(ann.get("/livez").status, 200);
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}
