//! What a peer may do.

/// What the fibers of a peer, and the peer itself, may do on this node. Whoever may send needs an address all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grants {
    /// Send messages and signals to fibers whose address they hold.
    pub send: bool,
    /// Start fibers in code that is here.
    pub spawn: bool,
    /// Ship code that is not here.
    pub code: bool,
}

impl Grants {
    /// Everything: a node of the cluster.
    pub const MEMBER: Grants = Grants { send: true, spawn: true, code: true };
    /// Nothing.
    pub const NONE: Grants = Grants { send: false, spawn: false, code: false };
}
