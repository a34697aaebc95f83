//! Counts and health over HTTP, for whoever watches a node: `/metrics` and `/health` on an address of their own.
//!
//! Each request asks the task of the node for a [`Look`], a few dozen numbers, and makes the text of it here. Connections are
//! bounded in number, bytes and time, so that a slow client holds up nobody.
//!
//! **Invariant:** nothing that comes in here changes the node.

use crate::limits::{WEB_CONNECTIONS_MAX, WEB_HEADER_BYTES_MAX, WEB_HEADERS_MAX, WEB_LOOK, WEB_TIME};
use crate::server::Look;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Why counts cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Others than this host would read them.
    #[error("{address}: metrics are for loopback addresses alone, unless others are let read them: say `metrics-public`")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The system does not give the address.
    #[error("{address}: metrics cannot be served there: {source}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Who gives a look at the node, if it is there and answers.
pub(crate) trait Watched: Clone + Send + Sync + 'static {
    /// A look at the node; none when it has ended.
    fn look(&self) -> impl Future<Output = Option<Look>> + Send;
}

/// Serves from now on; the address that it is reached at.
///
/// # Errors
/// See [`WebError`].
pub(crate) async fn serve(address: SocketAddr, is_public: bool, node: impl Watched) -> Result<SocketAddr, WebError> {
    if !is_public && !address.ip().to_canonical().is_loopback() {
        return Err(WebError::NotLoopback { address });
    }
    let refused = |source| WebError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    tokio::spawn(accept(listener, node));
    Ok(address)
}

async fn accept(listener: TcpListener, node: impl Watched) {
    let places = Arc::new(Semaphore::new(WEB_CONNECTIONS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // As when file descriptors run out.
            tokio::time::sleep(crate::limits::ACCEPT_PAUSE).await;
            continue;
        };
        // One too many is closed at once.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let node = node.clone();
        tokio::spawn(async move {
            // What goes wrong on a connection concerns its client alone.
            let _ = tokio::time::timeout(WEB_TIME, answer(stream, node)).await;
            drop(place);
        });
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, node: impl Watched) -> Result<(), hyper::Error> {
    let service = service_fn(move |request: Request<Incoming>| {
        let node = node.clone();
        async move { Ok::<_, Infallible>(respond(request.method(), request.uri().path(), &node).await) }
    });
    let mut builder = http1::Builder::new();
    builder.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(WEB_TIME);
    builder.max_buf_size(WEB_HEADER_BYTES_MAX).max_headers(WEB_HEADERS_MAX);
    builder.serve_connection(TokioIo::new(stream), service).await
}

async fn respond(method: &Method, path: &str, node: &impl Watched) -> Response<Full<Bytes>> {
    if *method != Method::GET && *method != Method::HEAD {
        return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are answered\n".to_owned());
    }
    if path != "/metrics" && path != "/health" {
        return response(StatusCode::NOT_FOUND, TEXT, "there are /metrics and /health\n".to_owned());
    }
    let Ok(Some(look)) = tokio::time::timeout(WEB_LOOK, node.look()).await else {
        let text = "{\"status\":\"stuck\"}\n".to_owned();
        return response(StatusCode::SERVICE_UNAVAILABLE, JSON, text);
    };
    if path == "/metrics" {
        return response(StatusCode::OK, OPEN_METRICS, metrics_text(&look));
    }
    let (status, word) = if look.is_ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "apart") };
    let listens = look.listens.map_or("null".to_owned(), |address| format!("\"{address}\""));
    let (members, connected) = (look.members, look.connected);
    let text = format!("{{\"status\":\"{word}\",\"listens\":{listens},\"members\":{members},\"connected\":{connected}}}\n");
    response(status, JSON, text)
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn response(status: StatusCode, content: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response
}

/// What a metric is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// It grows from the node's start on.
    Counter,
    /// It is as it is at the moment.
    Gauge,
}

/// One metric.
struct Metric {
    /// Its name without `fardel_`, `_bytes` and `_total`.
    name: &'static str,
    kind: Kind,
    is_bytes: bool,
    help: &'static str,
    value: fn(&Look) -> u64,
}

const fn counter(name: &'static str, help: &'static str, value: fn(&Look) -> u64) -> Metric {
    Metric { name, kind: Kind::Counter, is_bytes: false, help, value }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Look) -> u64) -> Metric {
    Metric { name, kind: Kind::Gauge, is_bytes: false, help, value }
}

const fn in_bytes(metric: Metric) -> Metric {
    Metric { is_bytes: true, ..metric }
}

/// All metrics; docs/operate.md has the same table.
const METRICS: &[Metric] = &[
    gauge("fibers", "Fibers that are alive", |look| look.machine.fibers_live),
    counter("fibers_started", "Fibers started", |look| look.machine.fibers_started),
    counter("messages", "Messages between fibers", |look| look.machine.messages),
    counter("dead_letters", "Messages that nobody got", |look| look.machine.dead_letters),
    counter("slices", "Slices that fibers have run", |look| look.machine.slices),
    counter("fuel", "Calls and jumps back that fibers have carried out", |look| look.machine.fuel),
    counter("collections", "Collections of fibers' heaps", |look| look.machine.collections),
    in_bytes(gauge("blocks", "Memory of the fibers' heaps and stacks", |look| look.machine.block_bytes)),
    in_bytes(gauge("outside", "Memory of waiting messages, ties, timers and shared texts", |look| {
        look.machine.outside_bytes
    })),
    gauge("names", "Names of fibers on the node", |look| look.machine.names),
    gauge("timers", "Timers with messages", |look| look.machine.timers),
    gauge("members", "Nodes that are known and not down, the node itself included", |look| look.members),
    gauge("sessions", "Sessions with other nodes", |look| look.sessions),
    gauge("sessions_connected", "Sessions that have a connection", |look| look.connected),
    in_bytes(gauge("sessions_held", "Bytes that wait to be acknowledged by other nodes", |look| look.held_bytes)),
    gauge("remote_fibers", "Fibers of other nodes that are known", |look| look.remotes),
    counter("connections", "Connections that came through their handshake", |look| look.counts.connections),
    counter("connections_resumed", "Connections of them that went on with a session", |look| look.counts.resumed),
    counter("connections_refused", "Connections that were refused before they were authenticated", |look| look.refused),
    counter("dials_failed", "Connections that could not be made", |look| look.counts.dials_failed),
    in_bytes(counter("received", "Bytes that came from other nodes", |look| look.counts.received_bytes)),
    in_bytes(counter("sent", "Bytes that went to other nodes", |look| look.counts.sent_bytes)),
    counter("received_messages", "Numbered frames that came from other nodes", |look| look.router.received),
    counter("sent_messages", "Numbered frames for other nodes", |look| look.router.sent),
    counter("denied", "Messages of other nodes that were denied", |look| look.router.denied),
    counter("malformed", "Messages of other nodes that made no sense", |look| look.router.malformed),
    counter("dropped", "Messages that were too large for their node, or met a lost session", |look| look.router.dropped),
];

/// The metrics as text in the format of OpenMetrics, which Prometheus reads.
fn metrics_text(look: &Look) -> String {
    let mut registry = Registry::with_prefix("fardel");
    for metric in METRICS {
        let value = (metric.value)(look);
        match (metric.kind, metric.is_bytes) {
            (Kind::Counter, false) => registry.register(metric.name, metric.help, ConstCounter::new(value)),
            (Kind::Counter, true) => {
                registry.register_with_unit(metric.name, metric.help, Unit::Bytes, ConstCounter::new(value));
            }
            (Kind::Gauge, is_bytes) => {
                let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                if is_bytes {
                    registry.register_with_unit(metric.name, metric.help, Unit::Bytes, gauge);
                } else {
                    registry.register(metric.name, metric.help, gauge);
                }
            }
        }
    }
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = encode(&mut text, &registry);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a metric as it is read.
    fn full_name(metric: &Metric) -> String {
        let unit = if metric.is_bytes { "_bytes" } else { "" };
        let end = if metric.kind == Kind::Counter { "_total" } else { "" };
        format!("fardel_{}{unit}{end}", metric.name)
    }

    #[test]
    fn the_document_has_the_metrics_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate.md");
        let document = std::fs::read_to_string(path).expect("the document can be read");
        let row = |metric: &Metric| {
            let kind = if metric.kind == Kind::Counter { "counter" } else { "gauge" };
            format!("| `{}` | {kind} | {} |\n", full_name(metric), metric.help)
        };
        let table: String = METRICS.iter().map(row).collect();
        assert!(document.contains(&format!("| --- | --- | --- |\n{table}\n")), "this table is missing:\n{table}");
    }

    #[test]
    fn each_metric_is_a_line_with_its_value() {
        let look = Look { members: 3, ..Look::default() };
        let text = metrics_text(&look);
        for metric in METRICS {
            let line = format!("{} {}\n", full_name(metric), (metric.value)(&look));
            assert!(text.contains(&line), "{line:?} is not in {text}");
        }
        assert!(text.contains("fardel_members 3\n") && text.ends_with("# EOF\n"), "{text}");
    }
}
