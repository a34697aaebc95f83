//! What operates a cluster: each command asks one node something, and shows the answer.
//!
//! A command connects with the node that `--connect` names, as a guest and no member, and asks it or another one that it hears
//! of from there. Whether it may, the node that is asked decides by the command's own credentials.

mod show;

use crate::node::{self, NodeOptions};
use crate::{run, say};
use clap::{Args, ValueEnum};
use fardel::vm::config::Config;
use fardel::{Hosts, Runtime, Settings};
use fardel_node::keys::NodeId;
use fardel_node::operate::{Answer, FiberName, FiberRow, KillReason, Question};
use fardel_node::server::{self, Compress, Grants, Reach, Roles, Server};
use fardel_node::transport::Target;
use std::path::PathBuf;
use std::time::Duration;

/// How long a node has to answer: longer than a session without a connection lasts.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// Which cluster is operated, and who does.
#[derive(Args, Debug)]
struct Connect {
    /// A node of the cluster; the others are found through it
    #[arg(long, value_name = "HOST:PORT", env = "FARDEL_CONNECT")]
    connect: Target,
    /// The node that is meant, by its name or id [default: the one that --connect names]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// A file with the options below, as TOML: shared_key = "cluster.key"
    #[arg(long, value_name = "FILE", env = "FARDEL_CONFIG", help_heading = "Credentials")]
    config: Option<PathBuf>,
    /// The certificate of whoever operates
    #[arg(long, value_name = "FILE", env = "FARDEL_CERT", help_heading = "Credentials")]
    cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, value_name = "FILE", env = "FARDEL_KEY", help_heading = "Credentials")]
    key: Option<PathBuf>,
    /// The certificate of the cluster's authority
    #[arg(long, value_name = "FILE", env = "FARDEL_AUTHORITY", help_heading = "Credentials")]
    authority: Option<PathBuf>,
    /// The key that all nodes share, in place of certificates
    #[arg(long, value_name = "FILE", env = "FARDEL_SHARED_KEY", help_heading = "Credentials")]
    shared_key: Option<PathBuf>,
    /// Connects in plaintext; on this host alone
    #[arg(long, env = "FARDEL_INSECURE", help_heading = "Credentials")]
    insecure: bool,
    /// With --insecure, with other hosts as well
    #[arg(long, env = "FARDEL_FORCE", help_heading = "Credentials")]
    force: bool,
    /// How many milliseconds to wait for a connection
    #[arg(long, value_name = "N", default_value_t = 10_000, hide = true)]
    join_limit: u64,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel nodes --connect 127.0.0.1:7001 --shared-key cluster.key")]
pub(crate) struct Nodes {
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel ps --connect 127.0.0.1:7001 --shared-key cluster.key --node two")]
pub(crate) struct Ps {
    #[command(flatten)]
    connect: Connect,
    /// How many fibers are listed at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel inspect --connect 127.0.0.1:7001 --shared-key cluster.key one/12.3")]
pub(crate) struct Inspect {
    #[command(flatten)]
    connect: Connect,
    /// The fiber: one/12.3 as `fardel ps` lists it, or by a name that it has on its node, as one/kv
    actor: String,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fardel send --connect 127.0.0.1:7001 --shared-key cluster.key one/kv '\"hello\"'
  fardel send --connect 127.0.0.1:7001 --shared-key cluster.key one/12.3 '{\"$type\": \"Point\", \"x\": 1.0, \"y\": 2.0}'")]
pub(crate) struct Send {
    #[command(flatten)]
    connect: Connect,
    /// The fiber: one/12.3, or one/kv
    actor: String,
    /// The message as JSON. A record is {"$type": "Point", "x": 1.0, "y": 2.0}, a variant {"$variant": "Some", ..}, a tuple
    /// {"$tuple": [..]}, an address {"$address": "one/12.3"}
    value: String,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  fardel call --connect 127.0.0.1:7001 --shared-key cluster.key one/kv '{\"$type\": \"Get\", \"reply_to\": {\"$reply\": \"address\"}}'")]
pub(crate) struct Call {
    #[command(flatten)]
    connect: Connect,
    /// The fiber: one/12.3, or one/kv
    actor: String,
    /// The message as JSON, as for `fardel send`. Where the reply goes is {"$reply": "address"} for a field that is an Address,
    /// {"$reply": "token"} for one that is a Ref
    value: String,
    /// How many milliseconds to wait for the reply
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    timeout: u64,
}

#[derive(Args, Debug)]
#[command(override_usage = "fardel spawn [OPTIONS] --connect <HOST:PORT> <FILE> <FUNCTION> [ARGS]...")]
#[command(
    after_help = "Example:\n  fardel spawn --connect 127.0.0.1:7001 --shared-key cluster.key kv.fda serve '\"users\"' 100"
)]
pub(crate) struct Spawn {
    #[command(flatten)]
    connect: Connect,
    /// A module that the program imports by its hash; once for each
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,
    /// Assembly text (.fda) or a module (.fdm)
    file: PathBuf,
    /// The function in which the fiber starts
    function: String,
    /// Its arguments as JSON, as the messages of `fardel send`
    args: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel kill --connect 127.0.0.1:7001 --shared-key cluster.key one/12.3")]
pub(crate) struct Kill {
    #[command(flatten)]
    connect: Connect,
    /// The fiber: one/12.3, or one/kv
    actor: String,
    /// With what reason; only `kill` cannot be withstood
    #[arg(long, value_enum, default_value_t = Reason::Kill)]
    reason: Reason,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Reason {
    Kill,
    Shutdown,
    Normal,
}

/// What is printed in the end, or a status of something that was told of.
type Shown = Result<String, u8>;

/// A connection with a cluster.
struct Operator {
    server: Server,
    /// The node that was connected with.
    entry: NodeId,
}

fn failed(problem: impl std::fmt::Display) -> u8 {
    say::error(problem);
    say::FAILED
}

fn usage(problem: impl std::fmt::Display) -> u8 {
    say::error(problem);
    say::USAGE
}

/// What is answered to something else than was asked.
fn other(answer: &Answer) -> u8 {
    match answer {
        Answer::Refused(_, why) => failed(say::plain(why)),
        Answer::Members(_)
        | Answer::Fibers(_)
        | Answer::Fiber(_)
        | Answer::Done
        | Answer::Reply(_)
        | Answer::Started(..) => failed("the node has answered something else than it was asked"),
    }
}

impl Connect {
    /// Does something with a cluster, prints what is to be shown, and leaves.
    fn with(&self, runtime: Runtime, act: impl AsyncFnOnce(&mut Operator) -> Shown) -> u8 {
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(problem) => return usage(problem),
        };
        node::drive(async move {
            let mut server = match Server::start(settings, runtime).await {
                Ok(server) => server,
                Err(problem) => return usage(problem),
            };
            if let Err(status) = node::join(&mut server, Duration::from_millis(self.join_limit)).await {
                return status;
            }
            let Some(entry) = server.connected() else { return failed("the connection was lost") };
            // What is known of the others follows from the answer. Where there is none the node itself can be meant all the same.
            server.ask(entry, &Question::Members, ANSWER_TIME).await;
            let mut operator = Operator { server, entry };
            let shown = act(&mut operator).await;
            operator.server.leave().await;
            shown.map_or_else(|status| status, |text| say::output(text.as_bytes()))
        })
    }

    fn settings(&self) -> Result<server::Settings, String> {
        let options = NodeOptions {
            config: self.config.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            authority: self.authority.clone(),
            shared_key: self.shared_key.clone(),
            insecure: self.insecure,
            force: self.force,
            ..NodeOptions::default()
        };
        Ok(server::Settings {
            name: String::new(),
            labels: Vec::new(),
            security: options.with_file()?.security()?,
            listen: Vec::new(),
            advertise: None,
            join: vec![self.connect.clone()],
            join_file: None,
            compress: Compress::Auto,
            // Nodes tell it of each other, and fetch the code that they are to run.
            roles: Roles::all(Grants { send: Reach::Exported, ..Grants::NONE }),
            is_guest: true,
            metrics: None,
            metrics_public: false,
        })
    }
}

fn runtime() -> Runtime {
    let machine = Config { cluster: true, ..Config::default() };
    Runtime::new(Settings { machine, ..Settings::default() }, Hosts::standard())
}

impl Operator {
    /// The node of a name, or the one that was connected with.
    fn node(&self, name: Option<&str>) -> Result<NodeId, u8> {
        let Some(name) = name else { return Ok(self.entry) };
        self.server.router().node_named(name).ok_or_else(|| failed(format_args!("no node is known as `{name}`")))
    }

    /// The fiber that was named, and its node.
    fn fiber(&self, connect: &Connect, actor: &str) -> Result<(NodeId, FiberName), u8> {
        let (node, name) = match (actor.split_once('/'), connect.node.as_deref()) {
            (None, node) => (node, actor),
            (Some((node, name)), None) => (Some(node), name),
            (Some((node, name)), Some(wanted)) if node == wanted => (Some(node), name),
            (Some(_), Some(wanted)) => return Err(usage(format_args!("`{actor}` is not on the node `{wanted}`"))),
        };
        Ok((self.node(node)?, FiberName::of(name)))
    }

    async fn ask(&mut self, node: NodeId, question: &Question) -> Answer {
        self.server.ask(node, question, ANSWER_TIME).await
    }

    /// Asks for something that is done or not.
    async fn order(&mut self, node: NodeId, question: &Question, is_json: bool) -> Shown {
        let answer = self.ask(node, question).await;
        let Answer::Done = &answer else { return Err(other(&answer)) };
        Ok(if is_json { show::json(&serde_json::json!({ "done": true })) } else { String::new() })
    }

    /// The name of a node, as it is shown.
    fn name(&self, node: NodeId) -> String {
        self.server.router().member_at(node).map_or_else(|| node.to_string(), |member| member.name.clone())
    }
}

pub(crate) fn nodes(options: &Nodes) -> u8 {
    let connect = &options.connect;
    connect.with(runtime(), async |operator: &mut Operator| {
        let node = operator.node(connect.node.as_deref())?;
        let answer = operator.ask(node, &Question::Members).await;
        let Answer::Members(members) = &answer else { return Err(other(&answer)) };
        Ok(if connect.json { show::json(members) } else { show::members(members) })
    })
}

pub(crate) fn ps(options: &Ps) -> u8 {
    let connect = &options.connect;
    connect.with(runtime(), async |operator: &mut Operator| {
        let node = operator.node(connect.node.as_deref())?;
        let (mut fibers, mut start): (Vec<FiberRow>, u32) = (Vec::new(), 0);
        let more = loop {
            let left = options.limit.saturating_sub(fibers.len() as u64);
            let limit = u32::try_from(left).unwrap_or(u32::MAX);
            let answer = operator.ask(node, &Question::Fibers { start, limit }).await;
            let Answer::Fibers(page) = &answer else { return Err(other(&answer)) };
            fibers.extend_from_slice(&page.fibers);
            match page.next {
                Some(next) if next > start && (fibers.len() as u64) < options.limit => start = next,
                Some(_) => break page.alive.saturating_sub(fibers.len() as u64),
                None => break 0,
            }
        };
        let name = operator.name(node);
        Ok(if connect.json { show::fibers_json(&name, &fibers, more) } else { show::fibers(&name, &fibers, more) })
    })
}

pub(crate) fn inspect(options: &Inspect) -> u8 {
    let connect = &options.connect;
    connect.with(runtime(), async |operator: &mut Operator| {
        let (node, fiber) = operator.fiber(connect, &options.actor)?;
        let answer = operator.ask(node, &Question::Inspect { fiber }).await;
        let Answer::Fiber(report) = &answer else { return Err(other(&answer)) };
        let name = operator.name(node);
        Ok(if connect.json { show::report_json(&name, report) } else { show::report(&name, report) })
    })
}

pub(crate) fn send(options: &Send) -> u8 {
    let connect = &options.connect;
    connect.with(runtime(), async |operator: &mut Operator| {
        let (node, to) = operator.fiber(connect, &options.actor)?;
        operator.order(node, &Question::Send { to, value: options.value.clone() }, connect.json).await
    })
}

pub(crate) fn kill(options: &Kill) -> u8 {
    let connect = &options.connect;
    let reason = match options.reason {
        Reason::Kill => KillReason::Kill,
        Reason::Shutdown => KillReason::Shutdown,
        Reason::Normal => KillReason::Normal,
    };
    connect.with(runtime(), async |operator: &mut Operator| {
        let (node, fiber) = operator.fiber(connect, &options.actor)?;
        operator.order(node, &Question::Kill { fiber, reason }, connect.json).await
    })
}

pub(crate) fn call(options: &Call) -> u8 {
    let connect = &options.connect;
    connect.with(runtime(), async |operator: &mut Operator| {
        let (node, to) = operator.fiber(connect, &options.actor)?;
        let question = Question::Call { to, value: options.value.clone(), time_ms: options.timeout };
        let limit = ANSWER_TIME.saturating_add(Duration::from_millis(options.timeout));
        let answer = operator.server.ask(node, &question, limit).await;
        let Answer::Reply(value) = &answer else { return Err(other(&answer)) };
        // The reply is JSON already, on one line.
        let value = say::plain(value);
        Ok(if connect.json { format!("{{\"reply\":{value}}}\n") } else { format!("{value}\n") })
    })
}

pub(crate) fn spawn(options: &Spawn) -> u8 {
    let connect = &options.connect;
    let program = match run::load(&options.file, &options.module) {
        Ok(program) => program,
        Err(problem) => return say::bad_program(&problem),
    };
    let mut runtime = runtime();
    let module = match runtime.load(program) {
        Ok(module) => module,
        Err(problem) => return usage(format_args!("{}: {problem}", options.file.display())),
    };
    let functions = runtime.machine().module(module).map(|module| module.functions.as_slice()).unwrap_or_default();
    let Some(place) = functions.iter().position(|known| known.name == options.function && known.captures.is_empty()) else {
        return usage(format_args!("{} has no function `{}`", options.file.display(), options.function));
    };
    connect.with(runtime, async |operator: &mut Operator| {
        let node = operator.node(connect.node.as_deref())?;
        let function = (module, place as u32);
        let answer = operator.server.start_on(node, function, &options.args, ANSWER_TIME).await.map_err(usage)?;
        let Answer::Started(slot, generation) = &answer else { return Err(other(&answer)) };
        let fiber = format!("{}/{slot}.{generation}", operator.name(node));
        Ok(if connect.json { show::json(&serde_json::json!({ "fiber": fiber })) } else { format!("{fiber}\n") })
    })
}
