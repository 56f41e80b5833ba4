//! Requests made of the bytes of an input, and what their answers must fulfil.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use futures_util::stream;
use libfuzzer_sys::Corpus;

use crate::service::{Service, service};

const FORM: &str = "multipart/form-data; boundary=X";

/// Submits a form. The first byte is the size of the chunks in which the rest arrives.
pub fn submit_form(input: &[u8]) {
    let Some((&size, form)) = input.split_first() else { return };
    let service = service();
    let chunks: Vec<Result<Bytes, std::convert::Infallible>> =
        form.chunks(usize::from(size) + 1).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let request = Request::post("/api/v1/cutout")
        .header("content-type", FORM)
        .header("authorization", format!("Bearer {}", service.token))
        .body(Body::from_stream(stream::iter(chunks)));
    let (parts, body) = service.call(request.expect("a request"));
    service.clean_up(parts.status, &body);
}

/// Sends a body to the log-in. The first byte selects its type.
pub fn log_in(input: &[u8]) {
    let Some((&kind, body)) = input.split_first() else { return };
    let kind = ["application/json", "application/x-www-form-urlencoded", FORM][usize::from(kind) % 3];
    let request = Request::post("/api/v1/login").header("content-type", kind);
    service().call(request.body(body.to_vec().into()).expect("a request"));
}

/// Stores a config, and deletes it again.
pub fn store_config(json: &[u8]) {
    let service = service();
    let request = |method, path: &str, body: Vec<u8>| {
        let bearer = format!("Bearer {}", service.token);
        Request::builder().method(method).uri(path).header("authorization", bearer).body(body.into())
    };
    let created = request(Method::POST, "/api/v1/configs", json.to_vec());
    let (parts, _) = service.call(created.expect("a request"));
    if parts.status == StatusCode::CREATED {
        let path = parts.headers["location"].to_str().expect("a path");
        let (read, _) = service.call(request(Method::GET, path, Vec::new()).expect("a request"));
        assert_eq!(read.status, StatusCode::OK, "a config that was stored can be read");
        let (removed, _) = service.call(request(Method::DELETE, path, Vec::new()).expect("a request"));
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
}

/// Uses `input` as the token of a request. `{header}`, `{claims}` and `{signature}` stand for the parts of a valid one.
pub fn use_token(input: &[u8]) -> Corpus {
    let service = service();
    let mut parts = service.token.split('.');
    let mut text = latin1(input);
    for name in ["{header}", "{claims}", "{signature}"] {
        text = text.replace(name, parts.next().expect("a token has three parts"));
    }
    let Ok(value) = HeaderValue::from_bytes(&bytes_of(&format!("Bearer {text}"))) else { return Corpus::Reject };
    let request = Request::get("/api/v1/configs/default").header("authorization", value).body(Body::empty());
    let (answer, _) = service.call(request.expect("a request"));
    let is_valid = text.trim_matches([' ', '\t']) == service.token;
    assert_eq!(answer.status == StatusCode::OK, is_valid, "{}: {text:?}", answer.status);
    Corpus::Keep
}

/// Sends a request without a body: the first line of `input` is its method and its path, the others are its headers.
/// `{token}` and `{task}` stand for a valid token and for the completed task.
pub fn request(input: &[u8]) -> Corpus {
    let service = service();
    let text = latin1(input).replace("{token}", &service.token).replace("{task}", &service.task.to_string());
    let Some(request) = parse_request(&text) else { return Corpus::Reject };
    // The task is needed again.
    if request.method() == Method::DELETE {
        return Corpus::Reject;
    }
    let is_result = request.uri().path() == format!("/api/v1/upscale/result/{}", service.task);
    let (parts, body) = service.call(request);
    if is_result && parts.headers.get("content-type").is_some_and(|kind| kind == "image/png") {
        check_result(service, parts.status, parts.headers.get("content-range"), &body);
    }
    Corpus::Keep
}

fn parse_request(text: &str) -> Option<Request<Body>> {
    let mut lines = text.split('\n');
    let (method, uri) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(&bytes_of(method)).ok()?;
    *request.uri_mut() = Uri::try_from(bytes_of(uri)).ok()?;
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        let name = HeaderName::from_bytes(&bytes_of(name)).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(&bytes_of(value)).ok()?);
    }
    Some(request)
}

/// Asserts that the answer to a request for the result holds the result, or the part that it names.
fn check_result(service: &Service, status: StatusCode, range: Option<&HeaderValue>, body: &[u8]) {
    let whole = &service.result[..];
    let expected = match range.map(|range| range.to_str().expect("a range")) {
        None => whole,
        Some(range) => {
            assert_eq!(status, StatusCode::PARTIAL_CONTENT);
            let (bytes, size) = range.strip_prefix("bytes ").and_then(|range| range.split_once('/')).expect("a range");
            assert_eq!(size, whole.len().to_string());
            let (first, last) = bytes.split_once('-').expect("a range");
            let [first, last] = [first, last].map(|number| number.parse::<usize>().expect("a number"));
            &whole[first..=last]
        }
    };
    // The answer to HEAD has no body.
    assert!(body.is_empty() || body == expected, "{status}: {} bytes", body.len());
}

/// Returns the bytes as characters of Latin-1, so that placeholders in any bytes can be replaced.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| byte as char).collect()
}

/// Returns the bytes of a text that [`latin1`] made.
fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|character| character as u8).collect()
}
