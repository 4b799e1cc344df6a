//! An SMTP server that handles one connection at a time and records the mails.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Reply at the end of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The mail is accepted.
    Accept,
    /// Temporary failure.
    TryLater,
    /// No reply until the client disconnects.
    Silent,
}

#[derive(Default)]
struct Received {
    mails: Vec<String>,
    logins: Vec<String>,
    greetings: usize,
}

/// A server that listens until the process exits.
pub struct MailServer {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl MailServer {
    /// Starts a server that sends these replies in order and then accepts all mails.
    pub fn start(replies: &'static [Reply]) -> Self {
        Self::start_with(
            replies,
            "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
        )
    }

    /// Starts a server that offers no login.
    pub fn without_login() -> Self {
        Self::start_with(&[], "250 localhost\r\n")
    }

    fn start_with(replies: &'static [Reply], greeting: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Received>>::default();
        let shared = received.clone();
        std::thread::spawn(move || {
            let mut replies = replies.iter().copied();
            for stream in listener.incoming() {
                // A killed client breaks only its own connection.
                let _disconnected = serve(&stream.unwrap(), &shared, &mut replies, greeting);
            }
        });
        Self { address, received }
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.received.lock().unwrap().greetings
    }

    /// Returns the mails received so far, including their headers.
    pub fn mails(&self) -> Vec<String> {
        self.received.lock().unwrap().mails.clone()
    }

    /// Returns the AUTH commands received so far.
    pub fn logins(&self) -> Vec<String> {
        self.received.lock().unwrap().logins.clone()
    }
}

fn serve(
    stream: &TcpStream,
    received: &Mutex<Received>,
    replies: &mut impl Iterator<Item = Reply>,
    greeting: &str,
) -> std::io::Result<()> {
    let mut writer = stream;
    let mut lines = BufReader::new(stream).lines();
    writer.write_all(b"220 localhost ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let command = line.split(' ').next().unwrap_or_default().to_uppercase();
        match command.as_str() {
            "EHLO" => {
                received.lock().unwrap().greetings += 1;
                writer.write_all(greeting.as_bytes())?;
            }
            "AUTH" => {
                received.lock().unwrap().logins.push(line);
                writer.write_all(b"235 welcome\r\n")?;
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                for line in lines.by_ref() {
                    match line? {
                        end if end == "." => break,
                        line => mail.push_str(&format!("{line}\n")),
                    }
                }
                received.lock().unwrap().mails.push(mail);
                match replies.next().unwrap_or(Reply::Accept) {
                    Reply::Accept => writer.write_all(b"250 accepted\r\n")?,
                    Reply::TryLater => writer.write_all(b"451 later\r\n")?,
                    Reply::Silent => {}
                }
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => writer.write_all(b"250 fine\r\n")?,
        }
    }
    Ok(())
}
