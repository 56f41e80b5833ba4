//! Log-in, tokens, what operators do with users; and that no secret is ever written.

use serde_json::json;

use crate::client::{Client, FORM, form, photo};
use crate::server::{PASSWORD, Server, USER, add_user, operator};

#[test]
fn credentials_are_taken_from_the_query_a_form_or_json() {
    let server = Server::spawn(&[]);
    let query = format!("/api/v1/login?username={USER}&password={}", PASSWORD.replace(' ', "%20"));
    let encoded = format!("username={USER}&password={}", PASSWORD.replace(' ', "+"));
    let kind = |kind| [("content-type", kind)];
    for response in [
        server.call("POST", &query, &[], b""),
        server.call("POST", "/api/v1/login", &kind("application/x-www-form-urlencoded"), encoded.as_bytes()),
        server.login(USER, PASSWORD),
        server.login("ANN", PASSWORD),
    ] {
        assert_eq!(response.status, 200, "{response:?}");
        let body = response.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(3600)));
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(server.call("GET", &format!("/api/v1/upscale/tasks?token={token}"), &[], b"").status, 200);
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    for (body, kind, code) in [
        ("", "application/json", "missing_credentials"),
        ("{\"username\":\"ann\"}", "application/json", "missing_credentials"),
        ("{\"username\":", "application/json", "invalid_body"),
        ("username=ann", "text/plain", "invalid_body"),
    ] {
        let response = server.call("POST", "/api/v1/login", &[("content-type", kind)], body.as_bytes());
        assert_eq!(response.problem(), (400, code.into()), "{body}");
    }
    let large = vec![b'x'; 200_000];
    let response = server.call("POST", "/api/v1/login", &kind("application/json"), &large);
    assert_eq!(response.problem(), (413, "body_too_large".into()));
}

#[test]
fn a_failed_log_in_discloses_nothing_and_many_are_throttled() {
    let server = Server::spawn(&[]);
    add_user(server.folder.path(), "gone", PASSWORD);
    assert!(operator(&["user", "disable", "gone"], server.folder.path(), "").status.success());
    let mut responses = Vec::new();
    for (user, password) in [(USER, "wrong"), ("nobody", "wrong"), ("gone", PASSWORD)] {
        let response = server.login(user, password);
        assert_eq!(response.problem(), (401, "invalid_credentials".into()));
        responses.push(response.json()["detail"].clone());
    }
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");
    let mut last = server.login(USER, "wrong");
    for _ in 0..12 {
        last = server.login(USER, "wrong");
    }
    assert_eq!(last.problem(), (429, "too_many_failures".into()));
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(server.login(USER, PASSWORD).status, 429, "the right password has to wait as well");
}

/// Tokens that are malformed, unsigned, or altered copies of a valid one.
fn bad_tokens(good: &str) -> Vec<String> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{good}") };
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let mut bad = vec![
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}x"),
        format!("{header}.{claims}.{}", signature.chars().rev().collect::<String>()),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.e30.{signature}"),
        "null".into(),
        "undefined".into(),
        "Bearer".into(),
        "%00".into(),
        "x".repeat(8000),
        "../../etc/passwd".into(),
        "' OR 1=1 --".replace(' ', "%20"),
        "eyJhbGciOiJSUzI1NiJ9.e30.".into(),
        "{}".replace(['{', '}'], "%7B"),
        good.to_uppercase(),
    ];
    // A changed letter in the header, which the signature covers.
    bad.push(format!("{}A.{claims}.{signature}", &header[..header.len() - 1]));
    bad
}

#[test]
fn bad_tokens_are_refused() {
    let server = Server::spawn(&[]);
    let good = server.token();
    let bad = bad_tokens(&good);
    assert!(bad.len() >= 25);
    for token in &bad {
        let response = server.call("GET", &format!("/api/v1/upscale/tasks?token={token}"), &[], b"");
        assert_eq!(response.problem(), (401, "invalid_token".into()), "{token}");
    }
    let path = format!("/api/v1/upscale/tasks?token={good}");
    assert_eq!(server.call("GET", &path, &[], b"").status, 200);
    let response = server.call("GET", &path, &[("authorization", "Basic abc")], b"");
    assert_eq!(response.status, 401, "the header takes precedence over the query");
}

#[test]
fn users_are_disabled_enabled_and_get_passwords_while_the_server_runs() {
    let server = Server::spawn(&[]);
    let folder = server.folder.path();
    let status = |ann: &Client<'_>| ann.get("/api/v1/upscale/tasks").status;
    let ann = Client::new(&server);
    assert_eq!(status(&ann), 200);
    assert!(operator(&["user", "disable", USER], folder, "").status.success());
    assert_eq!(status(&ann), 401);
    assert!(operator(&["user", "enable", USER], folder, "").status.success());
    assert_eq!(status(&ann), 401, "older tokens stay invalid");
    let ann = Client::new(&server);
    assert_eq!(status(&ann), 200);
    assert!(operator(&["user", "passwd", USER], folder, "a new password\n").status.success());
    assert_eq!(status(&ann), 401, "a token of the old password is invalid");
    assert_eq!(server.login(USER, PASSWORD).status, 401);
    assert_eq!(server.login(USER, "a new password").status, 200);
    let elsewhere = folder.join("elsewhere");
    let mistyped = operator(&["user", "list"], &elsewhere, "");
    let stderr = String::from_utf8_lossy(&mistyped.stderr).into_owned();
    assert!(stderr.contains("there is no data folder") && !elsewhere.exists(), "{stderr}");
    let listed = operator(&["user", "list"], folder, "");
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "ann\tenabled\n");
    for (arguments, input, sentence) in [
        (&["user", "add", USER][..], "long enough", "already exists"),
        (&["user", "add", "ＡＮＮ"][..], "long enough", "already exists"),
        // The first letter is Cyrillic.
        (&["user", "add", "аnn"][..], "long enough", "looks like ann"),
        (&["user", "add", "bob"][..], "short", "8 characters"),
        (&["user", "add", "b b"][..], "long enough", "letters, digits"),
        (&["user", "passwd", "bob"][..], "long enough", "there is no user bob"),
    ] {
        let output = operator(arguments, folder, input);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(sentence), "{arguments:?}: {stderr}");
    }
}

#[test]
fn old_tokens_stay_valid_after_a_key_rotation() {
    let server = Server::spawn(&[]);
    let ann = Client::new(&server);
    let header = |token: &str| token.split('.').next().unwrap().to_string();
    assert!(operator(&["user", "rotate-key"], server.folder.path(), "").status.success());
    server.wait_until("rotated", || header(&server.token()) != header(&ann.token));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}

#[test]
fn tokens_in_the_query_can_be_switched_off() {
    let server = Server::spawn(&["--no-query-tokens"]);
    let ann = Client::new(&server);
    let response = server.call("GET", &format!("/api/v1/upscale/tasks?token={}", ann.token), &[], b"");
    assert_eq!(response.problem(), (401, "invalid_token".into()));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}

#[test]
fn a_server_without_users_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = crate::server::cameo();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let data = folder.path().join("data");
    let mut child = child.args(["serve", "--listen=127.0.0.1:0", "--data"]).arg(data).stderr(log).spawn().unwrap();
    let read = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    while !read().contains("listening") {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let log = read();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(log.contains("nobody can log in: add a user with `cameo user add"), "{log}");
}

/// Makes every call with valid and with broken requests. Returns all responses.
fn make_every_call(server: &Server, token: &str, password: &str) -> Vec<String> {
    let mut responses = Vec::new();
    let mut call = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        for path in [format!("{path}?token={token}&password={password}"), format!("{path}?token={token}x")] {
            responses.push(format!("{:?}", server.call(method, &path, headers, body)));
        }
        let bearer = format!("Bearer {token}");
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        let response = server.call(method, path, &headers, body);
        responses.push(format!("{response:?}"));
        response
    };
    let photo = form(&[("file", Some("p.jpg"), &photo()), ("token", None, token.as_bytes())]);
    let (is_form, is_json) = ([("content-type", FORM)], [("content-type", "application/json")]);
    let id = call("POST", "/api/v1/upscale", &is_form, &photo).json()["task_id"].as_str().unwrap().to_string();
    call("POST", "/api/v1/upscale/combo", &is_form, format!("not a form {token}").as_bytes());
    call("POST", "/api/v1/cutout", &is_form, &form(&[("file", Some(token), token.as_bytes())]));
    for path in ["status", "events", "result"] {
        call("GET", &format!("/api/v1/upscale/{path}/{id}"), &[], b"");
        call("GET", &format!("/api/v1/upscale/{path}/{token}"), &[], b"");
    }
    call("GET", "/api/v1/upscale/tasks", &[], b"");
    call("GET", "/api/v1/configs", &[], b"");
    call("POST", "/api/v1/configs", &[], b"{\"name\":\"a\"}");
    call("POST", "/api/v1/login", &is_json, json!({"name": 5, "password": password}).to_string().as_bytes());
    call("POST", "/api/v1/login", &is_json, format!("{{\"x\":{password}").as_bytes());
    call("DELETE", &format!("/api/v1/upscale/{id}"), &[], b"");
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs/", "/nowhere"] {
        call("GET", path, &[("x-request-id", token), ("traceparent", token)], b"");
    }
    responses
}

#[test]
fn no_secret_is_ever_written() {
    let password = "hunter2-hunter2";
    let server = Server::start(&["--log=trace"]);
    add_user(server.folder.path(), "eve", password);
    let login = format!("/api/v1/login?username=eve&password={password}");
    let token = server.call("POST", &login, &[], b"").json()["access_token"].as_str().unwrap().to_string();
    let responses = make_every_call(&server, &token, password);
    server.login("eve", &format!("{password}x"));

    let mut written = vec![("the log".to_string(), server.log().into_bytes())];
    written.push(("a response".into(), responses.join("\n").into_bytes()));
    for entry in std::fs::read_dir(server.data()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        written.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
    }
    // The signature is the secret part of the token.
    let signature = token.rsplit('.').next().unwrap();
    for (place, text) in &written {
        for secret in [password, signature] {
            let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret was written to {place}");
        }
    }
    assert!(written.iter().any(|(_, text)| text.len() > 1000), "there was something to search");
    assert!(server.log().contains("/api/v1/upscale/status/{task_id}"), "the log names routes");
}
