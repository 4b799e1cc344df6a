//! A server under test, and requests of which each byte is known.

use crate::harness::{TestEnv, signal};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running `serve`. Dropping it kills the process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Path before every path.
    pub base: String,
}

impl Server {
    /// Starts `serve` on a free port.
    pub fn start(env: &TestEnv) -> Self {
        Self::start_command(&mut env.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Starts a command that prints the address of its first page.
    pub fn start_command(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let rest = line.trim_end().strip_prefix("http://").unwrap();
        let (address, path) = rest.split_once('/').unwrap();
        Self {
            address: address.parse().unwrap(),
            base: format!("/{path}").trim_end_matches('/').to_owned(),
            child,
        }
    }

    /// Sends SIGTERM and returns the exit code.
    pub fn stop(mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code()
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "")
    }

    /// Posts a form.
    pub fn post(&self, path: &str, form: &str) -> Response {
        self.send("POST", path, &[], form)
    }

    /// Sends JSON.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Response {
        let headers = [("Content-Type", "application/json")];
        self.send(method, path, &headers, &body.to_string())
    }

    /// Sends a request with these headers, and with the address as `Host` if they have none.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let stream = self.open(method, path, headers, body);
        Response::read(stream)
    }

    /// Sends a request and returns the connection.
    pub fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let host = ("Host", &*self.address.to_string());
        let has_host = headers.iter().any(|(name, _)| *name == "Host");
        let all = headers.iter().copied().chain((!has_host).then_some(host));
        let lines: String = all
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        // Answers to HTTP/1.0 have no chunks, and end with the connection.
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\n{lines}Content-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The server may have answered and closed.
        let _refused = stream.write_all(body.as_bytes());
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_exited = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    head: String,
    /// Body as text.
    pub body: String,
    /// Body as it came.
    pub bytes: Vec<u8>,
}

impl Response {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A reset may follow the response to a body that was not read.
        let _reset = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{text}"));
        let (head, body) = (head.to_owned(), body.to_owned());
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            bytes: bytes.split_off(head.len() + 4),
            head,
            body,
        }
    }

    /// Returns a header. Empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
