//! `sim`: the cluster that a test sees. There is one in `fardel test` alone, which has functions of its own under these names.

use super::{HostContext, Hosts};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.at_once(
        "sim.open",
        "Starts so many nodes less one; then for how many seeds the test is to be run, and a seed or 0. In tests alone.",
        |_: &mut HostContext, _: i64, _: i64, _: i64| refused(),
    );
    hosts.at_once("sim.close", "Ends the nodes but the first. In tests alone.", |_: &mut HostContext| refused());
    hosts.at_once(
        "sim.is_settled",
        "Whether all nodes that run see each other, or all are gone after `sim.close`. In tests alone.",
        |_: &mut HostContext| refused().map(|()| false),
    );
    hosts.at_once(
        "sim.cut",
        "Has nothing get from one node to another one, both ways. In tests alone.",
        |_: &mut HostContext, _: String, _: String| refused(),
    );
    hosts.at_once("sim.heal", "Ends all cuts. In tests alone.", |_: &mut HostContext| refused());
    hosts.at_once("sim.kill", "Ends a node without a word. In tests alone.", |_: &mut HostContext, _: String| refused());
    hosts.at_once(
        "sim.restart",
        "Starts a node anew with nothing in it, after its end if it runs. In tests alone.",
        |_: &mut HostContext, _: String| refused(),
    );
}

fn refused() -> Result<(), String> {
    Err("a simulated cluster is there in `fardel test` alone".to_owned())
}
