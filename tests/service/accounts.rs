//! Log-in, tokens, and what an operator does with users; and that no secret is ever written anywhere.

use serde_json::json;

use crate::server::{Client, FORM, PASSWORD, Server, USER, add_user, form, operator, photo};

#[test]
fn a_log_in_is_a_query_a_form_or_json() {
    let server = Server::begin(&[]);
    let query = format!("/api/v1/login?username={USER}&password={}", PASSWORD.replace(' ', "%20"));
    let encoded = format!("username={USER}&password={}", PASSWORD.replace(' ', "+"));
    let kind = |kind| [("content-type", kind)];
    for answer in [
        server.call("POST", &query, &[], b""),
        server.call("POST", "/api/v1/login", &kind("application/x-www-form-urlencoded"), encoded.as_bytes()),
        server.login(USER, PASSWORD),
        server.login("ANN", PASSWORD),
    ] {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(3600)));
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(server.call("GET", &format!("/api/v1/upscale/tasks?token={token}"), &[], b"").status, 200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for (body, kind, code) in [
        ("", "application/json", "missing_credentials"),
        ("{\"username\":\"ann\"}", "application/json", "missing_credentials"),
        ("{\"username\":", "application/json", "invalid_body"),
        ("username=ann", "text/plain", "invalid_body"),
    ] {
        let answer = server.call("POST", "/api/v1/login", &[("content-type", kind)], body.as_bytes());
        assert_eq!(answer.refusal(), (400, code.into()), "{body}");
    }
    let large = vec![b'x'; 200_000];
    let answer = server.call("POST", "/api/v1/login", &kind("application/json"), &large);
    assert_eq!(answer.refusal(), (413, "body_too_large".into()));
}

#[test]
fn who_fails_learns_nothing_and_is_slowed_down() {
    let server = Server::begin(&[]);
    add_user(server.folder.path(), "gone", PASSWORD);
    assert!(operator(&["user", "disable", "gone"], server.folder.path(), "").status.success());
    let mut answers = Vec::new();
    for (user, password) in [(USER, "wrong"), ("nobody", "wrong"), ("gone", PASSWORD)] {
        let answer = server.login(user, password);
        assert_eq!(answer.refusal(), (401, "invalid_credentials".into()));
        answers.push(answer.json()["detail"].clone());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let mut last = server.login(USER, "wrong");
    for _ in 0..12 {
        last = server.login(USER, "wrong");
    }
    assert_eq!(last.refusal(), (429, "too_many_failures".into()));
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(server.login(USER, PASSWORD).status, 429, "the right password has to wait too");
}

#[test]
fn bad_tokens_are_refused() {
    let server = Server::begin(&[]);
    let good = server.token();
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
    // A header's letter changed: the signature covers it.
    bad.push(format!("{}A.{claims}.{signature}", &header[..header.len() - 1]));
    assert!(bad.len() >= 25);
    for token in &bad {
        let answer = server.call("GET", &format!("/api/v1/upscale/tasks?token={token}"), &[], b"");
        assert_eq!(answer.refusal(), (401, "invalid_token".into()), "{token}");
    }
    let path = format!("/api/v1/upscale/tasks?token={good}");
    assert_eq!(server.call("GET", &path, &[], b"").status, 200);
    let answer = server.call("GET", &path, &[("authorization", "Basic abc")], b"");
    assert_eq!(answer.status, 401, "the header goes before the query");
}

#[test]
fn an_operator_locks_out_lets_in_and_changes_passwords_while_the_server_runs() {
    let server = Server::begin(&[]);
    let folder = server.folder.path();
    let ann = Client::new(&server);
    let works = || ann.get("/api/v1/upscale/tasks").status;
    assert_eq!(works(), 200);
    assert!(operator(&["user", "disable", USER], folder, "").status.success());
    assert_eq!(works(), 401);
    assert!(operator(&["user", "enable", USER], folder, "").status.success());
    assert_eq!(works(), 200);
    assert!(operator(&["user", "passwd", USER], folder, "a new password\n").status.success());
    assert_eq!(works(), 401, "a token of the old password is void");
    assert_eq!(server.login(USER, PASSWORD).status, 401);
    assert_eq!(server.login(USER, "a new password").status, 200);
    let listed = operator(&["user", "list"], folder, "");
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "ann\tenabled\n");
    for (arguments, input, sentence) in [
        (&["user", "add", USER][..], "long enough", "exists already"),
        (&["user", "add", "bob"][..], "short", "8 characters"),
        (&["user", "add", "b b"][..], "long enough", "letters, digits"),
        (&["user", "passwd", "bob"][..], "long enough", "no user is named bob"),
    ] {
        let answer = operator(arguments, folder, input);
        let said = String::from_utf8(answer.stderr).unwrap();
        assert!(!answer.status.success() && said.contains(sentence), "{arguments:?}: {said}");
    }
}

#[test]
fn a_rotated_key_leaves_old_tokens_valid() {
    let server = Server::begin(&[]);
    let ann = Client::new(&server);
    let header = |token: &str| token.split('.').next().unwrap().to_string();
    assert!(operator(&["user", "rotate-key"], server.folder.path(), "").status.success());
    server.until("rotated", || header(&server.token()) != header(&ann.token));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}

#[test]
fn tokens_in_the_query_can_be_switched_off() {
    let server = Server::begin(&["--no-query-tokens"]);
    let ann = Client::new(&server);
    let answer = server.call("GET", &format!("/api/v1/upscale/tasks?token={}", ann.token), &[], b"");
    assert_eq!(answer.refusal(), (401, "invalid_token".into()));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
}

#[test]
fn a_server_with_no_user_says_what_to_do_and_a_demos_user_is_nobodys() {
    let server = Server::begin(&[]);
    operator(&["user", "disable", USER], server.folder.path(), "");
    drop(server);
    let folder = tempfile::tempdir().unwrap();
    let mut child = crate::server::cameo();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let data = folder.path().join("data");
    let mut child = child.args(["serve", "--listen=127.0.0.1:0", "--data"]).arg(data).stderr(log).spawn().unwrap();
    let read = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    while !read().contains("listening") {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let said = read();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.contains("nobody can log in: add a user with `cameo user add"), "{said}");
}

/// Drives every call, well and badly, and searches all that was written for the password and the tokens.
#[test]
fn no_secret_is_ever_written() {
    let secret = "hunter2-hunter2";
    let server = Server::start(&["--log=trace"]);
    add_user(server.folder.path(), "eve", secret);
    let login = format!("/api/v1/login?username=eve&password={secret}");
    let token = server.call("POST", &login, &[], b"").json()["access_token"].as_str().unwrap().to_string();
    let mut said = Vec::new();
    let mut call = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        for path in [format!("{path}?token={token}&password={secret}"), format!("{path}?token={token}x")] {
            let answer = server.call(method, &path, headers, body);
            said.push(format!("{answer:?}"));
        }
        let bearer = format!("Bearer {token}");
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        let answer = server.call(method, path, &headers, body);
        said.push(format!("{answer:?}"));
        answer
    };
    let photo = form(&[("file", Some("p.jpg"), &photo()), ("token", None, token.as_bytes())]);
    let kind = [("content-type", FORM)];
    let id = call("POST", "/api/v1/upscale", &kind, &photo).json()["task_id"].as_str().unwrap().to_string();
    call("POST", "/api/v1/upscale/combo", &kind, format!("not a form {token}").as_bytes());
    call("POST", "/api/v1/cutout", &kind, &form(&[("file", Some(&token), token.as_bytes())]));
    for path in ["status", "events", "result"] {
        call("GET", &format!("/api/v1/upscale/{path}/{id}"), &[], b"");
        call("GET", &format!("/api/v1/upscale/{path}/{token}"), &[], b"");
    }
    call("GET", "/api/v1/upscale/tasks", &[], b"");
    call("GET", "/api/v1/configs", &[], b"");
    let bad = json!({"name": 5, "password": secret}).to_string();
    call("POST", "/api/v1/configs", &[], b"{\"name\":\"a\"}");
    call("POST", "/api/v1/login", &[("content-type", "application/json")], bad.as_bytes());
    call("POST", "/api/v1/login", &[("content-type", "application/json")], format!("{{\"x\":{secret}").as_bytes());
    call("DELETE", &format!("/api/v1/upscale/{id}"), &[], b"");
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs/", "/nowhere"] {
        call("GET", path, &[("x-request-id", &token), ("traceparent", &token)], b"");
    }
    server.login("eve", &format!("{secret}x"));

    let mut places = vec![("the log".to_string(), server.log().into_bytes())];
    places.push(("an answer".into(), said.join("\n").into_bytes()));
    for entry in std::fs::read_dir(server.data()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        places.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
    }
    // The signature alone would do as well: it is what must not be known.
    let signature = token.rsplit('.').next().unwrap();
    for (place, text) in &places {
        for secret in [secret, signature] {
            let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret stands in {place}");
        }
    }
    assert!(places.iter().any(|(_, text)| text.len() > 1000), "nothing was searched");
    assert!(server.log().contains("/api/v1/upscale/status/{task_id}"), "the log names routes");
}
