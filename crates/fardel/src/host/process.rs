//! `process`: what the process was started with.

use super::{HostContext, Hosts};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.at_once("process.args", "The arguments of the program, without its own name.", args);
    hosts.at_once("process.env", "The value of an environment variable; null when it is not set.", env);
}

fn args(context: &mut HostContext) -> Result<Vec<String>, String> {
    Ok(context.arguments.clone())
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
