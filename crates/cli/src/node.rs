//! `fardel node`: runs a node of a cluster, and what `fardel run` needs to be one.

use crate::roles::{Role, Withheld, roles};
use crate::say;
use clap::{Args, ValueEnum};
use fardel::vm::config::Config;
use fardel::{Hosts, InterruptHandle, Outcome, Program, Runtime, Settings, Streams, outcome};
use fardel_node::keys::{Credentials, SharedKey};
use fardel_node::server::{self, Server};
use fardel_node::transport::{Address, Plain, Security, Target};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How a node is set up. Each can stand in the file as well, with `_` for `-`; what the command line or the environment
/// says goes before it.
#[derive(Args, serde::Deserialize, Clone, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeOptions {
    /// A file with these options, as TOML: shared_key = "cluster.key"
    #[arg(long, value_name = "FILE", env = "FARDEL_CONFIG")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
    /// The node's name, by which programs call it [default: node- and the number of its process]
    #[arg(long, env = "FARDEL_NAME")]
    pub(crate) name: Option<String>,
    /// A label of the node, by which programs choose where fibers are started; once for each
    #[arg(long, value_name = "TEXT", env = "FARDEL_LABEL", value_delimiter = ',')]
    #[serde(deserialize_with = "some")]
    pub(crate) label: Vec<String>,
    /// Where it takes connections, over TCP or, with quic:// before it, over QUIC; once for each. With port 0 the system
    /// chooses one
    #[arg(long, value_name = "IP:PORT", env = "FARDEL_LISTEN", value_delimiter = ',')]
    #[serde(deserialize_with = "some")]
    pub(crate) listen: Vec<Address>,
    /// Where others reach it, if that is not the first address on which it listens
    #[arg(long, value_name = "HOST:PORT", env = "FARDEL_ADVERTISE")]
    #[serde(deserialize_with = "one")]
    pub(crate) advertise: Option<Target>,
    /// A node of the cluster to connect with; once for each. The others are found through it. A name is looked up again
    /// with every try
    #[arg(long, value_name = "HOST:PORT", env = "FARDEL_JOIN", value_delimiter = ',')]
    #[serde(deserialize_with = "some")]
    pub(crate) join: Vec<Target>,
    /// A file with such nodes, one a line, which is read again with every try; what is behind # is for people
    #[arg(long, value_name = "FILE", env = "FARDEL_JOIN_FILE")]
    pub(crate) join_file: Option<PathBuf>,
    /// The node's certificate
    #[arg(long, value_name = "FILE", env = "FARDEL_CERT")]
    pub(crate) cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, value_name = "FILE", env = "FARDEL_KEY")]
    pub(crate) key: Option<PathBuf>,
    /// The certificate of the cluster's authority
    #[arg(long, value_name = "FILE", env = "FARDEL_AUTHORITY")]
    pub(crate) authority: Option<PathBuf>,
    /// The key that all nodes share, in place of certificates
    #[arg(long, value_name = "FILE", env = "FARDEL_SHARED_KEY")]
    pub(crate) shared_key: Option<PathBuf>,
    /// Connects in plaintext, with whoever comes; on this host alone
    #[arg(long, env = "FARDEL_INSECURE")]
    pub(crate) insecure: bool,
    /// With --insecure, on other addresses than this host's own as well
    #[arg(long, env = "FARDEL_FORCE")]
    pub(crate) force: bool,
    /// Whether what is sent to other nodes is compressed; by default but for those on this host
    #[arg(long, value_enum, value_name = "WHEN", env = "FARDEL_COMPRESS")]
    pub(crate) compress: Option<Compress>,
    /// Starts no fibers for other nodes
    #[arg(long, env = "FARDEL_NO_SPAWN")]
    pub(crate) no_spawn: bool,
    /// Takes no code from other nodes
    #[arg(long, env = "FARDEL_NO_CODE")]
    pub(crate) no_code: bool,
    /// The role of nodes that have no other [default: all may send, start fibers and ship code; with a shared key, or
    /// without credentials, administer as well]
    #[arg(long, value_name = "NAME", env = "FARDEL_DEFAULT_ROLE")]
    pub(crate) default_role: Option<String>,
    /// Where it tells its counts (/metrics, for Prometheus) and its health (/health) over HTTP
    #[arg(long, value_name = "IP:PORT", env = "FARDEL_METRICS")]
    pub(crate) metrics: Option<SocketAddr>,
    /// With --metrics, on other addresses than this host's own as well: whoever reaches it may read them
    #[arg(long, env = "FARDEL_METRICS_PUBLIC")]
    pub(crate) metrics_public: bool,
    /// The roles, which stand in the file alone.
    #[arg(skip)]
    pub(crate) roles: BTreeMap<String, Role>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fardel keygen shared cluster.key
  fardel node --name one --listen 127.0.0.1:7001 --shared-key cluster.key
  fardel node --name two --listen 127.0.0.1:7002 --shared-key cluster.key --join 127.0.0.1:7001

It runs until it is interrupted (ctrl-C) or told to end (SIGTERM), and says goodbye to the others.")]
pub(crate) struct Options {
    #[command(flatten)]
    node: NodeOptions,
    /// How the log is written
    #[arg(long, value_enum, default_value_t = Log::Text, env = "FARDEL_LOG")]
    log: Log,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Log {
    Text,
    Json,
}

#[derive(ValueEnum, serde::Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compress {
    Auto,
    Always,
    Never,
}

impl NodeOptions {
    /// The options with those of the file, if one is named.
    ///
    /// # Errors
    /// What is wrong with the file, for people.
    pub(crate) fn with_file(self) -> Result<NodeOptions, String> {
        let Some(path) = self.config.clone() else { return Ok(self) };
        let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let file: NodeOptions = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(NodeOptions {
            config: None,
            name: self.name.or(file.name),
            label: if self.label.is_empty() { file.label } else { self.label },
            advertise: self.advertise.or(file.advertise),
            join: if self.join.is_empty() { file.join } else { self.join },
            join_file: self.join_file.or(file.join_file),
            cert: self.cert.or(file.cert),
            key: self.key.or(file.key),
            authority: self.authority.or(file.authority),
            shared_key: self.shared_key.or(file.shared_key),
            insecure: self.insecure || file.insecure,
            force: self.force || file.force,
            compress: self.compress.or(file.compress),
            no_spawn: self.no_spawn || file.no_spawn,
            no_code: self.no_code || file.no_code,
            default_role: self.default_role.or(file.default_role),
            metrics: self.metrics.or(file.metrics),
            metrics_public: self.metrics_public || file.metrics_public,
            roles: file.roles,
            listen: if self.listen.is_empty() { file.listen } else { self.listen },
        })
    }

    pub(crate) fn security(&self) -> Result<Security, String> {
        let has_credentials = [&self.cert, &self.key, &self.authority, &self.shared_key].iter().any(|file| file.is_some());
        if self.insecure && has_credentials {
            return Err("--insecure is for nodes without credentials, and this one has some".to_owned());
        }
        match (&self.cert, &self.key, &self.authority, &self.shared_key) {
            (Some(cert), Some(key), Some(authority), None) => Credentials::load(cert, key, authority, SystemTime::now())
                .and_then(|credentials| Security::certificates(&credentials))
                .map_err(|error| error.to_string()),
            (None, None, None, Some(file)) => {
                SharedKey::load(file).and_then(Security::shared_key).map_err(|error| error.to_string())
            }
            (None, None, None, None) if !self.insecure => {
                Err("there are no credentials: give --cert, --key and --authority, \
                 or --shared-key, or say --insecure to connect in plaintext on this host"
                    .to_owned())
            }
            (None, None, None, None) => Ok(Security::Plain(Plain { insecure: self.insecure, force: self.force })),
            (_, _, _, Some(_)) => Err("--shared-key stands in place of --cert, --key and --authority".to_owned()),
            (cert, key, authority, None) => {
                let given = [("--cert", cert), ("--key", key), ("--authority", authority)];
                let missing: Vec<&str> = given.iter().filter(|(_, file)| file.is_none()).map(|(name, _)| *name).collect();
                Err(format!("--cert, --key and --authority belong together; missing: {}", missing.join(", ")))
            }
        }
    }

    /// Adds nodes to join.
    pub(crate) fn join(&mut self, nodes: &[Target]) {
        self.join.extend_from_slice(nodes);
    }

    /// Whether there is a way to other nodes.
    pub(crate) fn has_way(&self) -> bool {
        !self.listen.is_empty() || !self.join.is_empty() || self.join_file.is_some()
    }

    /// What the node is started with.
    ///
    /// # Errors
    /// What is wrong with the options, for people.
    pub(crate) fn settings(self) -> Result<server::Settings, String> {
        let options = self;
        if let Some(listen) = options.listen.first()
            && listen.socket.ip().is_unspecified()
            && options.advertise.is_none()
        {
            return Err(format!(
                "{listen} is every address of this host: say with --advertise which one others reach it at"
            ));
        }
        if !options.has_way() {
            return Err("a node listens (--listen) or joins others (--join), or both".to_owned());
        }
        let security = options.security()?;
        let is_certified = matches!(security, Security::Certificates(_));
        let withheld = Withheld { spawn: options.no_spawn, code: options.no_code };
        let roles = roles(&options.roles, options.default_role.as_deref(), withheld, is_certified)?;
        let name = options.name.unwrap_or_else(|| format!("node-{}", std::process::id()));
        Ok(server::Settings {
            name,
            labels: options.label,
            security,
            listen: options.listen,
            advertise: options.advertise.map(|target| target.to_string()),
            join: options.join,
            join_file: options.join_file,
            compress: match options.compress {
                None | Some(Compress::Auto) => server::Compress::Auto,
                Some(Compress::Always) => server::Compress::Always,
                Some(Compress::Never) => server::Compress::Never,
            },
            roles,
            is_guest: false,
            metrics: options.metrics,
            metrics_public: options.metrics_public,
        })
    }
}

/// One text or several, in the file.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Some(Vec<String>),
}

/// What a text of the file says.
fn one<'de, D, T>(file: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let text = <String as serde::Deserialize>::deserialize(file)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// What a text of the file says, or a list of texts.
fn some<'de, D, T>(file: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let texts = match <Texts as serde::Deserialize>::deserialize(file)? {
        Texts::One(text) => vec![text],
        Texts::Some(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

pub(crate) fn node(options: &Options) -> u8 {
    let settings = match options.node.clone().with_file().and_then(NodeOptions::settings) {
        Ok(settings) => settings,
        Err(problem) => {
            say::error(problem);
            return say::USAGE;
        }
    };
    write_log(options.log);
    let machine = Config {
        cluster: true,
        node: settings.name.clone(),
        labels: settings.labels.clone(),
        seed: fardel::random_seed(),
        machine_memory_bytes_max: fardel::machine_memory_max(),
        ..Config::default()
    };
    let streams = Streams { line_wise: true, ..Streams::standard() };
    let runtime = Runtime::new(Settings { machine, streams, ..Settings::default() }, Hosts::standard());
    drive(async move {
        let interrupted = interrupted();
        let name = settings.name.clone();
        let mut server = match Server::start(settings, runtime).await {
            Ok(server) => server,
            Err(problem) => {
                say::error(problem);
                return say::USAGE;
            }
        };
        for address in server.addresses() {
            say::line(&format!("node {name} listens on {address}"));
        }
        if server.addresses().is_empty() {
            say::line(&format!("node {name} takes no connections"));
        }
        if let Some(address) = server.metrics_address() {
            say::line(&format!("node {name} tells its metrics on {address}"));
        }
        server.run(interrupted).await;
        server.leave().await;
        say::OK
    })
}

/// Runs a program as a node of a cluster.
pub(crate) fn run(
    settings: server::Settings,
    join_limit: Duration,
    runtime: Runtime,
    program: Program,
    path: &Path,
) -> Result<Outcome, u8> {
    drive(async move {
        let joins = !settings.join.is_empty() || settings.join_file.is_some();
        let told = told_to_end(runtime.interrupt_handle());
        let mut server = Server::start(settings, runtime).await.map_err(|problem| {
            say::error(problem);
            say::USAGE
        })?;
        if joins {
            join(&mut server, join_limit).await?;
        }
        let ran = server.run_program(program).await.map_err(|problem| {
            say::error(format_args!("{}: {problem}", path.display()));
            say::USAGE
        });
        server.leave().await;
        ran.map(|mut outcome| {
            if told.load(Ordering::SeqCst) && outcome.status == outcome::status::INTERRUPTED {
                outcome.status = say::TERMINATED;
            }
            outcome
        })
    })
}

/// Interrupts a run when somebody tells the process to end, the first time with the usual grace; whether that happened. At
/// ctrl-C the same is done already.
fn told_to_end(interrupt: InterruptHandle) -> Arc<AtomicBool> {
    let told = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let is_told = Arc::clone(&told);
        // What cannot be heard ends the process, as without this.
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::spawn(async move {
                while terminate.recv().await.is_some() {
                    is_told.store(true, Ordering::SeqCst);
                    if interrupt.interrupt() > 0 {
                        std::process::exit(say::TERMINATED.into());
                    }
                }
            });
        }
    }
    #[cfg(not(unix))]
    drop(interrupt);
    told
}

/// Waits for a connection with the cluster; without one, tells why and gives the status.
pub(crate) async fn join(server: &mut Server, limit: Duration) -> Result<(), u8> {
    let is_joined = tokio::select! {
        is_joined = server.joined(limit) => is_joined,
        // What else is to happen then concerns programs that run.
        status = asked_to_end() => return Err(status),
    };
    if is_joined {
        return Ok(());
    }
    say::error(format_args!("no connection to the cluster within {limit:?}"));
    server.failures().for_each(|failure| say::line(&format!("  {failure}")));
    Err(say::FAILED)
}

/// Waits for ctrl-C or until somebody tells the process to end; the status to end with.
async fn asked_to_end() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => outcome::status::INTERRUPTED,
                _ = terminate.recv() => say::TERMINATED,
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    outcome::status::INTERRUPTED
}

/// Runs the task of a node in this thread.
pub(crate) fn drive<T>(task: impl Future<Output = T>) -> T {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(task),
        Err(error) => {
            say::error(format_args!("the system gives no means to wait for connections: {error}"));
            std::process::exit(say::FAILED.into());
        }
    }
}

fn write_log(log: Log) {
    let to_error = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false);
    // It is set once.
    let _ = match log {
        Log::Text => to_error.with_ansi(say::in_colour()).try_init(),
        Log::Json => to_error.json().try_init(),
    };
}

/// Until somebody asks the process to end; who asks from now on is heard. To be called inside of [`drive`].
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        async move {
            // What cannot be heard ends the process, as without this.
            let [Ok(mut interrupt), Ok(mut terminate)] = signals else { return std::future::pending().await };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
