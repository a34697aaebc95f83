//! `time`: clocks.

use super::{HostContext, Hosts};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.at_once("time.now", "Nanoseconds since the start of the run; they never go back.", now);
    hosts.at_once("time.wall", "Nanoseconds since 1970-01-01 UTC; they jump when somebody sets the clock.", wall);
}

fn now(context: &mut HostContext) -> Result<i64, String> {
    Ok(i64::try_from(context.clock.now()).unwrap_or(i64::MAX))
}

fn wall(context: &mut HostContext) -> Result<i64, String> {
    Ok(context.clock.wall())
}
