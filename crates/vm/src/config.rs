//! What a machine is started with.

/// Settings of a machine; all of them are inputs of its deterministic run.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The root of all random numbers and hash seeds.
    pub seed: u64,
    /// Fuel of a slice: one is charged at a function's entry and at each jump backwards.
    pub slice: u32,
    /// Bytes that one fiber may hold: its heap, its stack, and in full its mailbox and the shared texts that it names.
    pub fiber_memory_bytes_max: u64,
    /// Bytes of it that may be stack.
    pub fiber_stack_bytes_max: u64,
    /// Messages that a mailbox may hold, unless its fiber was started with another bound.
    pub mailbox_messages_max: u64,
    /// Bytes that they may have together. One message fits an empty mailbox, whatever its size.
    pub mailbox_bytes_max: u64,
    /// Messages of the machine's own that a mailbox may hold besides: of monitors, links and timers. With more the fiber
    /// ends.
    pub system_messages_max: u64,
    /// Bytes that all fibers may hold together.
    pub machine_memory_bytes_max: u64,
    /// Fibers at one time.
    pub fibers_max: u32,
    /// Names at one time; of names in the cluster and places in groups together as many again, and as many of other nodes.
    pub names_max: usize,
    /// Timers with messages at one time.
    pub timers_max: u64,
    /// Whether messages that nobody gets are told outside, and not only counted.
    pub watch_dead_letters: bool,
    /// Whether the machine is one of a cluster, where fibers can be started on other nodes.
    pub cluster: bool,
    /// The name of the node that it is.
    pub node: String,
    /// The labels of that node.
    pub labels: Vec<String>,
    /// How instructions are dispatched.
    pub dispatch: Dispatch,
    /// How code is lowered.
    pub lowering: Lowering,
    /// Collects at every allocation. Programs cannot tell.
    pub collect_always: bool,
    /// Refuses the allocation with this number, counted from 1, as if the machine were out of memory.
    pub fail_allocation: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 0,
            slice: 1_000,
            fiber_memory_bytes_max: 256 << 20,
            fiber_stack_bytes_max: 64 << 20,
            mailbox_messages_max: 4_096,
            mailbox_bytes_max: 16 << 20,
            system_messages_max: 1 << 20,
            machine_memory_bytes_max: 16 << 30,
            fibers_max: 1 << 27,
            names_max: 1 << 20,
            timers_max: 1 << 22,
            watch_dead_letters: false,
            cluster: false,
            node: "local".to_owned(),
            labels: Vec::new(),
            dispatch: Dispatch::default(),
            lowering: Lowering::Fused,
            collect_always: false,
            fail_allocation: None,
        }
    }
}

/// What happens to a message for a full mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FullPolicy {
    /// The sender waits, first in, first out.
    Block,
    /// The message is refused; one that asks is told.
    Reject,
    /// The oldest message makes room.
    DropOld,
    /// The new message is dropped in silence.
    DropNew,
    /// The receiver ends with `mailbox_overflow`.
    Exit,
}

impl FullPolicy {
    /// The policy of this name: `block`, `reject`, `drop_old`, `drop_new`, `exit`.
    pub fn of(name: &str) -> Option<FullPolicy> {
        match name {
            "block" => Some(FullPolicy::Block),
            "reject" => Some(FullPolicy::Reject),
            "drop_old" => Some(FullPolicy::DropOld),
            "drop_new" => Some(FullPolicy::DropNew),
            "exit" => Some(FullPolicy::Exit),
            _ => None,
        }
    }
}

/// How the interpreter goes from one instruction to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dispatch {
    /// Handlers that call each other in tail position; where the target cannot, this is `Match`.
    #[default]
    Tail,
    /// One loop around one match.
    Match,
    /// As `Match`, and counts instructions.
    Count,
    /// As `Match`, and tells the tracer of each instruction.
    Trace,
}

/// How bytecode becomes the interpreter's internal form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lowering {
    /// One internal instruction for each one of the bytecode: the clear version, for tests and traces.
    Plain,
    /// Three-address code with fused instructions.
    Fused,
}
