//! The API. The only room that names axum, jsonwebtoken or a status code; it sees no pixel but to write a finished
//! result as WebP, and knows no engine: what it accepts is a row and a file, and workers do the rest.
//!
//! - `problem`: errors to answers
//! - `login`, `tokens`, `caller`, `throttle`: who calls
//! - `submit`, `wishes`, `upload`: photos in
//! - `status`, `events`: how far a task is
//! - `result`: pictures out
//! - `configs`: stored options
//! - `health`, `metrics`, `trace`, `docs`: for operators and programmers
//! - `server`: connections

#![expect(unused_qualifications, reason = "utoipa's macros write them")]

mod caller;
mod configs;
mod docs;
mod events;
mod extract;
mod health;
mod login;
mod metrics;
mod problem;
mod result;
mod server;
mod status;
mod submit;
mod throttle;
mod tokens;
mod trace;
mod upload;
mod watch;
mod wishes;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use cameo_tasks::{Blobs, QueueLimits, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::keys::Key;
use crate::config::serve::ServeArgs;
use problem::Problem;

pub use docs::document;
pub use server::{check, serve};

/// The largest body of a call that takes no photo.
const MAX_BODY_BYTES: usize = 64 << 10;

/// All that the calls share.
pub struct Service {
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub settings: Settings,
    tokens: tokens::Tokens,
    door: login::Door,
    metrics: metrics::Metrics,
    changes: watch::Changes,
    /// One at a time: a result is decoded and encoded in the memory of this process.
    webp: tokio::sync::Semaphore,
}

/// What was configured.
pub struct Settings {
    pub args: ServeArgs,
    pub demo: bool,
    pub query_tokens: bool,
}

impl Settings {
    /// The address a caller is known by.
    fn address(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        self.args.address(forwarded.and_then(|list| list.to_str().ok()), peer.ip())
    }

    fn limits(&self) -> QueueLimits {
        QueueLimits {
            tasks: self.args.max_queue,
            pixels: (self.args.max_queue_megapixels * 1e6) as u64,
            tasks_per_user: self.args.max_tasks_per_user,
        }
    }

    fn max_upload_bytes(&self) -> usize {
        (self.args.max_upload as usize) << 20
    }

    fn upload_timeout(&self) -> Duration {
        Duration::from_secs(self.args.upload_timeout.into())
    }
}

impl Service {
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, keys: Vec<Key>, args: ServeArgs) -> Arc<Self> {
        Arc::new(Self {
            changes: watch::Changes::new(store.clone()),
            tokens: tokens::Tokens::new(keys, args.token_ttl.into()),
            settings: Settings { demo: args.demo, query_tokens: !args.no_query_tokens, args },
            door: login::Door::default(),
            metrics: metrics::Metrics::default(),
            webp: tokio::sync::Semaphore::new(1),
            store,
            blobs,
        })
    }

    /// Takes keys that were rotated while it runs.
    pub fn renew_keys(&self, keys: Vec<Key>) {
        self.tokens.renew(keys);
    }

    /// Counts a worker that had to be replaced.
    pub fn count_restart(&self) {
        self.metrics.restarts.inc();
    }
}

/// The calls, and the document made of them.
fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(docs::base())
        .routes(routes!(login::login))
        .routes(routes!(submit::combo))
        .routes(routes!(submit::enhance))
        .routes(routes!(submit::cutout))
        .routes(routes!(status::status))
        .routes(routes!(status::tasks))
        .routes(routes!(status::cancel))
        .routes(routes!(events::events))
        .routes(routes!(result::result))
        .routes(routes!(configs::list, configs::create))
        .routes(routes!(configs::read, configs::replace, configs::remove))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
}

/// The whole application.
pub fn app(service: Arc<Service>) -> Router {
    let (router, document) = routes().split_for_parts();
    let not_found = || async { Problem::not_found("no_such_path", "there is nothing here: see /docs for the calls") };
    let not_allowed = || async {
        let detail = "this path does not take this method: see /docs for the calls";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    };
    // Written once: a handler is copied for each connection, with all that it holds.
    let document: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let router = router
        .route("/openapi.json", get(move || async move { (json, document.to_string()) }))
        .merge(docs::page())
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let router = match server::cors(&service.settings.args) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(|_| {
            axum::response::IntoResponse::into_response(Problem::internal("a call panicked"))
        }))
        .layer(axum::middleware::from_fn_with_state(service.clone(), trace::layer))
        .with_state(service)
}
