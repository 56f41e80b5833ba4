//! Which handler answers which call, and the layers around all of them.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::state::AppState;
use super::{configs, cors, docs, drain, events, health, login, preconditions, result, status, submit, trace};

/// The largest body of a request that uploads no photo.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Returns the routes of the API, with their OpenAPI document.
fn routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(docs::base_document())
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
        .routes(routes!(health::metrics))
}

/// Returns the OpenAPI document, as the server publishes it.
pub fn document() -> OpenApi {
    routes().into_openapi()
}

/// Returns the whole application, which [`serve`](super::serve) calls for the requests of its connections. Each request
/// needs the client's address as its extension `ConnectInfo<SocketAddr>`.
pub fn app(state: Arc<AppState>) -> Router {
    let (router, document) = routes().split_for_parts();
    // Encoded once and shared: axum copies a handler, with everything it holds, for each connection.
    let document: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let router = router
        .route("/openapi.json", get(move || async move { (json, document.to_string()) }))
        .merge(docs::page())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(axum::middleware::from_fn(preconditions::layer))
        .layer(CatchPanicLayer::custom(panicked));
    // Pages must be able to read every answer, errors as well.
    let router = match cors::layer(&state.settings.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router
        .layer(axum::middleware::from_fn(drain::layer))
        .layer(axum::middleware::from_fn_with_state(state.clone(), trace::layer))
        .with_state(state)
}

async fn not_found() -> Problem {
    Problem::not_found("no_such_path", "there is nothing at this path: see /docs for the calls")
}

async fn method_not_allowed() -> Problem {
    let detail = "this path does not take this method: see /docs for the calls";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
