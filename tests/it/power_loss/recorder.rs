//! Replays a trace of system calls on the simulated disk, and collects the effects outside it.

use super::disk::{Disk, Inode};
use super::trace::{Call, CallEvent};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An effect visible outside the process. Its cause must be durable before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A submission, with its client request ID. The claim must be durable.
    Submitted(String),
    /// A poll, with its generation ID. The acceptance must be durable.
    Polled(String),
    /// A transcript renamed to its final path, relative to the output folder. The result must be durable.
    TranscriptWritten(PathBuf),
    /// A log record that a recording was accepted. The acceptance must be durable.
    LoggedSubmitted(String),
    /// A log record that a recording is done. The final state must be durable.
    LoggedDone(String),
}

/// An open file or folder.
#[derive(Debug, Clone, Copy)]
struct OpenFile {
    inode: Inode,
    offset: usize,
    is_append: bool,
}

/// The disk, the effects and the calls in progress during a replay.
pub struct Recorder<'a> {
    /// Folder that the disk represents.
    root: &'a Path,
    /// Entries of `root` that the process only reads. They are not on the disk.
    read_only: &'a [&'a str],
    pub disk: Disk,
    pub effects: Vec<Effect>,
    /// Open files on the disk, by descriptor.
    open: HashMap<i64, OpenFile>,
    /// Call in progress of each thread, with the number of changes at its start.
    running: HashMap<u32, (Call, u64)>,
}

impl<'a> Recorder<'a> {
    /// Creates a recorder that starts with the given disk.
    pub fn new(root: &'a Path, read_only: &'a [&'a str], disk: Disk) -> Self {
        Self {
            root,
            read_only,
            disk,
            effects: Vec::new(),
            open: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// Applies the next event. Calls `before_sync` before the end of each sync.
    ///
    /// All effects up to that call happened without the sync.
    pub fn apply(&mut self, event: CallEvent, before_sync: &mut impl FnMut(&Self)) {
        match event {
            CallEvent::Started { thread, call } => {
                self.call_started(&call);
                self.running
                    .insert(thread, (call, self.disk.change_count()));
            }
            CallEvent::Finished { thread, call } => {
                let (_, change_count) = self.running.remove(&thread).unwrap();
                if call.result.unwrap() < 0 {
                    return;
                }
                match (&*call.name, self.file(&call)) {
                    ("fsync" | "fdatasync", Some(open)) => {
                        before_sync(self);
                        self.disk.sync(open.inode, change_count);
                    }
                    ("syncfs", Some(_)) => {
                        before_sync(self);
                        self.disk.sync_all(change_count);
                    }
                    _ => self.call_succeeded(&call),
                }
            }
        }
    }

    /// Handles the calls that take effect at their start: output of the process, and `close`.
    fn call_started(&mut self, call: &Call) {
        match &*call.name {
            // The kernel may give the descriptor to another thread before `close` returns.
            "close" => {
                self.open.remove(&call.number(0));
            }
            "rename" | "renameat" | "renameat2" => {
                let (_, to) = self.two_paths(call);
                if let Some(transcript) =
                    to.and_then(|to| to.strip_prefix("transcripts").ok().map(Path::to_owned))
                {
                    self.effects.push(Effect::TranscriptWritten(transcript));
                }
            }
            "write" | "writev" | "sendto" | "sendmsg" if self.file(call).is_none() => {
                self.record_output(call);
            }
            _ => {}
        }
    }

    /// Records the effect of a write to stderr or a socket.
    fn record_output(&mut self, call: &Call) {
        let bytes = call.bytes();
        let text = String::from_utf8_lossy(&bytes);
        if call.number(0) == 2 {
            let records = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            self.effects.extend(records.filter_map(|record: Value| {
                let recording = record["recording"].as_str()?.to_owned();
                match record["message"].as_str()? {
                    "submitted" => Some(Effect::LoggedSubmitted(recording)),
                    "done" => Some(Effect::LoggedDone(recording)),
                    _ => None,
                }
            }));
        } else if text.starts_with("POST /v1/stt/create") {
            let header = "x-client-request-id: ";
            let id = text.split_once(header).unwrap().1.lines().next().unwrap();
            self.effects.push(Effect::Submitted(id.to_owned()));
        } else if let Some(rest) = text.strip_prefix("GET /v1/stt/") {
            let id = rest.split_whitespace().next().unwrap();
            self.effects.push(Effect::Polled(id.to_owned()));
        }
    }

    /// Applies a successful call to the disk.
    fn call_succeeded(&mut self, call: &Call) {
        match &*call.name {
            "open" | "openat" => self.open(call),
            "mkdir" => {
                if let Some(path) = self.disk_path(&call.string(0)) {
                    self.apply_running_creations(path.parent().unwrap());
                    self.create_folder(&path);
                }
            }
            "unlink" => {
                if let Some(path) = self.disk_path(&call.string(0)) {
                    self.disk.remove(&path);
                }
            }
            "rename" | "renameat" | "renameat2" => {
                if let (Some(from), Some(to)) = self.two_paths(call) {
                    self.disk.rename(&from, &to);
                }
            }
            "write" | "pwrite64" | "ftruncate" | "lseek" => self.change_file(call),
            "fcntl" if !call.argument(1).starts_with("F_DUPFD") => {}
            "mmap"
                if !call.argument(3).contains("MAP_SHARED")
                    || !call.argument(2).contains("PROT_WRITE") => {}
            // The index of the WAL is shared memory. A power cut leaves nothing of it.
            "mmap" => assert!(
                self.descriptor(call, 4)
                    .is_none_or(|open| self.is_wal_index(open.inode))
            ),
            "unlinkat" => assert!(self.disk_path(&call.string(1)).is_none(), "{call:?}"),
            // These concern files outside the disk.
            "close" | "fsync" | "fdatasync" => {}
            "writev" | "sendto" | "sendmsg" | "dup" | "dup2" | "dup3" | "fcntl" => {
                assert!(self.file(call).is_none(), "not modelled: {call:?}");
            }
            _ => panic!("not modelled: {}", call.name),
        }
    }

    fn is_wal_index(&self, inode: Inode) -> bool {
        self.disk
            .find(Path::new("var/lib/state/nightscribe.db-shm"))
            == Some(inode)
    }

    fn open(&mut self, call: &Call) {
        let at = usize::from(call.name == "openat");
        let flags = call.argument(at + 1).to_owned();
        let descriptor = call.result.unwrap();
        self.open.remove(&descriptor);
        assert!(!flags.contains("O_TMPFILE"), "not modelled: {call:?}");
        let Some(path) = self.disk_path(&call.string(at)) else {
            return;
        };
        self.apply_running_creations(&path);
        let inode = match self.disk.find(&path) {
            Some(inode) => inode,
            None if flags.contains("O_CREAT") => self.disk.create_file(&path),
            None => panic!("opened a missing file: {}", path.display()),
        };
        if flags.contains("O_TRUNC") {
            self.disk.set_length(inode, 0);
        }
        let is_append = flags.contains("O_APPEND");
        let open = OpenFile {
            inode,
            offset: 0,
            is_append,
        };
        self.open.insert(descriptor, open);
    }

    /// Applies the running calls that create this path or its parents. Another thread may see their effect before they
    /// return.
    fn apply_running_creations(&mut self, path: &Path) {
        let mut created: Vec<_> = self
            .running
            .values()
            .filter_map(|(call, _)| {
                let path_string = match &*call.name {
                    "mkdir" => call.string(0),
                    "openat" if call.argument(2).contains("O_CREAT") => call.string(1),
                    _ => return None,
                };
                let created_path = self.disk_path(&path_string)?;
                path.starts_with(&created_path)
                    .then(|| (created_path, call.name == "mkdir"))
            })
            .collect();
        created.sort();
        for (path, is_folder) in created {
            if is_folder {
                self.create_folder(&path);
            } else if self.disk.find(&path).is_none() {
                self.disk.create_file(&path);
            }
        }
    }

    fn create_folder(&mut self, path: &Path) {
        if self.disk.find(path).is_none() {
            self.disk.create_folder(path);
        }
    }

    fn change_file(&mut self, call: &Call) {
        let Some(mut open) = self.file(call) else {
            return;
        };
        let result = usize::try_from(call.result.unwrap()).unwrap();
        match &*call.name {
            "lseek" => open.offset = result,
            "ftruncate" => {
                let length = usize::try_from(call.number(1)).unwrap();
                self.disk.set_length(open.inode, length);
            }
            name => {
                let mut bytes = call.bytes();
                bytes.truncate(result);
                let offset = match name {
                    "pwrite64" => usize::try_from(call.number(3)).unwrap(),
                    _ if open.is_append => self.disk.length(open.inode),
                    _ => open.offset,
                };
                self.disk.write(open.inode, offset, bytes);
                if name == "write" {
                    open.offset = offset + result;
                }
            }
        }
        self.open.insert(call.number(0), open);
    }

    /// Returns the open file of the first argument, if it is on the disk.
    fn file(&self, call: &Call) -> Option<OpenFile> {
        self.descriptor(call, 0)
    }

    fn descriptor(&self, call: &Call, index: usize) -> Option<OpenFile> {
        let descriptor = call.argument(index).parse::<i64>().ok()?;
        self.open.get(&descriptor).copied()
    }

    fn two_paths(&self, call: &Call) -> (Option<PathBuf>, Option<PathBuf>) {
        let (from, to) = if call.name == "rename" {
            (0, 1)
        } else {
            (1, 3)
        };
        (
            self.disk_path(&call.string(from)),
            self.disk_path(&call.string(to)),
        )
    }

    /// Returns the path relative to the root, or `None` if it is not on the disk.
    fn disk_path(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path).strip_prefix(self.root).ok()?;
        let first = path.iter().next();
        let is_read_only =
            first.is_some_and(|first| self.read_only.iter().any(|name| first == *name));
        (!is_read_only).then(|| path.to_owned())
    }
}
