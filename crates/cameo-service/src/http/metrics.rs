//! What operators monitor, in the OpenMetrics text format that Prometheus reads.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cameo_store::{Load, StageTotal, TaskStatus, now};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The counters of this process. What the store knows is read when the metrics are.
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub worker_restarts: Counter,
    pub sent_bytes: Counter,
    pub received_bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a millisecond to half a minute.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-3, 2.0, 16));
        Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            worker_restarts: Counter::default(),
            sent_bytes: Counter::default(),
            received_bytes: Counter::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    status: &'static str,
    operation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: String,
}

type FloatGauge = Gauge<f64, AtomicU64>;
type FloatCounter = Counter<f64, AtomicU64>;

impl Metrics {
    pub fn count_request(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        // The caller chooses the method: only known ones become labels, or their number would have no limit.
        let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"].contains(&method);
        let method = if known { method } else { "other" };
        let labels = RequestLabels { method: method.into(), route: route.into(), status: status.into() };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: route.into() };
        self.request_seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }

    /// Returns all metrics as text: those of this process, and what was read from the store.
    pub fn encode(&self, load: &Load, stages: &[StageTotal], ready_workers: usize) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("cameo");
        self.register_own(&mut registry);
        register_tasks(&mut registry, load);
        registry.register("workers_ready", "Workers whose self-test has passed", gauge(ready_workers as f64));
        register_stages(&mut registry, stages);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn register_own(&self, registry: &mut Registry) {
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("request_seconds", "Time to answer a request", self.request_seconds.clone());
        registry.register("worker_restarts", "Workers that had to be replaced", self.worker_restarts.clone());
        registry.register("sent_bytes", "Bytes of results sent", self.sent_bytes.clone());
        registry.register("received_bytes", "Bytes of photos accepted", self.received_bytes.clone());
    }
}

fn gauge(value: f64) -> FloatGauge {
    let gauge = FloatGauge::default();
    gauge.set(value);
    gauge
}

fn register_tasks(registry: &mut Registry, load: &Load) {
    let tasks = Family::<TaskLabels, Gauge>::default();
    for (status, operation, count) in &load.counts {
        let labels = TaskLabels { status: status.into_str(), operation: operation.clone() };
        tasks.get_or_create(&labels).set(*count as i64);
    }
    registry.register("tasks", "Tasks in the store, by status and operation", tasks);
    registry.register("queue_length", "Tasks that wait", gauge(load.count(TaskStatus::Pending) as f64));
    registry.register("queue_pixels", "Photo pixels that wait", gauge(load.pending_pixels as f64));
    let age = load.oldest_pending.map_or(0.0, |since| (now() - since).max(0) as f64 / 1e3);
    registry.register("queue_age_seconds", "Time that the oldest waiting task has waited", gauge(age));
}

fn register_stages(registry: &mut Registry, stages: &[StageTotal]) {
    let runs = Family::<StageLabels, Counter>::default();
    let seconds = Family::<StageLabels, FloatCounter>::default();
    for total in stages {
        let labels = StageLabels { stage: total.stage.clone() };
        runs.get_or_create(&labels).inc_by(total.count);
        seconds.get_or_create(&labels).inc_by(total.seconds);
    }
    registry.register("stage_runs", "Runs of a stage in completed tasks", runs);
    registry.register("stage_seconds", "Time spent in a stage in completed tasks", seconds);
}
