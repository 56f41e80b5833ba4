//! A client of the API, and what it sends.

use serde_json::Value;

use crate::common;
use crate::response::Response;
use crate::server::Server;

/// A server as a logged-in user sees it.
pub struct Client<'a> {
    pub server: &'a Server,
    pub token: String,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { token: server.token(), server }
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let bearer = self.bearer();
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.server.call(method, path, &all, body)
    }

    pub fn get(&self, path: &str) -> Response {
        self.call("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Response {
        self.call("DELETE", path, &[], b"")
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Response {
        self.call(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn submit_with(&self, path: &str, photo: &[u8], headers: &[(&str, &str)]) -> Response {
        let mut all = vec![("content-type", FORM)];
        all.extend(headers);
        self.call("POST", path, &all, &form(&[("file", Some("portrait.jpg"), photo)]))
    }

    pub fn submit(&self, path: &str, photo: &[u8]) -> Response {
        self.submit_with(path, photo, &[])
    }

    /// Submits a photo, which must be accepted. Returns the task's id.
    pub fn submit_accepted(&self, path: &str, photo: &[u8]) -> String {
        let response = self.submit(path, photo);
        response.json()["task_id"].as_str().unwrap_or_else(|| panic!("{response:?}")).to_string()
    }

    pub fn status(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/upscale/status/{id}")).json()
    }

    /// Waits until the task is over, and returns its last status.
    pub fn wait_until_over(&self, id: &str) -> Value {
        let mut last = Value::Null;
        self.server.wait_until("over", || {
            last = self.status(id);
            !["pending", "processing"].contains(&last["status"].as_str().unwrap_or("pending"))
        });
        last
    }

    pub fn result(&self, id: &str) -> Response {
        self.get(&format!("/api/v1/upscale/result/{id}"))
    }

    /// Stores a config with the small network, and returns its id.
    pub fn quick_config(&self) -> String {
        let body = serde_json::json!({"name": "quick", "options": {"model": "u2netp"}});
        self.json("POST", "/api/v1/configs", &body).json()["id"].as_str().unwrap().to_string()
    }
}

pub const FORM: &str = "multipart/form-data; boundary=XBOUNDARYX";

/// The body of a form with these parts: name, file name and bytes.
pub fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(format!("--XBOUNDARYX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XBOUNDARYX--\r\n");
    body
}

/// A 512x512 photo of a person, as JPEG.
pub fn photo() -> Vec<u8> {
    let image = common::astronaut();
    let rgb: Vec<u8> =
        image.pixels.as_chunks::<4>().0.iter().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.encode(&rgb, image.width as u16, image.height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}
