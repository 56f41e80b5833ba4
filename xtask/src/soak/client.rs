//! Requests to the server, as its users send them.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, StatusCode};

use super::server::{PASSWORD, USER};

/// How long a request may take: more than any timeout of the server.
const TIMEOUT: Duration = Duration::from_secs(180);

pub const BOUNDARY: &str = "XBOUNDARYX";

/// A user who has logged in. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    pub port: u16,
    pub token: String,
}

/// An answer that was read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the status and the code of an error.
    pub fn problem(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.json()["code"].as_str().unwrap_or("without a code"))
    }
}

impl Client {
    /// Waits until the server is ready, and logs in.
    pub fn log_in(port: u16) -> Result<Self, String> {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        let mut client = Self { agent: config.into(), port, token: String::new() };
        client.wait_until_ready()?;
        let body = json!({"username": USER, "password": PASSWORD}).to_string();
        let answer = client.send("POST", "/api/v1/login", &[("content-type", "application/json")], body.as_bytes())?;
        client.token = answer.json()["access_token"].as_str().ok_or_else(|| answer.problem())?.into();
        Ok(client)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let start = Instant::now();
        while self.get("/readyz")?.status != StatusCode::OK {
            if start.elapsed() > TIMEOUT {
                return Err("the server does not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Sends a request. The error says why there was no answer, or no whole one.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{method} {path}: {error}");
        let mut response = self.response(method, path, headers, body).map_err(|error| failed(&error))?;
        let mut body = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut body).map_err(|error| failed(&error))?;
        Ok(Answer { status: response.status(), body })
    }

    fn response(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("http://127.0.0.1:{}{path}", self.port));
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match method {
            "POST" | "PUT" => self.agent.run(request.body(body)?),
            _ => self.agent.run(request.body(())?),
        }
    }

    pub fn get(&self, path: &str) -> Result<Answer, String> {
        self.send("GET", path, &[], &[])
    }

    pub fn delete(&self, path: &str) -> Result<Answer, String> {
        self.send("DELETE", path, &[], &[])
    }

    pub fn submit(&self, path: &str, photo: &[u8]) -> Result<Answer, String> {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send("POST", path, &[("content-type", &kind)], &form(photo))
    }

    /// Reads the events of a task to their end.
    pub fn follow(&self, id: &str) -> Result<(), String> {
        let path = format!("/api/v1/upscale/events/{id}");
        let mut response = self.response("GET", &path, &[], &[]).map_err(|error| format!("GET {path}: {error}"))?;
        // A line at a time, as they come.
        BufReader::new(response.body_mut().as_reader())
            .lines()
            .try_for_each(|line| line.map(drop))
            .map_err(|error| format!("GET {path}: {error}"))
    }

    /// Deletes a page of tasks, and returns how many it had.
    pub fn delete_tasks(&self) -> Result<usize, String> {
        let page = self.get("/api/v1/upscale/tasks?limit=100")?.json();
        let ids: Vec<&str> =
            page["tasks"].as_array().into_iter().flatten().filter_map(|task| task["task_id"].as_str()).collect();
        for id in &ids {
            self.delete(&format!("/api/v1/upscale/{id}"))?;
        }
        Ok(ids.len())
    }
}

/// Returns the body of a form with a photo.
pub fn form(photo: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n");
    [head.as_bytes(), photo, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}
