//! What the operating system says about this process, where it can be asked.

use std::fs;

use tokio::runtime::Handle;

/// Memory in use, in bytes.
pub(super) fn resident_bytes() -> Option<u64> {
    resident_in(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Open file descriptors, without the one that counting takes.
pub(super) fn open_fds() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1))
}

/// Tasks that have not ended, where there is a runtime.
pub(super) fn tasks() -> Option<usize> {
    Some(Handle::try_current().ok()?.metrics().num_alive_tasks())
}

fn resident_in(status: &str) -> Option<u64> {
    let figure = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = figure.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernel_s_words() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(resident_in(text), expected, "{text:?}");
        check("VmPeak:\t   9000 kB\nVmRSS:\t    1234 kB\nThreads:\t3\n", Some(1234 * 1024));
        check("VmRSS:\t18446744073709551615 kB\n", None);
        check("VmRSS:\tmuch\n", None);
        check("", None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn open_files_are_counted() {
        let files: Vec<_> = (0..50).map(|_| tempfile::tempfile().unwrap()).collect();
        assert!(open_fds().unwrap() >= files.len());
        assert!(resident_bytes().unwrap() > 0);
    }
}
