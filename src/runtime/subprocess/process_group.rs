//! The process group of a program, which contains its child processes.

use rustix::process::{Pid, Signal, kill_process_group, setpriority_process};
use std::time::Duration;
use tokio::process::Child;

/// Niceness of a program whose output is read. Other work comes first, and a busy machine does not starve it.
const LOW_PRIORITY: i32 = 10;

/// Bounds on a program whose output is read.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time limit. It is also the limit of the time on a processor, where the system can set one.
    pub time: Duration,
    /// Maximum size of the output, in bytes.
    pub output_bytes: usize,
    /// Maximum size of the memory, in bytes, where the system can limit it.
    pub memory_bytes: u64,
    /// Maximum size of a file that it writes, in bytes, where the system can limit it. A larger file kills it.
    pub file_bytes: u64,
}

/// Process group of a child. Killed on drop.
pub(super) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    pub(super) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Lowers the priority of the program, and limits what it uses. A system that cannot do so only has the time limit.
    pub(super) fn confine(&self, bounds: &Bounds) {
        // Without a process ID, the calls would apply to this process.
        let Some(program) = self.0 else { return };
        let _lowered = setpriority_process(Some(program), LOW_PRIORITY);
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Resource, Rlimit, prlimit};
            let limits = [
                (Resource::As, bounds.memory_bytes),
                (Resource::Cpu, bounds.time.as_secs().max(1)),
                (Resource::Core, 0),
                (Resource::Fsize, bounds.file_bytes),
            ];
            for (resource, most) in limits {
                let limit = Rlimit {
                    current: Some(most),
                    maximum: Some(most),
                };
                let _limited = prlimit(Some(program), resource, limit);
            }
        }
    }

    /// Drops the guard without killing the group. Processes that the program left in the background keep running.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails if the group no longer exists, which is fine.
            let _killed = kill_process_group(group, Signal::KILL);
        }
    }
}
