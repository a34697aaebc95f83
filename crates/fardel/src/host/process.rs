//! `process`: what the process was started with, and its end.

use super::{HostContext, Hosts};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.at_once("process.args", "The arguments of the program, without its own name.", args);
    hosts.at_once("process.env", "The value of an environment variable; null when it is not set.", env);
    hosts.at_once(
        "process.exit",
        "Ends the program with an exit status of 0 to 255, once the other fibers have ended.",
        exit,
    );
}

fn args(context: &mut HostContext) -> Result<Vec<String>, String> {
    Ok(context.arguments.clone())
}

/// The first one holds.
fn exit(context: &mut HostContext, status: i64) -> Result<(), String> {
    let status = u8::try_from(status).map_err(|_| format!("the exit status is {status}; wanted 0 to 255"))?;
    context.exit.get_or_insert(status);
    Ok(())
}

fn env(_: &mut HostContext, name: String) -> Result<Option<String>, String> {
    match std::env::var_os(&name) {
        None => Ok(None),
        Some(value) => {
            let text = value.into_string();
            text.map(Some).map_err(|value| format!("the environment variable {name} is not UTF-8 text: {value:?}"))
        }
    }
}
