//! The functions of the host, as the assembly declares them.
//!
//! **Invariant:** these are the lines of `docs/spec/host.md`.

/// Name and parameters of each.
const FUNCTIONS: [&str; 24] = [
    "fs.exists(Text) -> Bool",
    "fs.list(Text) -> List<Text>",
    "fs.read_bytes(Text) -> Bytes",
    "fs.read_text(Text) -> Text",
    "fs.write_bytes(Text, Bytes)",
    "fs.write_text(Text, Text)",
    "io.error(Text)",
    "io.print(Text)",
    "io.read_line() -> Option<Text>",
    "io.write(Text)",
    "process.args() -> List<Text>",
    "process.env(Text) -> Option<Text>",
    "process.exit(Int)",
    "random.bytes(Int) -> Bytes",
    "random.int(Int, Int) -> Int",
    "sim.close()",
    "sim.cut(Text, Text)",
    "sim.heal()",
    "sim.is_settled() -> Bool",
    "sim.kill(Text)",
    "sim.open(Int, Int, Int)",
    "sim.restart(Text)",
    "time.now() -> Int",
    "time.wall() -> Int",
];

/// The declaration of a host function.
pub(super) fn declaration(name: &str) -> Option<&'static str> {
    FUNCTIONS.into_iter().find(|function| function.split('(').next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_reference() {
        let reference = include_str!("../../../../docs/spec/host.md");
        let listed: Vec<&str> =
            reference.lines().filter_map(|line| line.strip_prefix("| `host ")?.split('`').next()).collect();
        assert_eq!(listed, FUNCTIONS);
    }
}
