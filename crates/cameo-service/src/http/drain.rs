//! Reads what is left of a request that was refused.
//!
//! If a connection is closed while its client is still sending, it is reset, and the client may lose the answer: many
//! libraries and proxies report a broken pipe instead.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// How much is read, and for how long. A client that sends more sees its connection closed.
const MAX_BYTES: usize = 64 << 20;
const MAX_TIME: Duration = Duration::from_secs(5);

pub async fn layer(request: Request, next: Next) -> Response {
    // A client that expects 100 (Continue) has not sent its body yet, and reading would ask for it.
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = SharedBody(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if is_refused && !expects_continue {
        let _ = tokio::time::timeout(MAX_TIME, drain(body)).await;
    }
    response
}

async fn drain(mut body: SharedBody) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MAX_BYTES {
            break;
        }
    }
}

/// A body that outlives the handler which it was given to.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Body>>);

impl SharedBody {
    fn with<T>(&self, run: impl FnOnce(Pin<&mut Body>) -> T) -> T {
        run(Pin::new(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| body.poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
