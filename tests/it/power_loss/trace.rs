//! Parses the output of `strace` into the starts and ends of system calls.
//!
//! The calls of concurrent threads overlap. A call that has not returned may have taken effect.

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Command;

/// Traced calls: all that change, name or sync a file, or send output. The recorder panics on a traced call that it does
/// not support, so no change of the disk is missed.
const CALLS: &str = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,write,writev,pwrite64,pwritev,pwritev2,\
sendto,sendmsg,truncate,ftruncate,fallocate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,\
unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,sync_file_range,sync,syncfs,msync,mmap,copy_file_range,sendfile,\
splice,vmsplice,io_uring_setup";

/// Suffix of the first line of a call that `strace` reports in two lines.
const UNFINISHED: &str = " <unfinished ...>";

/// Maximum string length in the trace, in bytes. Larger than any write.
const MAX_STRING_BYTES: &str = "1000000000";

/// Wraps a command in `strace`, which writes to the file `trace`.
pub fn traced(command: &Command, trace: &std::path::Path) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "--seccomp-bpf", "-qq", "-xx", "-e", "signal=none"])
        .args([
            "-s",
            MAX_STRING_BYTES,
            "-e",
            &format!("trace={CALLS}"),
            "-o",
        ])
        .args([trace.as_os_str(), command.get_program()])
        .args(command.get_args())
        .env_clear()
        .stdin(std::process::Stdio::null());
    let with_value = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        value.map(|value| (name.to_owned(), value.to_owned()))
    };
    let environment: Vec<(OsString, OsString)> =
        command.get_envs().filter_map(with_value).collect();
    traced.envs(environment);
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced
}

/// A system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Name, such as `fsync`.
    pub name: String,
    /// Text between the parentheses.
    arguments: String,
    /// Result. `None` while the call runs, negative for an error.
    pub result: Option<i64>,
}

impl Call {
    /// Returns an argument in the notation of `strace`. Strings are hexadecimal, so they contain no comma.
    pub fn argument(&self, index: usize) -> &str {
        self.arguments.split(", ").nth(index).unwrap_or_default()
    }

    /// Returns a numeric argument.
    pub fn number(&self, index: usize) -> i64 {
        let argument = self.argument(index);
        argument
            .parse()
            .unwrap_or_else(|_| panic!("not a number: {argument}"))
    }

    /// Returns the concatenated bytes of all string arguments.
    pub fn bytes(&self) -> Vec<u8> {
        let strings = self.arguments.split('"').skip(1).step_by(2);
        strings.flat_map(unescape).collect()
    }

    /// Returns a string argument.
    pub fn string(&self, index: usize) -> String {
        let argument = self.argument(index);
        assert!(
            argument.starts_with('"') && argument.ends_with('"'),
            "not a string: {argument}"
        );
        String::from_utf8(unescape(&argument[1..argument.len() - 1]).collect()).unwrap()
    }
}

fn unescape(hexadecimal: &str) -> impl Iterator<Item = u8> {
    let pairs = hexadecimal.split("\\x").skip(1);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap())
}

/// Start or end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    Started { thread: u32, call: Call },
    Finished { thread: u32, call: Call },
}

/// Parses a trace into events, in order. A call that never returned has no end.
pub fn parse(trace: &str) -> Vec<CallEvent> {
    let mut running: HashMap<u32, Call> = HashMap::new();
    let mut events = Vec::new();
    for line in trace.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest): (u32, _) = (thread.parse().unwrap(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        // The process exited during this call.
        let rest = match rest.strip_suffix(" <detached ...>") {
            Some(resumed) if resumed.starts_with("<... ") => continue,
            Some(started) => &format!("{started}{UNFINISHED}"),
            None => rest,
        };
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let more = resumed.split_once(" resumed>").unwrap().1;
            let mut call = running.remove(&thread).unwrap();
            let (arguments, result) = parse_end(more);
            call.arguments.push_str(arguments);
            call.result = Some(result);
            events.push(CallEvent::Finished { thread, call });
            continue;
        }
        let (name, rest) = rest.split_once('(').unwrap();
        let name = name.to_owned();
        if let Some(arguments) = rest.strip_suffix(UNFINISHED) {
            let arguments = arguments.to_owned();
            let call = Call {
                name,
                arguments,
                result: None,
            };
            running.insert(thread, call.clone());
            events.push(CallEvent::Started { thread, call });
        } else {
            let (arguments, result) = parse_end(rest);
            let arguments = arguments.to_owned();
            let call = Call {
                name,
                arguments,
                result: None,
            };
            events.push(CallEvent::Started {
                thread,
                call: call.clone(),
            });
            let call = Call {
                result: Some(result),
                ..call
            };
            events.push(CallEvent::Finished { thread, call });
        }
    }
    events
}

/// Splits the end of a line, such as `…) = 5` or `…) = -1 ENOENT (…)`, into arguments and result.
///
/// A call without a result counts as failed. An address counts as 0.
fn parse_end(text: &str) -> (&str, i64) {
    let (arguments, result) = text
        .rsplit_once(") ")
        .unwrap_or_else(|| panic!("missing end of a call: {text:.200}"));
    let result = result.trim_start().trim_start_matches("= ");
    let number = result.split_whitespace().next().unwrap_or("?");
    let address = number.starts_with("0x").then_some(0);
    let result = address.or_else(|| number.parse().ok()).unwrap_or(-1);
    (arguments, result)
}

#[test]
fn finished_failed_and_unfinished_calls_are_parsed() {
    let trace = r#"7 write(2, "\x68\x69", 2) = 2
7 fsync(3 <unfinished ...>
8  mkdir("\x2f\x61", 0777) = -1 EEXIST (File exists)
7 <... fsync resumed>)             = 0
8 close(3 <detached ...>
8 +++ exited with 0 +++
"#;
    let events: Vec<_> = parse(trace)
        .into_iter()
        .map(|event| match event {
            CallEvent::Started { thread, call } => (thread, call.name, None),
            CallEvent::Finished { thread, call } => (thread, call.name, call.result),
        })
        .collect();
    let events: Vec<_> = events
        .iter()
        .map(|(thread, name, result)| (*thread, &**name, *result))
        .collect();
    assert_eq!(
        events,
        [
            (7, "write", None),
            (7, "write", Some(2)),
            (7, "fsync", None),
            (8, "mkdir", None),
            (8, "mkdir", Some(-1)),
            (7, "fsync", Some(0)),
            (8, "close", None),
        ]
    );
    let CallEvent::Started { call, .. } = &parse(trace)[0] else {
        panic!("the first event is a start");
    };
    assert_eq!((call.bytes(), call.number(0)), (b"hi".to_vec(), 2));
}
