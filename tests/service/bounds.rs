//! What a request, a user, a client address and all together may hold: the operator's table is true, and each of its
//! bounds has a test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::client::{Client, FORM, form, photo};
use crate::common;
use crate::server::{Server, cameo};

/// Each bound of the table, and the test that reaches it: its file and its name.
const TESTS: [(&str, &str, &str); 41] = [
    ("headers", "tests/service/bounds.rs", "a_request_is_bounded"),
    ("body without a photo", "tests/service/accounts.rs", "credentials_are_taken_from_the_query_a_form_or_json"),
    ("upload", "tests/service/contract.rs", "every_error_has_its_status_and_code"),
    ("parts of a form", "tests/service/contract.rs", "every_error_has_its_status_and_code"),
    ("headers of a part", "tests/service/bounds.rs", "a_request_is_bounded"),
    ("field of a form", "tests/service/contract.rs", "every_error_has_its_status_and_code"),
    ("photo", "tests/service/contract.rs", "every_error_has_its_status_and_code"),
    ("side of a photo", "tests/cpu/codec.rs", "bad_files_are_refused_with_one_sentence"),
    ("memory that decoding a photo takes", "tests/cpu/tiff.rs", "a_damaged_tiff_is_refused"),
    ("colour profile that is read", "tests/cpu/foreign_files.rs", "a_profile_that_inflates_to_much_is_ignored"),
    (
        "segments before the pixels of a JPEG",
        "tests/cpu/foreign_files.rs",
        "a_jpeg_of_many_empty_segments_is_refused_at_once",
    ),
    ("result", "tests/service/reference.rs", "sizes_of_results"),
    ("`Idempotency-Key`", "tests/service/bounds.rs", "a_request_is_bounded"),
    ("name of a config", "tests/service/bounds.rs", "a_request_is_bounded"),
    ("password", "crates/cameo-service/src/secrets/password.rs", "a_password_that_is_too_short_or_too_long_is_refused"),
    ("`Prefer: wait`", "crates/cameo-service/src/http/wait.rs", "the_wait_may_be_written_in_any_way_of_the_standard"),
    ("tasks on a page of the list", "tests/service/bounds.rs", "a_request_is_bounded"),
    (
        "time for headers, or for a request without a photo",
        "tests/service/strangers.rs",
        "a_small_body_has_to_arrive_in_time",
    ),
    ("time that an upload may stand still", "tests/service/load.rs", "an_upload_that_stalls_is_ended"),
    ("time that an upload may take", "tests/service/bounds.rs", "an_upload_that_goes_on_for_too_long_is_ended"),
    (
        "time in which a client must read something",
        "tests/service/strangers.rs",
        "a_client_that_reads_nothing_is_disconnected",
    ),
    ("time that a task may run", "tests/service/crashes.rs", "a_task_that_always_takes_too_long_fails"),
    ("runs of a task", "crates/cameo-store/tests/store/runs.rs", "a_task_fails_after_three_retries"),
    ("tasks that wait or run, and uploads under way", "tests/service/tasks.rs", "the_tasks_of_one_user_are_limited"),
    ("tasks and megapixels that wait", "tests/service/faults.rs", "one_user_does_not_fill_the_queue_alone"),
    ("event streams", "tests/service/watching.rs", "the_event_streams_of_a_user_are_limited"),
    ("configs", "tests/service/reference.rs", "a_user_has_a_hundred_configs_at_most"),
    ("connections, unless behind a proxy", "tests/service/strangers.rs", "an_address_has_a_share_of_the_connections"),
    ("failed log-ins", "crates/cameo-service/src/http/throttle.rs", "an_address_is_throttled_for_all_accounts"),
    (
        "failed log-ins to one account",
        "tests/service/strangers.rs",
        "guesses_at_the_same_time_do_not_pass_the_throttle",
    ),
    ("connections", "tests/service/bounds.rs", "connections_beyond_the_limit_wait"),
    (
        "failed log-ins to one account from new addresses",
        "crates/cameo-service/src/http/throttle.rs",
        "guesses_from_elsewhere_do_not_shut_out_an_owner_who_has_logged_in_before",
    ),
    (
        "passwords that are checked at once",
        "tests/service/strangers.rs",
        "log_ins_whose_clients_disconnect_hold_no_memory_and_are_counted",
    ),
    (
        "results that are converted to WebP at once",
        "crates/cameo-service/src/http/cpu_work.rs",
        "work_keeps_its_permit_when_its_request_is_dropped",
    ),
    ("tasks that wait", "crates/cameo-store/tests/store/queue.rs", "a_full_queue_refuses_a_task_and_does_not_store_it"),
    ("megapixels that wait", "crates/cameo-store/tests/store/queue.rs", "a_queue_at_its_pixel_limit_refuses_a_task"),
    (
        "megapixels of photos and results in one worker; a larger photo is processed alone",
        "tests/service/tasks.rs",
        "where_each_photo_must_be_processed_alone_all_are_completed",
    ),
    (
        "time that a result can be fetched",
        "crates/cameo-store/tests/store/tasks.rs",
        "a_result_expires_when_its_time_is_over",
    ),
    (
        "time that a task is remembered",
        "crates/cameo-store/tests/store/tasks.rs",
        "a_task_is_deleted_when_its_time_is_over",
    ),
    ("time that a token is valid", "crates/cameo-service/src/http/tokens.rs", "a_wrong_claim_is_refused"),
    (
        "time that requests and workers get at the end",
        "tests/service/faults.rs",
        "a_server_that_stops_keeps_nobody_waiting",
    ),
];

/// The rows of all tables under the heading "Bounds" of the operator's document.
fn documented() -> Vec<[String; 3]> {
    let text = std::fs::read_to_string(common::project().join("docs/usage.md")).unwrap();
    let (_, section) = text.split_once("### Bounds\n").expect("the document has the heading");
    let rows = section.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect());
    let rows = cells.map(|cells: Vec<String>| <[String; 3]>::try_from(cells).unwrap());
    rows.filter(|[_, bound, _]| bound != "bound").collect()
}

#[test]
fn each_bound_is_documented_with_its_default_and_has_a_test() {
    let help = String::from_utf8(cameo().args(["serve", "--help"]).output().unwrap().stdout).unwrap();
    let rows = documented();
    let names: Vec<&str> = rows.iter().map(|[name, ..]| name.as_str()).collect();
    let tested: Vec<&str> = TESTS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, tested);
    for [name, bound, flag] in &rows {
        if flag.is_empty() {
            continue;
        }
        let flag = flag.trim_matches('`');
        let about = help.split(&format!("{flag} <")).nth(1).unwrap_or_else(|| panic!("cameo serve has no {flag}"));
        let default = about.split("[default: ").nth(1).and_then(|rest| rest.split(']').next());
        assert_eq!(default, bound.split(' ').next(), "{name}");
    }
    for (name, file, test) in TESTS {
        let source = std::fs::read_to_string(common::project().join(file)).unwrap();
        assert!(source.contains(&format!("fn {test}(")), "{name}: {file} has no {test}");
    }
}

/// Sends `request` and returns the status code of the answer.
fn status_of(server: &Server, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may answer, and close the connection, before it has read all.
    let _ = stream.write_all(request);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn a_request_is_bounded() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let headers = |bytes: usize| format!("GET /livez HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(bytes));
    assert_eq!(status_of(&server, headers(50_000).as_bytes()), 200);
    assert_eq!(status_of(&server, headers(140_000).as_bytes()), 431);

    let part = |bytes: usize| {
        let long = format!("\r\nX-Long: {}", "x".repeat(bytes));
        let body = form(&[("file", Some("portrait.jpg"), &photo())]);
        let end = body.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let body = [&body[..end], long.as_bytes(), &body[end..]].concat();
        ann.call("POST", "/api/v1/upscale?enhance_level=light", &[("content-type", FORM)], &body)
    };
    assert_eq!(part(100).status, 200);
    assert_eq!(part(300 << 10).problem(), (400, "invalid_form".into()));

    let key = |length: usize| {
        let key = "k".repeat(length);
        ann.submit_with("/api/v1/upscale?enhance_level=light", &photo(), &[("idempotency-key", key.as_str())])
    };
    assert_eq!(key(200).status, 200);
    assert_eq!(key(201).problem(), (400, "invalid_parameter".into()));

    let named = |length: usize| ann.json("POST", "/api/v1/configs", &json!({"name": "n".repeat(length)}));
    assert_eq!(named(100).status, 201);
    assert_eq!(named(101).problem(), (400, "invalid_parameter".into()));

    let page = |tasks: u32| ann.get(&format!("/api/v1/upscale/tasks?limit={tasks}"));
    assert_eq!(page(100).status, 200);
    assert_eq!(page(101).problem(), (400, "invalid_parameter".into()));
}

#[test]
fn an_upload_that_goes_on_for_too_long_is_ended() {
    let server = Server::start(&["--upload-timeout=2", "--body-timeout=20"]);
    let ann = Client::new(&server);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /api/v1/cutout HTTP/1.1\r\nhost: a\r\nauthorization: {}\r\ncontent-type: {FORM}\r\n\
         content-length: 1000000\r\n\r\n",
        ann.bearer()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let body = form(&[("file", Some("portrait.jpg"), &photo())]);
    // A byte now and then is never a stall.
    let mut sender = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        for byte in body {
            if sender.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer[9..], b"408");
    server.wait_until("without files", || server.blob_files().is_empty());
}

#[test]
fn connections_beyond_the_limit_wait() {
    let server = Server::spawn(&["--max-connections=3", "--header-timeout=30"]);
    let connect = || TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let idle: [TcpStream; 3] = std::array::from_fn(|_| connect());
    std::thread::sleep(Duration::from_millis(300));
    let mut next = connect();
    next.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    next.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = [0; 12];
    assert!(next.read_exact(&mut answer).is_err(), "it has to wait");
    drop(idle);
    next.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    next.read_exact(&mut answer).unwrap();
    assert_eq!(&answer[9..], b"200");
}
