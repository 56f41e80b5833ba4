//! Configs: who may read and change them, and that they determine results.

use cameo_core::codec::{self, InputLimits};
use serde_json::{Value, json};

use crate::client::{Client, photo};
use crate::server::{Server, add_user};

fn user<'a>(server: &'a Server, name: &str) -> Client<'a> {
    add_user(server.folder.path(), name, "another horse");
    Client { token: server.token_of(name, "another horse"), server }
}

/// Stores a config, and returns its path and its id.
fn store(client: &Client<'_>, body: &Value) -> (String, String) {
    let stored = client.json("POST", "/api/v1/configs", body);
    assert_eq!(stored.status, 201, "{stored:?}");
    let id = stored.json()["id"].as_str().unwrap().to_string();
    let path = format!("/api/v1/configs/{id}");
    assert_eq!(stored.header("location"), Some(path.as_str()));
    (path, id)
}

#[test]
fn a_config_is_readable_if_shared_and_writable_by_its_owner() {
    let server = Server::start(&[]);
    let (ann, bob) = (Client::new(&server), user(&server, "bob"));
    let count = |client: &Client<'_>| client.get("/api/v1/configs").json().as_array().unwrap().len();
    let default = ann.get("/api/v1/configs/default").json();
    assert_eq!((&default["options"]["model"], &default["own"]), (&json!("isnet"), &json!(false)));

    let (path, id) = store(&ann, &json!({"name": "red", "options": {"background": "#ff0000"}}));
    assert_eq!(ann.get(&path).json()["options"]["background"], "#ff0000");
    assert_eq!((count(&ann), count(&bob)), (2, 1));
    let shared = json!({"name": "red", "shared": true});
    assert_eq!(bob.get(&path).problem(), (404, "config_not_found".into()));
    assert_eq!(bob.submit(&format!("/api/v1/cutout?config_id={id}"), &photo()).problem().1, "unknown_config");
    assert_eq!(bob.json("PUT", &path, &shared).problem(), (404, "config_not_found".into()));

    assert_eq!(ann.json("PUT", &path, &shared).status, 200);
    assert_eq!(bob.get(&path).json()["own"], false);
    assert_eq!(bob.json("PUT", &path, &shared).problem(), (403, "config_is_read_only".into()));
    assert_eq!(bob.delete(&path).problem(), (403, "config_is_read_only".into()));
    for method in ["PUT", "DELETE"] {
        let response = ann.json(method, "/api/v1/configs/default", &shared);
        assert_eq!(response.problem(), (403, "config_is_read_only".into()));
    }
    assert_eq!(ann.delete(&path).status, 204);
    assert_eq!(ann.get(&path).status, 404);
}

#[test]
fn an_invalid_config_is_refused() {
    let server = Server::spawn(&[]);
    let ann = Client::new(&server);
    for (body, code) in [
        (json!({"name": ""}), "invalid_parameter"),
        (json!({"name": "a\u{7}"}), "invalid_parameter"),
        (json!({"name": "a", "options": {"crop": 7}}), "invalid_parameter"),
        (json!({"name": "a", "options": {"matte_only": true, "background": "#000000"}}), "invalid_parameter"),
        (json!({"name": "a", "options": {"model": "gpt"}}), "invalid_body"),
        (json!({"name": "a", "options": {"background": "white"}}), "invalid_body"),
        (json!({"name": "a", "unknown": 1}), "invalid_body"),
        (json!([]), "invalid_body"),
    ] {
        assert_eq!(ann.json("POST", "/api/v1/configs", &body).problem(), (400, code.into()), "{body}");
    }
}

#[test]
fn a_task_keeps_the_options_that_its_config_had_when_it_was_submitted() {
    let server = Server::start(&[]);
    let (ann, bob) = (Client::new(&server), user(&server, "bob"));
    let options = json!({"model": "u2netp", "background": "#ff0000", "crop": 0.0});
    let (path, id) = store(&ann, &json!({"name": "red", "shared": true, "options": options}));
    let task = bob.submit_accepted(&format!("/api/v1/cutout?config_id={id}"), &photo());
    assert_eq!(ann.delete(&path).status, 204);
    let status = bob.wait_until_over(&task);
    assert_eq!(status["status"], "completed", "{status}");
    let image = codec::decode(&bob.result(&task).body, &InputLimits::default()).unwrap();
    assert!(image.width < 512 || image.height < 512, "it is cropped");
    let pixels = image.pixels.as_chunks::<4>().0;
    assert!(pixels.iter().all(|pixel| pixel[3] == 255) && pixels.contains(&[255, 0, 0, 255]), "it lies on red");
}

#[test]
fn a_damaged_config_does_not_hide_the_others() {
    let server = Server::start(&[]);
    let (ann, bob) = (Client::new(&server), user(&server, "bob"));
    store(&bob, &json!({"name": "whole", "shared": true}));
    let (path, _) = store(&bob, &json!({"name": "damaged", "shared": true}));
    let database = rusqlite::Connection::open(server.data().join("cameo.sqlite")).unwrap();
    database.execute("UPDATE configs SET options = '{\"edge\":\"furry\"}' WHERE name = 'damaged'", []).unwrap();
    let names: Vec<Value> =
        ann.get("/api/v1/configs").json().as_array().unwrap().iter().map(|config| config["name"].clone()).collect();
    assert_eq!(names, ["default", "whole"]);
    assert_eq!(ann.get(&path).problem(), (500, "internal_error".into()));
    assert!(server.log().contains("the options of a config are damaged"));
}
