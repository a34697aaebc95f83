//! Answers as people and programs read them.

use crate::say::plain;
use crate::size;
use fardel_node::operate::{Call, FiberReport, FiberRow, First, MemberRow, MemberState};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// JSON, for people as well.
pub(super) fn json(value: &impl Serialize) -> String {
    // Texts and numbers are always JSON.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Rows in columns, each as wide as its widest part. The last one ends where it ends.
fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |at: usize| {
        let parts = rows.iter().filter_map(|row| row.get(at));
        parts.map(|part| part.chars().count()).chain(head.get(at).map(|part| part.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&head.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (part, width) in row.iter().zip(&widths) {
            // Writing to a text does not fail.
            let _ = write!(line, "{part:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn members(members: &[MemberRow]) -> String {
    let row = |member: &MemberRow| {
        let state = match member.state {
            MemberState::Itself => "itself",
            MemberState::Connected => "connected",
            MemberState::Apart => "apart",
            MemberState::Known => "known",
            MemberState::Down => "down",
        };
        let address = if member.address.is_empty() { "-" } else { &member.address };
        let labels = if member.labels.is_empty() { "-".to_owned() } else { plain(&member.labels.join(",")) };
        [plain(&member.name), state.to_owned(), plain(address), labels, member.incarnation.to_string(), plain(&member.id)]
    };
    let mut rows: Vec<[String; 6]> = members.iter().map(row).collect();
    rows.sort();
    columns(["NODE", "STATE", "ADDRESS", "LABELS", "INCARNATION", "ID"], &rows)
}

fn id(node: &str, fiber: &FiberRow) -> String {
    format!("{}/{}.{}", plain(node), fiber.slot, fiber.generation)
}

fn place(call: &Call) -> String {
    match call.file.as_str() {
        "" => format!("{}+{}", plain(&call.function), call.offset),
        file => format!("{} ({}:{})", plain(&call.function), plain(file), call.line),
    }
}

pub(super) fn fibers(node: &str, fibers: &[FiberRow], more: u64) -> String {
    let row = |fiber: &FiberRow| {
        let names = if fiber.names.is_empty() { "-".to_owned() } else { plain(&fiber.names.join(",")) };
        [
            id(node, fiber),
            plain(&fiber.state),
            fiber.messages.to_string(),
            size::show(fiber.memory_bytes),
            names,
            fiber.place.as_ref().map_or("-".to_owned(), place),
        ]
    };
    let rows: Vec<[String; 6]> = fibers.iter().map(row).collect();
    let mut text = columns(["FIBER", "STATE", "MAILBOX", "MEMORY", "NAMES", "PLACE"], &rows);
    if more > 0 {
        let _ = writeln!(text, "and {more} more; --limit says how many are listed");
    }
    text
}

/// An answer with the node and the fiber as people write them.
fn with_id(node: &str, fiber: &FiberRow, value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    if let Some(parts) = value.as_object_mut() {
        parts.insert("fiber".to_owned(), json!(id(node, fiber)));
        parts.remove("slot");
        parts.remove("generation");
    }
    value
}

pub(super) fn fibers_json(node: &str, fibers: &[FiberRow], more: u64) -> String {
    let fibers: Vec<Value> = fibers.iter().map(|fiber| with_id(node, fiber, fiber)).collect();
    json(&json!({ "node": node, "fibers": fibers, "more": more }))
}

pub(super) fn report_json(node: &str, report: &FiberReport) -> String {
    let row = with_id(node, &report.fiber, &report.fiber);
    let mut value = with_id(node, &report.fiber, report);
    if let (Some(parts), Value::Object(row)) = (value.as_object_mut(), row) {
        parts.extend(row);
    }
    json(&value)
}

fn first(first: &First) -> String {
    let mut text = first.items.iter().map(|item| plain(item)).collect::<Vec<_>>().join(", ");
    let more = first.count.saturating_sub(first.items.len() as u64);
    if text.is_empty() {
        text.push('-');
    }
    if more > 0 {
        let _ = write!(text, ", and {more} more");
    }
    text
}

pub(super) fn report(node: &str, report: &FiberReport) -> String {
    let fiber = &report.fiber;
    let names = First { items: fiber.names.clone(), count: fiber.names.len() as u64 };
    let mailbox = format!(
        "{} of {} messages, {}: {}",
        fiber.messages,
        report.messages_max,
        size::show(fiber.message_bytes),
        first(&report.mailbox)
    );
    let memory = format!(
        "{} of {}, heap {}, stack {}",
        size::show(fiber.memory_bytes),
        size::show(report.memory_bytes_max),
        size::show(report.heap_bytes),
        size::show(report.stack_bytes)
    );
    let traps = if report.traps_exits { "as messages" } else { "end it" };
    let lines = [
        ("fiber", id(node, fiber)),
        ("state", plain(&fiber.state)),
        ("names", first(&names)),
        ("takes", plain(&report.takes)),
        ("mailbox", mailbox),
        ("memory", memory),
        ("exits", traps.to_owned()),
        ("links", first(&report.links)),
        ("watches", first(&report.watches)),
        ("watched by", first(&report.watched_by)),
    ];
    let mut text: String = lines.iter().map(|(name, value)| format!("{name:10}  {value}\n")).collect();
    text.push_str("stack\n");
    for call in &report.stack {
        let _ = writeln!(text, "  {}", place(call));
    }
    if report.is_stack_cut {
        text.push_str("  ..\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["a".to_owned(), "b c".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(["X", "Y"], &rows), "X     Y\na     b c\nlong\n");
    }
}
