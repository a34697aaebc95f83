//! `io`: the standard streams.

use super::{Answer, HostContext, Hosts, Run};
use crate::limits::LINE_BYTES_MAX;
use fardel_vm::door::{HostSignature, HostType};
use fardel_vm::value::Value;
use std::io::{BufRead, Read as _};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.at_once("io.print", "Writes a text and a line break to the standard output.", print);
    hosts.at_once("io.write", "Writes a text to the standard output.", write);
    hosts.at_once("io.error", "Writes a text and a line break to the standard error.", error);
    hosts.add_row(
        "io.read_line",
        "Waits for the next line of the standard input and gives it without its line break; null at the end.",
        HostSignature { params: Vec::new(), result: Some(HostType::Option(Box::new(HostType::Text))), draws: false },
        Run::Input(read_line),
    );
}

// What cannot be written is the driver's business: it ends the run.
fn print(context: &mut HostContext, text: String) -> Result<(), String> {
    context.output.write(&[text.as_bytes(), b"\n"]);
    Ok(())
}

fn write(context: &mut HostContext, text: String) -> Result<(), String> {
    context.output.write(&[text.as_bytes()]);
    Ok(())
}

fn error(context: &mut HostContext, mut text: String) -> Result<(), String> {
    text.push('\n');
    context.error.write_all(text.as_bytes()).map_err(|error| format!("the standard error cannot be written: {error}"))
}

fn read_line(input: &mut dyn BufRead, _: Vec<Value>) -> Answer {
    let mut line = Vec::new();
    let read = input.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
    read.map_err(|error| format!("the standard input cannot be read: {error}"))?;
    if line.is_empty() {
        return Ok(Value::Null);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() as u64 > LINE_BYTES_MAX {
        return Err(format!("a line of the standard input has more than {LINE_BYTES_MAX} bytes"));
    }
    match String::from_utf8(line) {
        Ok(text) => Ok(Value::Text(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(format!("a line of the standard input is not UTF-8 text: byte {at} of it begins no character"))
        }
    }
}
