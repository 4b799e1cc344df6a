//! Output to the journal of systemd, which reads a priority at the beginning of each line (`sd-daemon(3)`).

use rustix::fs::fstat;
use std::io::Write;
use std::sync::LazyLock;
use tracing::Level;

/// Priority of a line in the journal, as in syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// The program ends because of a bug.
    Critical = 2,
    Error = 3,
    Warning = 4,
    Info = 6,
    Debug = 7,
}

impl From<Level> for Priority {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warning,
            Level::INFO => Self::Info,
            Level::DEBUG | Level::TRACE => Self::Debug,
        }
    }
}

/// Whether standard error is connected to the journal. A program that passes the variable on may have redirected it.
pub(super) fn is_connected() -> bool {
    static IS_CONNECTED: LazyLock<bool> = LazyLock::new(|| {
        let Some(variable) = std::env::var_os("JOURNAL_STREAM") else {
            return false;
        };
        fstat(std::io::stderr())
            .is_ok_and(|found| is_stream(&variable.to_string_lossy(), found.st_dev, found.st_ino))
    });
    *IS_CONNECTED
}

/// Whether the variable names this device and inode.
fn is_stream(variable: &str, device: u64, inode: u64) -> bool {
    variable
        .split_once(':')
        .is_some_and(|(found_device, found_inode)| {
            found_device.parse() == Ok(device) && found_inode.parse() == Ok(inode)
        })
}

/// Returns the text for standard error. In the journal, each line begins with the priority.
pub(super) fn prioritized(text: &str, priority: Priority) -> String {
    if is_connected() {
        with_priority(text, priority)
    } else {
        text.to_owned()
    }
}

fn with_priority(text: &str, priority: Priority) -> String {
    let prefix = format!("<{}>", priority as u8);
    let lines = text.split_inclusive('\n');
    lines.map(|line| format!("{prefix}{line}")).collect()
}

/// Reports a panic with a priority if standard error is connected to the journal.
pub(super) fn report_panics() {
    if !is_connected() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let backtrace = std::backtrace::Backtrace::capture();
        let backtrace = match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{backtrace}"),
            _ => String::new(),
        };
        let text = format!("thread '{name}' {panic}{backtrace}");
        let _closed = writeln!(
            std::io::stderr(),
            "{}",
            with_priority(&text, Priority::Critical)
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_priority() {
        assert_eq!(with_priority("a\nb\n", Priority::Error), "<3>a\n<3>b\n");
        assert_eq!(with_priority("a\n  b", Priority::Warning), "<4>a\n<4>  b");
        assert_eq!(with_priority("", Priority::Info), "");
        assert_eq!(Priority::from(Level::TRACE), Priority::Debug);
    }

    #[test]
    fn only_the_named_stream_is_the_journal() {
        assert!(is_stream("8:4711", 8, 4711));
        for other in ["8:4712", "9:4711", "8", "", "8:", "a:b", "8:4711:1"] {
            assert!(!is_stream(other, 8, 4711), "{other}");
        }
    }
}
