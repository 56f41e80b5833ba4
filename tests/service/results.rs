//! Fetching results, and their expiry.

use cameo_models::manifest::hex_sha256;

use crate::client::{Client, photo};
use crate::response::Response;
use crate::server::{Server, operator};

/// Completes a task, and returns its id, the path of its result and the result.
fn completed(ann: &Client<'_>) -> (String, String, Response) {
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    ann.wait_until_over(&id);
    let path = format!("/api/v1/upscale/result/{id}");
    let whole = ann.get(&path);
    assert_eq!(whole.status, 200);
    (id, path, whole)
}

#[test]
fn a_result_is_fetched_whole_or_in_parts() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let (id, path, whole) = completed(&ann);
    let length = whole.body.len().to_string();
    let tag = format!("\"{}\"", hex_sha256(&whole.body));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", length.as_str()),
        ("etag", tag.as_str()),
        ("accept-ranges", "bytes"),
        ("content-disposition", &format!("attachment; filename=\"cameo-{id}.png\"")),
        ("x-content-type-options", "nosniff"),
        ("vary", "accept"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    assert!(whole.header("server-timing").unwrap().contains("enhance;dur="));

    let part = ann.call("GET", &path, &[("range", "bytes=100-199")], b"");
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..200]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 100-199/{length}").as_str()));
    let last = ann.call("GET", &path, &[("range", "bytes=-10"), ("if-range", &tag)], b"");
    assert_eq!((last.status, &last.body[..]), (206, &whole.body[whole.body.len() - 10..]));
    for other in ["\"another\"".to_string(), format!("W/{tag}")] {
        let all = ann.call("GET", &path, &[("range", "bytes=-10"), ("if-range", &other)], b"");
        assert_eq!((all.status, all.body.len()), (200, whole.body.len()), "{other}");
    }
    let beyond = ann.call("GET", &path, &[("range", "bytes=99999999-")], b"");
    assert_eq!(beyond.problem(), (416, "range_not_satisfiable".into()));
}

#[test]
fn a_result_that_the_client_has_is_not_sent_again_unless_in_another_format() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let (_, path, whole) = completed(&ann);
    let (tag, length) = (whole.header("etag").unwrap(), whole.body.len().to_string());
    let known = ann.call("GET", &path, &[("if-none-match", &format!("\"x\", W/{tag}"))], b"");
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)));
    let head = ann.call("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some(length.as_str())));

    // The WebP has the same pixels and another tag.
    let webp = ann.call("GET", &path, &[("accept", "image/webp")], b"");
    assert_eq!((webp.status, webp.header("content-type")), (200, Some("image/webp")));
    assert_ne!(webp.header("etag"), Some(tag));
    let limits = cameo_core::codec::InputLimits::default();
    let [png, webp] = [&whole.body, &webp.body].map(|bytes| cameo_core::codec::decode(bytes, &limits).unwrap());
    assert_eq!(png, webp);
}

#[test]
fn a_cutout_states_its_uncertainty_and_where_its_subject_is() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let options = serde_json::json!({"model": "u2netp", "depth": 16, "choke": 0.5, "edge": "crisp"});
    let config = ann.json("POST", "/api/v1/configs", &serde_json::json!({"name": "deep", "options": options}));
    let id =
        ann.submit_accepted(&format!("/api/v1/cutout?config_id={}", config.json()["id"].as_str().unwrap()), &photo());
    let status = ann.wait_until_over(&id);
    let uncertainty = status["matte_uncertainty"].as_f64().unwrap();
    assert!(0.0 < uncertainty && uncertainty < 0.5, "{status}");
    let result = ann.result(&id);
    assert_eq!(result.header("x-matte-uncertainty"), Some(uncertainty.to_string().as_str()));
    for side in ["left", "top", "width", "height"] {
        let header = result.header(&format!("x-foreground-{side}")).map(str::to_string);
        assert_eq!(header, status["foreground"][side].as_u64().map(|side| side.to_string()), "{side}");
    }
    // Sixteen bits per channel.
    assert_eq!(result.body[24], 16);

    let plain = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    let status = ann.wait_until_over(&plain);
    assert!(status["matte_uncertainty"].is_null() && status["foreground"].is_null(), "{status}");
    let result = ann.result(&plain);
    assert_eq!((result.header("x-matte-uncertainty"), result.header("x-foreground-left")), (None, None));
}

#[test]
fn results_expire_with_their_files_and_orphans_are_removed() {
    let mut server = Server::start(&["--keep-results=5", "--keep-tasks=10"]);
    let id = {
        let ann = Client::new(&server);
        let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
        ann.wait_until_over(&id);
        ann.call("GET", &format!("/api/v1/upscale/result/{id}"), &[("accept", "image/webp")], b"");
        // The result and its WebP: the photo is deleted.
        server.wait_until("without the photo", || server.blob_files().len() == 2);
        server.wait_until("expired", || ann.result(&id).status == 404);
        assert_eq!(ann.result(&id).problem(), (404, "result_expired".into()));
        let status = ann.status(&id);
        assert_eq!((status["expired"].as_bool(), status["result_path"].is_null()), (Some(true), true));
        server.wait_until("without files", || server.blob_files().is_empty());
        server.wait_until("forgotten", || ann.result(&id).problem().1 == "task_not_found");
        id
    };
    // What a crash may leave: a photo without a task, half an upload, and results that were not published.
    server.kill();
    let blobs = server.data().join("blobs");
    for orphan in [format!("inputs/{id}"), format!("inputs/{id}#1"), format!("results/{id}-7"), "results/x.webp".into()]
    {
        std::fs::write(blobs.join(orphan), b"orphan").unwrap();
    }
    server.restart();
    server.wait_until("without files", || server.blob_files().is_empty());
    server.wait_until_ready();
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let server = Server::spawn(&[]);
    // A program that clears up may remove any file.
    let _ = std::fs::remove_file(server.data().join("serve.lock"));
    let second = operator(&["serve", "--listen=127.0.0.1:0"], server.folder.path(), "");
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && stderr.contains("another server runs on it"), "{stderr}");
    assert_eq!(server.call("GET", "/livez", &[], b"").status, 200);
}
