//! HTTP, by a client that shares no code with the server.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{self, Request};
use ureq::{Agent, Body};

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(180)))
        .build();
    config.into()
}

/// A response; with status 0 if there was none.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Sends a request and reads the response.
    pub fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match method {
            "POST" | "PUT" => agent().run(request.body(body.to_vec()).unwrap()),
            _ => agent().run(request.body(()).unwrap()),
        };
        response.map_or_else(|error| Self { status: 0, headers: vec![], body: error.to_string().into() }, Self::read)
    }

    fn read(mut response: http::Response<Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_string()));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().read_to_end(&mut body);
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the code of an error, which must be a valid `application/problem+json`.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self:?}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        (self.status, body["code"].as_str().unwrap().to_string())
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:.400}", self.status, self.headers, self.text())
    }
}
