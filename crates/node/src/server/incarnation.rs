//! How often a node has been started, as others are told.

use crate::limits::{INCARNATION_UNIT, INCARNATIONS_BEGIN};
use crate::transport::Security;
use fardel_wire::id::Incarnation;
use std::time::Duration;

/// How often the node has been started, in a way: the time, in units in which it is started once. A restarted node has a later
/// one, as long as the clock of its host goes on.
pub(super) async fn incarnation(security: &Security) -> Incarnation {
    let (mut unit, rest) = units_now();
    if let Security::Certificates(_) = security {
        // The node may have been started in this unit before. With a shared key or in plaintext it is another node each time.
        tokio::time::sleep(rest).await;
        unit = unit.saturating_add(1);
    }
    Incarnation(unit)
}

/// The time by the clock of the host.
pub(super) fn since_1970() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// The units of incarnations until now, and the time to the next.
fn units_now() -> (u32, Duration) {
    let since = since_1970().saturating_sub(INCARNATIONS_BEGIN).as_nanos();
    let unit = INCARNATION_UNIT.as_nanos();
    let rest = u64::try_from(unit - since % unit).unwrap_or(0);
    (u32::try_from(since / unit).unwrap_or(u32::MAX), Duration::from_nanos(rest))
}
