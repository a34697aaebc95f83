//! Host functions: what programs can ask of the world outside.
//!
//! A function is one row: name, what it does, and a Rust function from whose types the signature follows. A row says
//! where the function runs: at once on the driver's thread, or, when it may block, on a thread of its own, so that no
//! other fiber waits for it. Either way its result enters the machine by the input door.
//!
//! **Invariant:** a function's [`HostId`] is its position in the registry.

mod context;
mod fs;
mod io;
mod process;
mod random;
mod sim;
mod time;
mod typed;

pub(crate) use context::HostContext;
pub(crate) use random::Generator;
pub use random::random_seed;
pub(crate) use typed::wanted_text;
pub use typed::{Arguments, HostFunction, HostReturn, HostValue};

use fardel_vm::door::{HostId, HostSignature, HostTable};
use fardel_vm::value::Value;
use std::io::BufRead;
use std::sync::Arc;
use typed::{ContextFunction, signature_text};

/// The host functions that programs may use, by name.
pub struct Hosts {
    table: HostTable,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    signature: HostSignature,
    doc: &'static str,
    run: Run,
}

/// The answer of a host function: a value, or what went wrong.
pub(crate) type Answer = Result<Value, String>;

/// A host function that uses what belongs to the driver.
type AtOnce = Box<dyn Fn(&mut HostContext, Vec<Value>) -> Answer>;

/// Where a host function runs.
pub(crate) enum Run {
    /// On the driver's thread.
    AtOnce(AtOnce),
    /// On a thread of the pool.
    Blocking(Arc<dyn Fn(Vec<Value>) -> Answer + Send + Sync>),
    /// On the thread that owns the standard input: reads happen one after the other, and a read that waits for a
    /// person holds no thread of the pool.
    Input(fn(&mut dyn BufRead, Vec<Value>) -> Answer),
}

impl Default for Hosts {
    fn default() -> Self {
        Hosts::standard()
    }
}

impl Hosts {
    /// A registry without functions, for programs that are to reach nothing.
    pub fn none() -> Self {
        Hosts { table: HostTable::default(), rows: Vec::new() }
    }

    /// The functions that every program of the command line has: `io`, `fs`, `process`, `time`, `random` and `sim`.
    pub fn standard() -> Self {
        let mut hosts = Hosts::none();
        io::add_to(&mut hosts);
        fs::add_to(&mut hosts);
        process::add_to(&mut hosts);
        time::add_to(&mut hosts);
        random::add_to(&mut hosts);
        sim::add_to(&mut hosts);
        hosts
    }

    /// Adds a function that returns quickly. One that has the same name is replaced.
    ///
    /// ```
    /// let mut hosts = fardel::Hosts::standard();
    /// hosts.add("demo.twice", |number: i64| number.checked_mul(2).ok_or("too large".to_string()));
    /// ```
    pub fn add<Args>(&mut self, name: &str, function: impl HostFunction<Args> + 'static) {
        let signature = signature_of(&function);
        self.add_row(name, "", signature, Run::AtOnce(Box::new(move |_, args| function.call(args))));
    }

    /// Adds a function that may block; it runs on a thread of its own, several calls of it at the same time.
    pub fn add_blocking<Args>(&mut self, name: &str, function: impl HostFunction<Args> + Send + Sync + 'static) {
        self.blocking(name, "", function);
    }

    /// The functions with their signatures and what they do, as a document.
    pub fn reference(&self) -> String {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows.iter().map(|row| format!("| `host {}{}` | {} |\n", row.name, signature_text(&row.signature), row.doc)).collect()
    }

    /// The functions as modules import them.
    pub(crate) fn table(&self) -> &HostTable {
        &self.table
    }

    /// Where the function with this number runs.
    pub(crate) fn run(&self, host: HostId) -> Option<&Run> {
        self.rows.get(host.0 as usize).map(|row| &row.run)
    }

    fn at_once<Args>(&mut self, name: &str, doc: &'static str, function: impl ContextFunction<Args> + 'static) {
        let signature = context_signature_of(&function);
        self.add_row(name, doc, signature, Run::AtOnce(Box::new(move |context, args| function.call(context, args))));
    }

    /// A function that works with random numbers: those of the fiber that calls it.
    fn drawing<Args>(&mut self, name: &str, doc: &'static str, function: impl ContextFunction<Args> + 'static) {
        let signature = HostSignature { draws: true, ..context_signature_of(&function) };
        self.add_row(name, doc, signature, Run::AtOnce(Box::new(move |context, args| function.call(context, args))));
    }

    fn blocking<Args>(&mut self, name: &str, doc: &'static str, function: impl HostFunction<Args> + Send + Sync + 'static) {
        let signature = signature_of(&function);
        self.add_row(name, doc, signature, Run::Blocking(Arc::new(move |args| function.call(args))));
    }

    fn add_row(&mut self, name: &str, doc: &'static str, signature: HostSignature, run: Run) {
        let id = self.table.add(name, signature.clone());
        assert_eq!(id.0 as usize, self.rows.len(), "a host function's number is its position");
        self.rows.push(Row { name: name.to_string(), signature, doc, run });
    }
}

fn signature_of<Args, Function: HostFunction<Args>>(_: &Function) -> HostSignature {
    Function::signature()
}

fn context_signature_of<Args, Function: ContextFunction<Args>>(_: &Function) -> HostSignature {
    Function::signature()
}

#[cfg(test)]
mod tests;
