//! The doors: everything that a machine learns enters as an [`Input`], everything it wants leaves as an [`Output`].

use crate::cluster::{Claim, News};
use crate::config::FullPolicy;
use crate::exit::ExitReason;
use crate::fiber::FiberId;
use crate::packed::{Packed, Unreadable};
use crate::value::Value;
use fardel_bytecode::module::{Module, ModuleHash};
use fardel_bytecode::shape::TypeKey;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// What a machine learns from outside. Everything that the code does not determine is one of these.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The time, in nanoseconds from a fixed point; it never goes back.
    Time(u64),
    /// A host call has ended.
    HostResult {
        /// Which call.
        call: HostCallId,
        /// Its result: [`Value::Null`] for a function without one; or why it failed.
        result: Result<Value, String>,
    },
    /// A message from outside for a fiber.
    Message {
        /// For whom.
        to: FiberId,
        /// What. A record or variant is known by the name of its type and takes the shape that the receiver knows.
        value: Value,
    },
    /// What a fiber of another node does to one of this machine.
    Signal {
        /// Which; an address that [`Machine::open_remote`](crate::machine::Machine::open_remote) gave.
        from: FiberId,
        /// To whom.
        to: FiberId,
        /// What it does.
        signal: Signal<'static>,
    },
    /// Another node wants to hear of the end of a fiber of this machine, by [`Output::Gone`].
    Watch {
        /// An address that stands for the node.
        by: FiberId,
        /// The fiber.
        fiber: FiberId,
    },
    /// A fiber of another node has ended: its address here has as well.
    Gone {
        /// Which.
        remote: FiberId,
        /// Why.
        reason: ExitReason,
    },
    /// A fiber of another node cannot be reached: whoever is tied to it is told `noconnection`, and its address stays good for
    /// when it can.
    Lost {
        /// Which.
        remote: FiberId,
    },
    /// Messages to a fiber of another node have been taken there: there is room for others.
    Taken {
        /// Which.
        remote: FiberId,
        /// How many.
        messages: u32,
        /// Their bytes together, as [`Output::Signal`] gave them.
        bytes: u64,
    },
    /// A fiber of another node that was told of room has nothing to send any more, or waits for room no longer.
    Withdrawn {
        /// Which.
        from: FiberId,
        /// Whose mailbox it waited for.
        to: FiberId,
    },
    /// What became of an [`Output::Spawn`]: the address of the new fiber, or the kind of an error and a message.
    Spawned {
        /// Which.
        call: HostCallId,
        /// What became of it.
        result: Result<FiberId, (String, String)>,
        /// Whether the fiber that was started is linked with the one that waits.
        linked: bool,
    },
    /// What is new in the cluster.
    News(News),
    /// An exit signal from outside; [`ExitReason::Kill`] and [`ExitReason::Killed`] cannot be withstood.
    Exit {
        /// Who is to end.
        fiber: FiberId,
        /// With what reason.
        reason: ExitReason,
    },
}

/// What a fiber does to one of another node.
#[derive(Clone, PartialEq, Debug)]
pub enum Signal<'a> {
    /// It sends a message.
    Message(Packed<'a>),
    /// It sends a request, of the token with this number.
    Request {
        /// The token's number.
        number: u64,
        /// The message.
        value: Packed<'a>,
    },
    /// Its node has refused a request.
    Refused {
        /// The token's number.
        number: u64,
        /// Why: `denied`, or `mailbox_overflow`.
        reason: ExitReason,
    },
    /// It answers a request.
    Reply {
        /// The number of the request's token.
        number: u64,
        /// The answer.
        value: Packed<'a>,
    },
    /// It sends an exit signal; a `kill` cannot be withstood.
    Exit(ExitReason),
    /// It links itself with the other one, and tells the other node of its end.
    Link,
    /// It ends the link.
    Unlink,
}

impl Signal<'_> {
    /// The same with values of its own.
    pub fn into_owned(self) -> Signal<'static> {
        match self {
            Signal::Message(value) => Signal::Message(value.into_owned()),
            Signal::Request { number, value } => Signal::Request { number, value: value.into_owned() },
            Signal::Refused { number, reason } => Signal::Refused { number, reason },
            Signal::Reply { number, value } => Signal::Reply { number, value: value.into_owned() },
            Signal::Exit(reason) => Signal::Exit(reason),
            Signal::Link => Signal::Link,
            Signal::Unlink => Signal::Unlink,
        }
    }
}

/// Limits that a fiber is started with; none stands for what is usual on its machine.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bounds {
    /// Messages in its mailbox.
    pub mailbox_messages_max: Option<NonZeroU64>,
    /// Their bytes.
    pub mailbox_bytes_max: Option<NonZeroU64>,
    /// What a full mailbox does.
    pub policy: Option<FullPolicy>,
    /// Bytes of its memory; never more than what is usual.
    pub memory_bytes_max: Option<NonZeroU64>,
    /// Bytes of its stack; never more than what is usual.
    pub stack_bytes_max: Option<NonZeroU64>,
}

/// What enters a machine, in the order in which it enters: whoever keeps this can have everything happen again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Entry<'a> {
    /// A module is loaded.
    Load(ModuleHash),
    /// A fiber is started.
    Spawn {
        /// In a function of this module.
        module: ModuleHash,
        /// Exported under this name.
        function: &'a str,
        /// With these arguments.
        args: &'a [Value],
    },
    /// A fiber is started for one of another node.
    Start {
        /// In a function of this module.
        module: ModuleHash,
        /// At this place.
        function: u32,
        /// With these arguments.
        args: &'a Packed<'a>,
        /// Linked with this fiber.
        link: Option<FiberId>,
        /// With these limits.
        bounds: &'a Bounds,
    },
    /// The types of a module become known.
    Types(&'a Module),
    /// What a fiber of another node does enters, as by [`Input::Signal`].
    Signal {
        /// Which.
        from: FiberId,
        /// To whom.
        to: FiberId,
        /// What it does.
        signal: &'a Signal<'a>,
    },
    /// A mailbox of the outside is opened.
    OpenPort,
    /// A fiber of another node gets an address.
    OpenRemote,
    /// A mailbox of the outside is closed.
    ClosePort(FiberId),
    /// An input.
    Input(&'a Input),
}

/// Who keeps what enters, with the number of the slice before which it does.
pub type Journal = Box<dyn FnMut(u64, &Entry<'_>)>;

/// Why a message from outside was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such fiber any more.
    #[error("fiber {0} has ended")]
    NoFiber(FiberId),
    /// Its mailbox is full, and nobody outside can be made to wait: try again later.
    #[error("the mailbox of fiber {0} is full")]
    MailboxFull(FiberId),
    /// Its mailbox is full; the fiber of another node that sent is told by [`Output::Room`] when it is not.
    #[error("the mailbox of fiber {0} is full, and its senders wait")]
    Waits(FiberId),
    /// The message is of no type that the fiber takes.
    #[error("fiber {to} takes {wanted}, not {seen}")]
    WrongType {
        /// The fiber.
        to: FiberId,
        /// What it takes.
        wanted: String,
        /// What was sent.
        seen: String,
    },
    /// The machine has no memory for it.
    #[error("the machine has no memory for the message")]
    NoMemory,
    /// It is no value of the type that it says.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A message that nobody gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// Who sent it, if it was a fiber.
    pub from: Option<FiberId>,
    /// To whom.
    pub to: FiberId,
    /// The message's type.
    pub message: String,
    /// Why nobody gets it.
    pub why: LostBecause,
}

/// Why nobody gets a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LostBecause {
    /// The receiver has ended.
    NoFiber,
    /// Its mailbox was full, and its policy is to drop something then.
    MailboxFull,
    /// Nobody waits for the reply: it was given twice, or came too late.
    NoRequest,
    /// The receiver takes no messages of the type.
    WrongType {
        /// What it takes.
        takes: String,
    },
    /// The receiver knows the type in another shape, and the message does not fit that.
    Misfit {
        /// The key of the sender's type.
        sent: TypeKey,
        /// The key of the receiver's type.
        takes: TypeKey,
        /// The first difference.
        difference: String,
    },
}

impl std::fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dead letter: {}", self.message)?;
        if let Some(from) = self.from {
            write!(f, " from {from}")?;
        }
        write!(f, " to {}: ", self.to)?;
        match &self.why {
            LostBecause::NoFiber => f.write_str("it has ended"),
            LostBecause::MailboxFull => f.write_str("its mailbox is full"),
            LostBecause::NoRequest => f.write_str("nobody waits for this reply"),
            LostBecause::WrongType { takes } => write!(f, "it takes {takes}"),
            LostBecause::Misfit { sent, takes, difference } => {
                write!(f, "{difference} (type {sent} was sent, {takes} is taken)")
            }
        }
    }
}

/// What a machine wants from outside, or tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// A fiber calls a host function and waits for [`Input::HostResult`].
    HostCall {
        /// Which call.
        call: HostCallId,
        /// Which fiber.
        fiber: FiberId,
        /// Which function of the [`HostTable`].
        host: HostId,
        /// The arguments, of the types that the function declares.
        args: Vec<Value>,
        /// Random bits of the fiber's own generator, for a function that [draws](HostSignature::draws).
        random: u64,
    },
    /// What a fiber does to one of another node.
    Signal {
        /// Which; slot and generation 0 for a timer.
        from: FiberId,
        /// To whom; an address that [`Machine::open_remote`](crate::machine::Machine::open_remote) gave.
        to: FiberId,
        /// What it does.
        signal: Signal<'static>,
        /// For a message what it counts until [`Input::Taken`] says that it was taken; else 0.
        bytes: u64,
    },
    /// Somebody wants to hear of the end of a fiber of another node, by [`Input::Gone`].
    Watch {
        /// Which.
        remote: FiberId,
    },
    /// A fiber has ended of which another node wants to hear, or there is none.
    Gone {
        /// An address of a fiber of that node, or one that stands for the node.
        to: FiberId,
        /// The fiber.
        fiber: FiberId,
        /// Why.
        reason: ExitReason,
    },
    /// There is room for a message for which there was none ([`SendError::MailboxFull`]).
    Room {
        /// Who sent it.
        from: FiberId,
        /// To whom.
        to: FiberId,
    },
    /// A fiber is to be started on another node. The fiber waits for [`Input::Spawned`].
    Spawn {
        /// Which call.
        call: HostCallId,
        /// Who starts it.
        fiber: FiberId,
        /// Where, as the program says it.
        node: Value,
        /// The module of its function.
        module: ModuleHash,
        /// Which function of the module.
        function: u32,
        /// The arguments.
        args: Packed<'static>,
        /// Whether the two are linked from the first.
        link: bool,
        /// The limits of the new one.
        bounds: Bounds,
    },
    /// What other nodes have to hear of the fibers of this one. It comes before the [`Output::Gone`] of a fiber that had it.
    Claim(Claim),
    /// A message came to a mailbox of the outside.
    Message {
        /// To which.
        to: FiberId,
        /// What.
        value: Value,
    },
    /// A message that nobody gets, when the settings ask for that.
    DeadLetter(DeadLetter),
    /// A fiber started from outside has ended, or another one has ended with an error.
    Exited {
        /// Which fiber.
        fiber: FiberId,
        /// Why.
        reason: ExitReason,
        /// The result of its function, when that returned one.
        result: Option<Value>,
    },
}

/// One call of a host function; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostCallId(pub u64);

/// A function of the [`HostTable`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub u32);

/// A type in a host function's signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostType {
    /// Any value.
    Any,
    /// A truth value.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// A text.
    Text,
    /// A byte string.
    Bytes,
    /// A fiber's address.
    Address,
    /// Null or a value.
    Option(Box<HostType>),
    /// A list.
    List(Box<HostType>),
    /// A tuple.
    Tuple(Vec<HostType>),
}

/// The signature of a host function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostSignature {
    /// The parameters.
    pub params: Vec<HostType>,
    /// The result.
    pub result: Option<HostType>,
    /// Whether it is given random bits of the generator of the fiber that calls it.
    pub draws: bool,
}

/// The host functions that modules may import, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostTable {
    by_name: BTreeMap<String, HostId>,
    signatures: Vec<HostSignature>,
}

impl HostTable {
    /// Adds a function and gives its number; one of the same name is replaced for modules loaded from now on.
    pub fn add(&mut self, name: impl Into<String>, signature: HostSignature) -> HostId {
        let id = HostId(self.signatures.len() as u32);
        self.signatures.push(signature);
        self.by_name.insert(name.into(), id);
        id
    }

    /// The function of this name.
    pub fn find(&self, name: &str) -> Option<(HostId, &HostSignature)> {
        let id = *self.by_name.get(name)?;
        Some((id, &self.signatures[id.0 as usize]))
    }

    /// All functions by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, HostId, &HostSignature)> {
        self.by_name.iter().map(|(name, id)| (name.as_str(), *id, &self.signatures[id.0 as usize]))
    }
}
