//! This process and those that it starts: their memory, their limits, their ends.

use std::process::Command;

/// What a confined process gets: file descriptors, and KiB of address space.
const DESCRIPTORS: &str = "64";
const ADDRESS_SPACE_KIB: &str = "262144";
/// The status by which the shell says that it cannot set the limits.
const CANNOT_LIMIT: i32 = 97;

/// Lines that are shown of what a process wrote before it died: place and message of a panic.
const ERROR_LINES: usize = 2;

/// How a process that was started has ended.
pub(crate) enum Ended {
    /// As it should; what it has written.
    Said(String),
    /// Otherwise; why.
    Died(String),
    /// It was not started; why.
    Skipped(String),
}

/// Calls this program with other arguments, confined or not.
pub(crate) fn call_self(arguments: &[&str], is_confined: bool) -> Ended {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Ended::Died(format!("this program cannot be found: {error}")),
    };
    let mut command = if is_confined {
        let script =
            format!("ulimit -n {DESCRIPTORS} && ulimit -v {ADDRESS_SPACE_KIB} || exit {CANNOT_LIMIT}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(program);
        shell
    } else {
        Command::new(program)
    };
    match command.args(arguments).output() {
        Err(error) if is_confined => Ended::Skipped(format!("there is no shell that could set limits: {error}")),
        Err(error) => Ended::Died(error.to_string()),
        Ok(output) if output.status.success() => Ended::Said(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) if is_confined && output.status.code() == Some(CANNOT_LIMIT) => {
            Ended::Skipped("the shell cannot set these limits here".to_owned())
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let first: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(ERROR_LINES).collect();
            Ended::Died(format!("{}: {}", output.status, first.join(" ")))
        }
    }
}

/// Bytes of this process that are in memory, where the host tells them.
pub(crate) fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
