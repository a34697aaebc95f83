//! How connections end, in the log.

use crate::transport::Address;
use fardel_wire::link::Closed;
use fardel_wire::table::RefusalCode;

/// Whether both ends are this node, which in plaintext only the handshake tells.
pub(super) fn is_own(closed: &Closed) -> bool {
    match closed {
        Closed::Refused(refusal) | Closed::RefusedByPeer(refusal) => refusal.code == RefusalCode::OwnNode,
        Closed::Timeout
        | Closed::Protocol(_)
        | Closed::Silence
        | Closed::Replaced
        | Closed::ByPeer(_)
        | Closed::Here(_)
        | Closed::Disconnected => false,
    }
}

/// Writes the end of a connection to the log: as a warning if somebody should look at it.
pub(super) fn note(closed: &Closed, address: Address, name: Option<&str>) {
    let is_usual = match closed {
        // Both have dialled; the other connection goes on.
        Closed::Refused(refusal) | Closed::RefusedByPeer(refusal) => refusal.code == RefusalCode::Crossing || is_own(closed),
        Closed::Timeout | Closed::Protocol(_) | Closed::Silence => false,
        Closed::Replaced | Closed::ByPeer(_) | Closed::Here(_) | Closed::Disconnected => true,
    };
    if is_usual {
        tracing::info!(%address, name, "{closed}");
    } else {
        tracing::warn!(%address, name, "{closed}");
    }
}
