//! From calls to what the disk and the world saw.

use super::disk::{Disk, Inode};
use super::trace::{Call, Moment};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Something that left the process, and holds it to what is written before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outward {
    /// A submission, with its client request ID: the claim is durable.
    Submitted(String),
    /// A poll for a generation: the acceptance is durable.
    Polled(String),
    /// A transcript was put in its place, below the output folder: the result is durable.
    Placed(PathBuf),
    /// It was said that a recording is accepted.
    SaidSubmitted(String),
    /// It was said that a recording's transcripts are there.
    SaidDone(String),
}

/// An open file or folder.
#[derive(Debug, Clone, Copy)]
struct Open {
    inode: Inode,
    offset: usize,
    appends: bool,
}

pub struct Recorder<'a> {
    /// The folder that the disk stands for; what is `outside` of it (recordings, configuration) is read only.
    root: &'a Path,
    outside: &'a [&'a str],
    pub disk: Disk,
    pub outward: Vec<Outward>,
    open: HashMap<i64, Open>,
    /// By thread: the call, and the number of changes when it began.
    running: HashMap<u32, (Call, u64)>,
}

impl<'a> Recorder<'a> {
    pub fn new(root: &'a Path, outside: &'a [&'a str], disk: Disk) -> Self {
        Self {
            root,
            outside,
            disk,
            outward: Vec::new(),
            open: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// Takes the next moment. `before_sync` is called when a sync of the disk is about to end: whatever the process
    /// did so far, it did without that sync.
    pub fn take(&mut self, moment: Moment, before_sync: &mut impl FnMut(&Self)) {
        match moment {
            Moment::Begun { thread, call } => {
                self.begun(&call);
                self.running.insert(thread, (call, self.disk.now()));
            }
            Moment::Ended { thread, call } => {
                let (_, began) = self.running.remove(&thread).unwrap();
                if call.result.unwrap() < 0 {
                    return;
                }
                match (&*call.name, self.file(&call)) {
                    ("fsync" | "fdatasync", Some(open)) => {
                        before_sync(self);
                        self.disk.sync(open.inode, began);
                    }
                    ("syncfs", Some(_)) => {
                        before_sync(self);
                        self.disk.sync_all(began);
                    }
                    _ => self.ended(&call),
                }
            }
        }
    }

    /// What counts from its beginning: what leaves the process, and a descriptor that another thread may be given
    /// before its closing has returned.
    fn begun(&mut self, call: &Call) {
        match &*call.name {
            "close" => {
                self.open.remove(&call.number(0));
            }
            "rename" | "renameat" | "renameat2" => {
                let (_, to) = self.two_paths(call);
                if let Some(placed) =
                    to.and_then(|to| to.strip_prefix("transcripts").ok().map(Path::to_owned))
                {
                    self.outward.push(Outward::Placed(placed));
                }
            }
            "write" | "writev" | "sendto" | "sendmsg" if self.file(call).is_none() => {
                self.leaves(call);
            }
            _ => {}
        }
    }

    fn leaves(&mut self, call: &Call) {
        let bytes = call.bytes();
        let text = String::from_utf8_lossy(&bytes);
        if call.number(0) == 2 {
            let said = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            self.outward.extend(said.filter_map(|line: Value| {
                let recording = line["recording"].as_str()?.to_owned();
                match line["message"].as_str()? {
                    "submitted" => Some(Outward::SaidSubmitted(recording)),
                    "done" => Some(Outward::SaidDone(recording)),
                    _ => None,
                }
            }));
        } else if text.starts_with("POST /v1/stt/create") {
            let header = "x-client-request-id: ";
            let id = text.split_once(header).unwrap().1.lines().next().unwrap();
            self.outward.push(Outward::Submitted(id.to_owned()));
        } else if let Some(asked) = text.strip_prefix("GET /v1/stt/") {
            let id = asked.split_whitespace().next().unwrap();
            self.outward.push(Outward::Polled(id.to_owned()));
        }
    }

    /// A call that succeeded.
    fn ended(&mut self, call: &Call) {
        match &*call.name {
            "open" | "openat" => self.opened(call),
            "mkdir" => {
                if let Some(path) = self.inside(&call.string(0)) {
                    self.settle(path.parent().unwrap());
                    self.make_folder(&path);
                }
            }
            "unlink" => {
                if let Some(path) = self.inside(&call.string(0)) {
                    self.disk.remove(&path);
                }
            }
            "rename" | "renameat" | "renameat2" => {
                if let (Some(from), Some(to)) = self.two_paths(call) {
                    self.disk.rename(&from, &to);
                }
            }
            "write" | "pwrite64" | "ftruncate" | "lseek" => self.changed(call),
            "fcntl" if !call.argument(1).starts_with("F_DUPFD") => {}
            "mmap"
                if !call.argument(3).contains("MAP_SHARED")
                    || !call.argument(2).contains("PROT_WRITE") => {}
            // The memory of the WAL's index, which no power cut leaves.
            "mmap" => assert!(
                self.descriptor(call, 4)
                    .is_none_or(|open| self.is_index(open.inode))
            ),
            "unlinkat" => assert!(self.inside(&call.string(1)).is_none(), "{call:?}"),
            // Of a file elsewhere, or a folder above the disk.
            "close" | "fsync" | "fdatasync" => {}
            "writev" | "sendto" | "sendmsg" | "dup" | "dup2" | "dup3" | "fcntl" => {
                assert!(self.file(call).is_none(), "not modelled: {call:?}");
            }
            _ => panic!("not modelled: {}", call.name),
        }
    }

    fn is_index(&self, inode: Inode) -> bool {
        self.disk
            .find(Path::new("var/lib/state/nightscribe.db-shm"))
            == Some(inode)
    }

    fn opened(&mut self, call: &Call) {
        let at = usize::from(call.name == "openat");
        let flags = call.argument(at + 1).to_owned();
        let descriptor = call.result.unwrap();
        self.open.remove(&descriptor);
        assert!(!flags.contains("O_TMPFILE"), "not modelled: {call:?}");
        let Some(path) = self.inside(&call.string(at)) else {
            return;
        };
        self.settle(&path);
        let inode = match self.disk.find(&path) {
            Some(inode) => inode,
            None if flags.contains("O_CREAT") => self.disk.make_file(&path),
            None => panic!("opened what is not there: {}", path.display()),
        };
        if flags.contains("O_TRUNC") {
            self.disk.set_length(inode, 0);
        }
        let appends = flags.contains("O_APPEND");
        let open = Open {
            inode,
            offset: 0,
            appends,
        };
        self.open.insert(descriptor, open);
    }

    /// Another thread's call that has not returned may have made what this one found.
    fn settle(&mut self, path: &Path) {
        let mut made: Vec<_> = self
            .running
            .values()
            .filter_map(|(call, _)| {
                let making = match &*call.name {
                    "mkdir" => call.string(0),
                    "openat" if call.argument(2).contains("O_CREAT") => call.string(1),
                    _ => return None,
                };
                let making = self.inside(&making)?;
                path.starts_with(&making)
                    .then(|| (making, call.name == "mkdir"))
            })
            .collect();
        made.sort();
        for (path, is_folder) in made {
            if is_folder {
                self.make_folder(&path);
            } else if self.disk.find(&path).is_none() {
                self.disk.make_file(&path);
            }
        }
    }

    fn make_folder(&mut self, path: &Path) {
        if self.disk.find(path).is_none() {
            self.disk.make_folder(path);
        }
    }

    fn changed(&mut self, call: &Call) {
        let Some(mut open) = self.file(call) else {
            return;
        };
        let written = usize::try_from(call.result.unwrap()).unwrap();
        match &*call.name {
            "lseek" => open.offset = written,
            "ftruncate" => {
                let length = usize::try_from(call.number(1)).unwrap();
                self.disk.set_length(open.inode, length);
            }
            name => {
                let mut bytes = call.bytes();
                bytes.truncate(written);
                let offset = match name {
                    "pwrite64" => usize::try_from(call.number(3)).unwrap(),
                    _ if open.appends => self.disk.length(open.inode),
                    _ => open.offset,
                };
                self.disk.write(open.inode, offset, bytes);
                if name == "write" {
                    open.offset = offset + written;
                }
            }
        }
        self.open.insert(call.number(0), open);
    }

    /// What a call's first argument has open, if it is on the disk.
    fn file(&self, call: &Call) -> Option<Open> {
        self.descriptor(call, 0)
    }

    fn descriptor(&self, call: &Call, index: usize) -> Option<Open> {
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
            self.inside(&call.string(from)),
            self.inside(&call.string(to)),
        )
    }

    /// The path on the disk, if it is there.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path).strip_prefix(self.root).ok()?;
        let first = path.iter().next();
        let outside = first.is_some_and(|first| self.outside.iter().any(|name| first == *name));
        (!outside).then(|| path.to_owned())
    }
}
