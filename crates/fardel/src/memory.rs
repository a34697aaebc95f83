//! How much memory the host lets the process have.

use fardel_vm::config::Config;

/// Bytes that the machines of this process should hold at most: as many as a machine does by default, or less where the
/// host allows the process less. A quarter of an address space, of which stacks and the allocator reserve a good part
/// without using it; three quarters of a control group's memory.
pub fn machine_memory_max() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let space = read("/proc/self/limits").and_then(|text| address_space(&text));
    let group = read("/proc/self/cgroup").and_then(|text| group_path(&text)).and_then(|path| read(&path));
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    let usual = Config::default().machine_memory_bytes_max;
    usual.min(space.map_or(u64::MAX, |bytes| bytes / 4)).min(group.map_or(u64::MAX, |bytes| bytes / 4 * 3))
}

/// The soft limit of the address space in a text of `/proc/self/limits`.
fn address_space(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The file with the limit of the group that a text of `/proc/self/cgroup` names, of the unified hierarchy.
fn group_path(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(format!("/sys/fs/cgroup{}/memory.max", path.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_space_is_the_soft_limit() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
            Max resident set          unlimited            unlimited            bytes\n\
            Max address space         268435456            unlimited            bytes\n";
        assert_eq!(address_space(text), Some(268_435_456));
        assert_eq!(address_space(&text.replace("268435456", "unlimited")), None);
        assert_eq!(address_space(""), None);
    }

    #[test]
    fn the_group_is_that_of_the_unified_hierarchy() {
        let file = |text: &str| group_path(text);
        assert_eq!(file("0::/\n").as_deref(), Some("/sys/fs/cgroup/memory.max"));
        assert_eq!(file("1:cpu:/a\n0::/user/b\n").as_deref(), Some("/sys/fs/cgroup/user/b/memory.max"));
        assert_eq!(file("1:cpu:/a\n"), None);
    }

    #[test]
    fn a_machine_holds_something_and_no_more_than_usual() {
        let max = machine_memory_max();
        assert!(0 < max && max <= Config::default().machine_memory_bytes_max, "{max}");
    }
}
