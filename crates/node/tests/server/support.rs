//! Nodes that share a key, on ports that the system chooses.

use fardel::vm::config::Config;
use fardel::{Hosts, Runtime};
use fardel_node::keys::SharedKey;
use fardel_node::server::{Compress, Grants, Roles, Server, Settings};
use fardel_node::transport::{Address, Security};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Longer than anything takes that happens here.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// Any port of the loopback address.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The security of all nodes here.
pub(crate) fn security() -> Security {
    let key = SharedKey::from_hex(&"a".repeat(64), "a test").expect("a key");
    Security::shared_key(key).expect("TLS with a shared key")
}

/// What a node is started with that neither listens nor joins.
pub(crate) fn settings(name: &str) -> Settings {
    Settings {
        name: name.to_owned(),
        labels: Vec::new(),
        security: security(),
        listen: Vec::new(),
        advertise: None,
        join: Vec::new(),
        join_file: None,
        compress: Compress::Auto,
        metrics: None,
        metrics_public: false,
        roles: Roles::all(Grants::MEMBER),
        is_guest: false,
    }
}

pub(crate) async fn start(settings: Settings) -> Server {
    let machine = Config { cluster: true, ..Config::default() };
    let runtime = Runtime::new(fardel::Settings { machine, ..fardel::Settings::default() }, Hosts::none());
    Server::start(settings, runtime).await.expect("a node")
}

/// Starts a node that listens, and drives it as long as the test takes; gives where.
pub(crate) async fn listening(name: &str) -> Address {
    let mut server = start(Settings { listen: vec![LOOPBACK.into()], ..settings(name) }).await;
    let address = *server.addresses().first().expect("an address");
    tokio::task::spawn_local(async move { server.run(std::future::pending()).await });
    address
}

/// The same over TCP and over QUIC: gives both addresses.
pub(crate) async fn both(name: &str) -> [Address; 2] {
    let mut server = start(Settings { listen: vec![LOOPBACK.into(), Address::quic(LOOPBACK)], ..settings(name) }).await;
    let addresses = server.addresses().to_vec();
    tokio::task::spawn_local(async move { server.run(std::future::pending()).await });
    addresses.try_into().expect("two addresses")
}

/// Runs a test in which nodes are driven.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    runtime.block_on(tasks.run_until(async { tokio::time::timeout(LONG, test).await.expect("it ends in time") }));
}
