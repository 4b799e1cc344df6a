//! A pseudo-terminal, in which a command believes that a person watches.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A command on a terminal of its own. Dropping it kills the process.
pub struct TerminalCommand {
    child: Child,
    terminal: File,
    output: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl TerminalCommand {
    /// Starts a command on a terminal of this size in columns and lines.
    pub fn start(command: &mut Command, columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let open = || {
            let path = Path::new(name.to_str().unwrap());
            let mut options = File::options();
            options.read(true).write(true).open(path).unwrap()
        };
        let terminal = File::from(terminal);
        resize(&terminal, columns, rows);
        command.env("TERM", "xterm-256color");
        command.stdin(open()).stdout(open()).stderr(open());
        // Signals of the tests concern only the command.
        let child = command.process_group(0).spawn().unwrap();
        // The command keeps the only descriptors, so that reading ends with it.
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let output = Arc::new(Mutex::new(Vec::new()));
        let (mut source, target) = (terminal.try_clone().unwrap(), output.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = source.read(&mut buffer) {
                target.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self {
            child,
            terminal,
            output,
            reader: Some(reader),
        }
    }

    /// Changes the size of the terminal, and tells the command.
    pub fn resize(&self, columns: u16, rows: u16) {
        resize(&self.terminal, columns, rows);
        crate::harness::signal(&self.child, "WINCH");
    }

    /// Types text.
    pub fn type_text(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// Returns what the command has written so far, with its escape sequences.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// Forgets what the command has written so far.
    pub fn clear(&self) {
        self.output.lock().unwrap().clear();
    }

    /// Waits until the command has written a text.
    ///
    /// # Panics
    ///
    /// If it has not written it after 30 seconds.
    pub fn wait_for(&self, text: &str) {
        for _ in 0..3000 {
            if self.output().contains(text) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("`{text}` is not in {:?}", self.output());
    }

    /// Waits for the command to exit. Returns its exit code and all that it has written.
    pub fn wait(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.reader.take().unwrap().join().unwrap();
        (code, self.output())
    }
}

impl Drop for TerminalCommand {
    fn drop(&mut self) {
        let _already_exited = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn resize(terminal: &File, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}
