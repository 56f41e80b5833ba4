//! What operators watch, in Prometheus's format.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Load, StageTotal, Status, now};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

use super::Service;
use super::problem::{Problem, Result};

/// Counted in this process; what the store knows is asked for when it is read.
pub struct Metrics {
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    pub restarts: Counter,
    pub sent: Counter,
    pub got: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a millisecond to half a minute.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-3, 2.0, 16));
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            restarts: Counter::default(),
            sent: Counter::default(),
            got: Counter::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tasks {
    status: &'static str,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: String,
}

type Seconds = Gauge<f64, AtomicU64>;

impl Metrics {
    pub fn count(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        // A method is whatever the caller wrote: only known ones become labels.
        let method =
            if ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"].contains(&method) { method } else { "other" };
        let request = Request { method: method.into(), route: route.into(), status: status.into() };
        self.requests.get_or_create(&request).inc();
        self.seconds.get_or_create(&Route { route: route.into() }).observe(elapsed.as_secs_f64());
    }

    /// All metrics as text.
    fn text(&self, load: &Load, stages: &[StageTotal], ready: usize) -> std::result::Result<String, std::fmt::Error> {
        let mut all = Registry::with_prefix("cameo");
        all.register("requests", "Requests answered", self.requests.clone());
        all.register("request_seconds", "Time to answer a request", self.seconds.clone());
        all.register("worker_restarts", "Workers that had to be replaced", self.restarts.clone());
        all.register("sent_bytes", "Bytes of results sent", self.sent.clone());
        all.register("received_bytes", "Bytes of photos accepted", self.got.clone());

        let tasks = Family::<Tasks, Gauge>::default();
        for (status, kind, count) in &load.counts {
            tasks.get_or_create(&Tasks { status: status.name(), kind: kind.clone() }).set(*count as i64);
        }
        all.register("tasks", "Tasks remembered, by state and kind", tasks);
        let gauge = |value: f64| {
            let gauge = Seconds::default();
            gauge.set(value);
            gauge
        };
        all.register("queue_length", "Tasks that wait", gauge(load.count(Status::Pending) as f64));
        all.register("queue_pixels", "Pixels that wait", gauge(load.pending_pixels as f64));
        let age = load.oldest_pending.map_or(0.0, |since| (now() - since).max(0) as f64 / 1e3);
        all.register("queue_age_seconds", "How long the oldest task has waited", gauge(age));
        all.register("workers_ready", "Workers whose self-test has passed", gauge(ready as f64));
        let (runs, seconds) =
            (Family::<Stage, Counter>::default(), Family::<Stage, Counter<f64, AtomicU64>>::default());
        for total in stages {
            let stage = Stage { stage: total.stage.clone() };
            runs.get_or_create(&stage).inc_by(total.count);
            seconds.get_or_create(&stage).inc_by(total.seconds);
        }
        all.register("stage_runs", "Runs of a stage in tasks that completed", runs);
        all.register("stage_seconds", "Time spent in a stage in tasks that completed", seconds);
        let mut text = String::new();
        encode(&mut text, &all)?;
        Ok(text)
    }
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operations", security(()),
    responses((status = 200, description = "In the OpenMetrics text format", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(service): State<Arc<Service>>) -> Result<Response> {
    let load = service.store.load().await?;
    let stages = service.store.stage_totals().await?;
    let ready = service.store.workers().await?.iter().filter(|worker| worker.ready).count();
    let text = service.metrics.text(&load, &stages, ready).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
