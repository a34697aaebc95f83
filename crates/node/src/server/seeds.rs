//! The nodes to join: which ones, when each is to be tried, and why the last try came to nothing.
//!
//! They come from the settings, or from a file that is read again with every try, so that whoever starts nodes can write it
//! anew. What stood in the file is forgotten when it does so no more; connections that there are stay.
//!
//! This module knows no clock and reads no file itself: the time and what was read are handed in.
//!
//! **Invariant:** a node from the file is tried only after the file was read since it became due.

use super::nanos;
use super::pump::ConnectionId;
use crate::backoff::Backoff;
use crate::limits::{JOIN_FILE_AGAIN, JOIN_FILE_BYTES_MAX, JOIN_FILE_NODES_MAX};
use crate::transport::Target;
use fardel_wire::id::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The nodes to join.
pub(super) struct Seeds {
    entries: BTreeMap<Target, Seed>,
    file: Option<JoinFile>,
    random: u64,
}

/// A node to connect with at the start, and whenever there is no connection.
pub(super) struct Seed {
    backoff: Backoff,
    /// The connection, once there is one.
    connection: Option<ConnectionId>,
    next_try: u64,
    /// The node that was there the last time.
    pub(super) peer: Option<NodeId>,
    /// Why there was none the last time.
    failure: Option<String>,
    is_from_file: bool,
}

/// A file with nodes to join.
struct JoinFile {
    path: PathBuf,
    backoff: Backoff,
    /// When it was read last.
    read: Option<u64>,
    next_read: u64,
    is_being_read: bool,
    /// Why it could not be read the last time.
    failure: Option<String>,
}

impl Seeds {
    pub(super) fn new(join: Vec<Target>, file: Option<PathBuf>, random: u64) -> Seeds {
        let mut seeds = Seeds { entries: BTreeMap::new(), file: None, random };
        for target in join {
            seeds.add(target, false);
        }
        let backoff = Backoff::new(random);
        seeds.file =
            file.map(|path| JoinFile { path, backoff, read: None, next_read: 0, is_being_read: false, failure: None });
        seeds
    }

    fn add(&mut self, target: Target, is_from_file: bool) {
        self.random = self.random.wrapping_add(1);
        let backoff = Backoff::new(self.random);
        let seed = Seed { backoff, connection: None, next_try: 0, peer: None, failure: None, is_from_file };
        self.entries.entry(target).or_insert(seed);
    }

    /// The nodes to try, of those that `is_wanted`.
    pub(super) fn due(&self, now: u64, is_wanted: impl Fn(&Target, &Seed) -> bool) -> Vec<Target> {
        let is_due = |seed: &Seed| seed.connection.is_none() && seed.next_try <= now && self.is_fresh(seed);
        let due = self.entries.iter().filter(|(target, seed)| is_due(seed) && is_wanted(target, seed));
        due.map(|(target, _)| target.clone()).collect()
    }

    /// Whether the file was read since a node from it became due.
    fn is_fresh(&self, seed: &Seed) -> bool {
        let read = self.file.as_ref().and_then(|file| file.read);
        !seed.is_from_file || read.is_some_and(|read| seed.next_try <= read)
    }

    /// The file, if it is to be read now; [`Seeds::file_read`] is to follow.
    pub(super) fn file_due(&mut self, now: u64, is_wanted: impl Fn(&Target, &Seed) -> bool) -> Option<PathBuf> {
        let is_due = |seed: &Seed| seed.connection.is_none() && seed.next_try <= now && !self.is_fresh(seed);
        let is_asked_for = self.entries.iter().any(|(target, seed)| is_due(seed) && is_wanted(target, seed));
        let file = self.file.as_mut().filter(|file| !file.is_being_read)?;
        if now < file.next_read && !is_asked_for {
            return None;
        }
        file.is_being_read = true;
        Some(file.path.clone())
    }

    /// What stands in the file. When it cannot be read, what stood there the last time goes on.
    pub(super) fn file_read(&mut self, now: u64, targets: Result<Vec<Target>, String>) {
        let Some(file) = &mut self.file else { return };
        file.is_being_read = false;
        file.read = Some(now);
        match targets {
            Ok(targets) => {
                file.failure = None;
                let pause = if targets.is_empty() { file.backoff.next_delay() } else { JOIN_FILE_AGAIN };
                file.next_read = now.saturating_add(nanos(pause));
                if !targets.is_empty() {
                    file.backoff.reset();
                }
                let listed: BTreeSet<&Target> = targets.iter().collect();
                self.entries.retain(|target, seed| !seed.is_from_file || listed.contains(target));
                for target in targets {
                    self.add(target, true);
                }
            }
            Err(failure) => {
                file.next_read = now.saturating_add(nanos(file.backoff.next_delay()));
                if file.failure.as_ref() != Some(&failure) {
                    tracing::warn!("no nodes to join: {failure}");
                }
                file.failure = Some(failure);
            }
        }
    }

    /// When a node is to be tried, or the file to be read.
    pub(super) fn next_timeout(&self, is_wanted: impl Fn(&Target, &Seed) -> bool) -> Option<u64> {
        let is_being_read = self.file.as_ref().is_some_and(|file| file.is_being_read);
        // What the file says is awaited: its reader wakes the node.
        let is_ahead = |seed: &Seed| seed.connection.is_none() && !(seed.is_from_file && is_being_read);
        let entries = self.entries.iter().filter(|(target, seed)| is_ahead(seed) && is_wanted(target, seed));
        let file = self.file.iter().filter(|file| !file.is_being_read).map(|file| file.next_read);
        entries.map(|(_, seed)| seed.next_try).chain(file).min()
    }

    /// There is a connection.
    pub(super) fn connected(&mut self, target: &Target, connection: ConnectionId) {
        if let Some(seed) = self.entries.get_mut(target) {
            seed.connection = Some(connection);
        }
    }

    /// The node at the other side is known, and has taken this one in.
    pub(super) fn established(&mut self, target: &Target, peer: NodeId) {
        if let Some(seed) = self.entries.get_mut(target) {
            seed.backoff.reset();
            seed.peer = Some(peer);
            seed.failure = None;
        }
    }

    /// Why a connection came to nothing, or to an end; whether that is no news.
    pub(super) fn failed(&mut self, target: &Target, failure: String) -> bool {
        let Some(seed) = self.entries.get_mut(target) else { return false };
        let is_known = seed.failure.as_ref() == Some(&failure);
        seed.failure = Some(failure);
        is_known
    }

    /// There is no connection, or none any more: it is tried again after a while.
    pub(super) fn again(&mut self, now: u64, target: &Target) {
        if let Some(seed) = self.entries.get_mut(target) {
            seed.connection = None;
            seed.next_try = now.saturating_add(nanos(seed.backoff.next_delay()));
        }
    }

    /// A node to join is this one. An address that is its own stays so; what a name means may change, and what stands in the
    /// file.
    pub(super) fn is_own(&mut self, target: &Target) {
        let is_fixed = matches!(target, Target::Address(_));
        if is_fixed && self.entries.get(target).is_some_and(|seed| !seed.is_from_file) {
            self.entries.remove(target);
        }
    }

    /// Why there were no connections the last time, for people.
    pub(super) fn failures(&self) -> impl Iterator<Item = &str> {
        let file = self.file.iter().filter_map(|file| file.failure.as_deref());
        self.entries.values().filter_map(|seed| seed.failure.as_deref()).chain(file)
    }
}

/// Reads a file with nodes to join: one a line; what is behind `#` is for people.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn read(path: &Path) -> Result<Vec<Target>, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("{shown}: cannot be read: {error}");
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(JOIN_FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if JOIN_FILE_BYTES_MAX < text.len() as u64 {
        return Err(format!("{shown}: more than {JOIN_FILE_BYTES_MAX} bytes"));
    }
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    let targets = lines.map(|(at, line)| line.parse().map_err(|error| format!("{shown}: line {}: {error}", at + 1)));
    let targets: Vec<Target> = targets.collect::<Result<_, String>>()?;
    if JOIN_FILE_NODES_MAX < targets.len() {
        return Err(format!("{shown}: {} nodes; wanted at most {JOIN_FILE_NODES_MAX}", targets.len()));
    }
    Ok(targets)
}
