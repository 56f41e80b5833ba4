//! Configs: who may read and change them, and that they determine results.

use serde_json::json;

use crate::server::{Client, Server, add_user, photo};

#[test]
fn configs_are_their_owners_and_decide_the_picture() {
    let server = Server::start(&[]);
    add_user(server.folder.path(), "bob", "another horse");
    let (ann, bob) = (Client::new(&server), Client { token: server.token_of("bob", "another horse"), server: &server });
    let list = |client: &Client<'_>| client.get("/api/v1/configs").json().as_array().unwrap().len();

    let default = ann.get("/api/v1/configs/default").json();
    assert_eq!((&default["options"]["model"], &default["own"]), (&json!("isnet"), &json!(false)));
    let options = json!({"model": "u2netp", "background": "#ff0000", "crop": 0.0});
    let stored = ann.json("POST", "/api/v1/configs", &json!({"name": "red", "options": options}));
    assert_eq!(stored.status, 201, "{stored:?}");
    let id = stored.json()["id"].as_str().unwrap().to_string();
    let path = format!("/api/v1/configs/{id}");
    assert_eq!(stored.header("location"), Some(path.as_str()));
    assert_eq!(ann.get(&path).json()["options"]["background"], "#ff0000");
    assert_eq!((list(&ann), list(&bob)), (2, 1));

    // Another user's config is unknown until it is shared, and only its owner changes it.
    assert_eq!(bob.get(&path).problem(), (404, "config_not_found".into()));
    assert_eq!(bob.submit(&format!("/api/v1/cutout?config_id={id}"), &photo()).problem().1, "unknown_config");
    let shared = json!({"name": "red", "shared": true, "options": options});
    assert_eq!(bob.json("PUT", &path, &shared).problem(), (404, "config_not_found".into()));
    assert_eq!(ann.json("PUT", &path, &shared).status, 200);
    assert_eq!(bob.get(&path).json()["own"], false);
    assert_eq!(bob.json("PUT", &path, &shared).problem(), (403, "config_is_read_only".into()));
    assert_eq!(bob.delete(&path).problem(), (403, "config_is_read_only".into()));
    for method in ["PUT", "DELETE"] {
        let response = ann.json(method, "/api/v1/configs/default", &shared);
        assert_eq!(response.problem(), (403, "config_is_read_only".into()));
    }

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

    // A task keeps the options that its config had when it was submitted.
    let task = bob.submit_accepted(&format!("/api/v1/cutout?config_id={id}"), &photo());
    assert_eq!(ann.delete(&path).status, 204);
    assert_eq!(ann.get(&path).status, 404);
    let status = bob.wait_until_over(&task);
    assert_eq!(status["status"], "completed", "{status}");
    let image = cameo_core::codec::decode(&bob.result(&task).body, &cameo_core::codec::InputLimits::default()).unwrap();
    assert!(image.width < 512 || image.height < 512, "it is cropped");
    let pixels = image.pixels.as_chunks::<4>().0;
    assert!(pixels.iter().all(|pixel| pixel[3] == 255) && pixels.contains(&[255, 0, 0, 255]), "it lies on red");
}
