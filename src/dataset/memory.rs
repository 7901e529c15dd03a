//! How much of the images may stay in memory.

use crate::config::Memory;

/// What `auto` takes at most: ChestMNIST at 128 px fits (1.8 GB), at 224 px it is read from disk as needed (5.6 GB).
const MOST: u64 = 2_000_000_000;

/// Bytes of images that may stay in memory.
pub fn budget(memory: Memory) -> u64 {
    match memory {
        Memory::Bytes(bytes) => bytes,
        Memory::Auto => available().map_or(MOST, |available| MOST.min(available / 2)),
    }
}

/// Bytes that this process can still have: what the machine has free, or its control group if that is less.
fn available() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    });
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limits = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ];
    // What a group uses is page cache for a part, which it can give back; so this is on the safe side.
    let group =
        limits.into_iter().find_map(|(limit, used)| Some(number(limit)?.saturating_sub(number(used)?)));
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}
