//! What `strace` wrote, as calls that begin and end: where threads run beside each other, a call that has not ended
//! may or may not have had its effect.

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Command;

/// What may change a file, name it, make it durable, or let the world know. A call of this list that the recorder does
/// not know ends the test: nothing changes the disk unseen.
const CALLS: &str = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,write,writev,pwrite64,pwritev,pwritev2,\
sendto,sendmsg,truncate,ftruncate,fallocate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,\
unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,sync_file_range,sync,syncfs,msync,mmap,copy_file_range,sendfile,\
splice,vmsplice,io_uring_setup";

/// Ends the line of a call that another thread comes between.
const UNFINISHED: &str = " <unfinished ...>";

/// Enough for the longest write.
const WHOLE: &str = "1000000000";

/// The same command under `strace`, which writes to `trace`.
pub fn traced(command: &Command, trace: &std::path::Path) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "--seccomp-bpf", "-qq", "-xx", "-e", "signal=none"])
        .args(["-s", WHOLE, "-e", &format!("trace={CALLS}"), "-o"])
        .args([trace.as_os_str(), command.get_program()])
        .args(command.get_args())
        .env_clear()
        .stdin(std::process::Stdio::null());
    let set = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        value.map(|value| (name.to_owned(), value.to_owned()))
    };
    let environment: Vec<(OsString, OsString)> = command.get_envs().filter_map(set).collect();
    traced.envs(environment);
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced
}

/// A call, as far as is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// Between its parentheses.
    arguments: String,
    /// What it answered; none while it runs, negative for an error.
    pub result: Option<i64>,
}

impl Call {
    /// An argument, as `strace` shows it. Strings hold no comma, because all of them are in hexadecimal.
    pub fn argument(&self, index: usize) -> &str {
        self.arguments.split(", ").nth(index).unwrap_or_default()
    }

    pub fn number(&self, index: usize) -> i64 {
        let argument = self.argument(index);
        argument
            .parse()
            .unwrap_or_else(|_| panic!("no number: {argument}"))
    }

    /// The bytes of every string among the arguments, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        let strings = self.arguments.split('"').skip(1).step_by(2);
        strings.flat_map(unescape).collect()
    }

    /// A string argument.
    pub fn string(&self, index: usize) -> String {
        let argument = self.argument(index);
        assert!(
            argument.starts_with('"') && argument.ends_with('"'),
            "no string: {argument}"
        );
        String::from_utf8(unescape(&argument[1..argument.len() - 1]).collect()).unwrap()
    }
}

fn unescape(hexadecimal: &str) -> impl Iterator<Item = u8> {
    let pairs = hexadecimal.split("\\x").skip(1);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap())
}

/// Calls in the order of their beginnings and ends; each has both, one directly after the other where nothing came
/// between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    Begun { thread: u32, call: Call },
    Ended { thread: u32, call: Call },
}

/// Reads what `strace` wrote.
pub fn moments(trace: &str) -> Vec<Moment> {
    let mut running: HashMap<u32, Call> = HashMap::new();
    let mut moments = Vec::new();
    for line in trace.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest): (u32, _) = (thread.parse().unwrap(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        // The process ended while this ran.
        let rest = match rest.strip_suffix(" <detached ...>") {
            Some(resumed) if resumed.starts_with("<... ") => continue,
            Some(begun) => &format!("{begun}{UNFINISHED}"),
            None => rest,
        };
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let more = resumed.split_once(" resumed>").unwrap().1;
            let mut call = running.remove(&thread).unwrap();
            let (arguments, result) = answered(more);
            call.arguments.push_str(arguments);
            call.result = Some(result);
            moments.push(Moment::Ended { thread, call });
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
            moments.push(Moment::Begun { thread, call });
        } else {
            let (arguments, result) = answered(rest);
            let arguments = arguments.to_owned();
            let call = Call {
                name,
                arguments,
                result: None,
            };
            moments.push(Moment::Begun {
                thread,
                call: call.clone(),
            });
            let call = Call {
                result: Some(result),
                ..call
            };
            moments.push(Moment::Ended { thread, call });
        }
    }
    moments
}

/// `…) = 5`, or `…) = -1 ENOENT (…)`, as arguments and result. A call that never answered has failed; of an address
/// only matters that it is none.
fn answered(text: &str) -> (&str, i64) {
    let (arguments, result) = text
        .rsplit_once(") ")
        .unwrap_or_else(|| panic!("no end: {text:.200}"));
    let result = result.trim_start().trim_start_matches("= ");
    let number = result.split_whitespace().next().unwrap_or("?");
    let address = number.starts_with("0x").then_some(0);
    let result = address.or_else(|| number.parse().ok()).unwrap_or(-1);
    (arguments, result)
}

#[test]
fn calls_are_read_that_end_at_once_later_with_an_error_or_never() {
    let trace = r#"7 write(2, "\x68\x69", 2) = 2
7 fsync(3 <unfinished ...>
8  mkdir("\x2f\x61", 0777) = -1 EEXIST (File exists)
7 <... fsync resumed>)             = 0
8 close(3 <detached ...>
8 +++ exited with 0 +++
"#;
    let told: Vec<_> = moments(trace)
        .into_iter()
        .map(|moment| match moment {
            Moment::Begun { thread, call } => (thread, call.name, None),
            Moment::Ended { thread, call } => (thread, call.name, call.result),
        })
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|(thread, name, result)| (*thread, &**name, *result))
        .collect();
    assert_eq!(
        told,
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
    let Moment::Begun { call, .. } = &moments(trace)[0] else {
        panic!("it begins");
    };
    assert_eq!((call.bytes(), call.number(0)), (b"hi".to_vec(), 2));
}
