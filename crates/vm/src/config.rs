//! What a machine is started with.

/// Settings of a machine; all of them are inputs of its deterministic run.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The root of all random numbers and hash seeds.
    pub seed: u64,
    /// Fuel of a slice: one is charged at a function's entry and at each jump backwards.
    pub slice: u32,
    /// Bytes that one fiber may hold, its stack and shared texts included. Its mailbox may hold as many again: what waits
    /// there cannot end the fiber, since that would depend on who was first; a send beyond traps.
    pub fiber_memory_bytes_max: u64,
    /// Bytes of it that may be stack.
    pub fiber_stack_bytes_max: u64,
    /// Bytes that all fibers may hold together.
    pub machine_memory_bytes_max: u64,
    /// Fibers at one time.
    pub fibers_max: u32,
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
            slice: 2_000,
            fiber_memory_bytes_max: 256 << 20,
            fiber_stack_bytes_max: 64 << 20,
            machine_memory_bytes_max: 16 << 30,
            fibers_max: 1 << 27,
            dispatch: Dispatch::default(),
            lowering: Lowering::Fused,
            collect_always: false,
            fail_allocation: None,
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
