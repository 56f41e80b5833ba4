//! The REST API in this process, without a socket: what answers requests is what `cameo serve` runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::response::Parts;
use axum::http::{HeaderValue, Request, StatusCode};
use bytes::Bytes;
use cameo_core::codec::{self, Format, Image};
use cameo_core::pipeline::ProcessingLimits;
use cameo_service::http::{self, AppState};
use cameo_service::secrets::{SigningKey, password};
use cameo_service::settings::ServiceSettings;
use cameo_store::{
    Accounts, Blobs, NewTask, Queue, QueueLimits, Sqlite, Task, TaskId, TaskResult, Tasks, Worker, Workers, now,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::bounds::within_time;

const USER: &str = "ann";
const PASSWORD: &str = "correct horse";

/// Long enough for nothing to expire while a target runs.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The API with one user, whose one task is completed.
pub struct Service {
    runtime: Runtime,
    app: Router,
    store: Arc<Sqlite>,
    blobs: Blobs,
    /// A token of the user.
    pub token: String,
    pub task: TaskId,
    /// The result of the task, a PNG.
    pub result: Vec<u8>,
}

/// Returns the service of this process. The first call starts it, with its data in a folder for temporary files that
/// nobody deletes: libFuzzer ends the process without a chance to.
pub fn service() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for temporary files").keep();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let store = Arc::new(Sqlite::open(&folder.join("cameo.sqlite")).expect("a database"));
        let blobs = Blobs::open(&folder.join("blobs")).expect("a folder for blobs");
        let (task, result) = runtime.block_on(prepare(&store, &blobs));
        let key = SigningKey::from_secret(&"a key for tests ".repeat(4)).expect("a long secret");
        let app = http::app(AppState::new(store.clone(), blobs.clone(), vec![key], settings()));
        let mut service = Service { runtime, app, store, blobs, token: String::new(), task, result };
        service.token = service.log_in();
        service
    })
}

fn settings() -> ServiceSettings {
    ServiceSettings {
        demo: false,
        query_tokens: true,
        token_ttl: YEAR,
        behind_proxy: true,
        cors_origins: vec!["https://example.org".into()],
        tls: None,
        limits: ProcessingLimits::default(),
        max_upload_bytes: 1 << 20,
        queue: queue_limits(),
        max_streams_per_user: 20,
        max_connections: 1,
        max_connections_per_address: 1,
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(10),
        upload_timeout: Duration::from_secs(10),
        shutdown_timeout: Duration::from_secs(10),
        lease: YEAR,
    }
}

fn queue_limits() -> QueueLimits {
    QueueLimits { tasks: 100, pixels: u64::MAX / 2, tasks_per_user: 100 }
}

/// Adds the user, a worker that is ready, and a task with its result. Returns the task and the result.
async fn prepare(store: &Sqlite, blobs: &Blobs) -> (TaskId, Vec<u8>) {
    let hash = password::hash(PASSWORD).expect("a hash");
    let owner = store.add_user(USER, &hash, false, now()).await.expect("a user").id;
    let worker = Worker { id: "worker".into(), server: None, engine: "cpu".into(), ready: true, heartbeat_at: now() };
    store.heartbeat(&worker).await.expect("a worker");
    let id = TaskId::from_u128(1);
    let recipe = r#"{"operation":"enhance"}"#.into();
    let task = NewTask { id, owner, operation: "enhance".into(), recipe, pixels: 12, idempotency: None };
    store.submit(task, queue_limits(), now()).await.expect("a task");
    let lease =
        store.claim("worker", None, YEAR.as_millis() as i64, now()).await.expect("a claim").expect("a task").lease;
    let image = Image::new(8, 6, (0..8 * 6 * 4).map(|index| index as u8).collect());
    let png = codec::encode(&image, Format::Png, None).expect("a PNG");
    blobs.put(&lease.output_key(), Bytes::from(png.clone())).await.expect("a result");
    let result = TaskResult {
        blob_key: lease.output_key(),
        bytes: png.len() as u64,
        sha256: "0".repeat(64),
        width: 8,
        height: 6,
        stages: vec![("enhance".into(), 1.5)],
        matte_uncertainty: Some(0.5),
        foreground: Some([1, 2, 3, 4]),
    };
    store.finish(&lease, &result, "cpu", now()).await.expect("a completed task");
    (id, png)
}

impl Service {
    fn log_in(&self) -> String {
        let body = json!({"username": USER, "password": PASSWORD}).to_string();
        let request = Request::post("/api/v1/login").header("content-type", "application/json").body(body.into());
        let (_, body) = self.call(request.expect("a request"));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        body["access_token"].as_str().expect("a token").into()
    }

    /// Returns the answer to `request`.
    ///
    /// # Panics
    /// If the answer blames the server, is an error without an explanation, or takes too long.
    pub fn call(&self, mut request: Request<Body>) -> (Parts, Bytes) {
        // The pages of the documentation have errors of their own.
        let is_page = request.uri().path().starts_with("/docs");
        let peer: SocketAddr = ([127, 0, 0, 1], 1).into();
        request.extensions_mut().insert(ConnectInfo(peer));
        request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        let answer = async {
            let Ok(response) = self.app.clone().oneshot(request).await;
            let (parts, body) = response.into_parts();
            (parts, to_bytes(body, usize::MAX).await.expect("the whole body"))
        };
        let (parts, body) = within_time(0, || self.runtime.block_on(answer));
        let status = parts.status;
        assert!(!status.is_server_error(), "{status}: {body:?}");
        if status.is_client_error() && !body.is_empty() && !is_page {
            let problem: Value = serde_json::from_slice(&body).expect("an error is a problem in JSON");
            assert_eq!(problem["status"], status.as_u16());
            assert!(problem["code"].is_string() && problem["detail"].is_string(), "{problem}");
        }
        (parts, body)
    }

    /// Removes the task that a submission has created, if it has, and waits until no photo is left.
    ///
    /// # Panics
    /// If a photo is left that belongs to no task.
    pub fn clean_up(&self, status: StatusCode, body: &[u8]) {
        self.runtime.block_on(async {
            if status == StatusCode::OK {
                let body: Value = serde_json::from_slice(body).expect("JSON");
                let id: TaskId = body["task_id"].as_str().and_then(|id| id.parse().ok()).expect("the id of a task");
                assert!(self.store.cancel(id, now()).await.expect("a database"), "the task was accepted");
                assert!(self.store.delete(id).await.expect("a database"), "the task was cancelled");
                self.blobs.delete(&Task::input_key(id)).await.expect("a folder of blobs");
            }
            let photos = self.blobs.path("inputs");
            for _ in 0..5000 {
                if is_empty(&photos) {
                    return;
                }
                // A photo that was refused is deleted in the background.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            panic!("a photo is left that belongs to no task");
        });
    }
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().expect("a folder of blobs").next().is_none()
}
