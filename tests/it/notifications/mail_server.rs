//! A mail server of one connection at a time, which keeps what it is handed.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a connection is told at the end of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is taken.
    Taken,
    /// Not now.
    Later,
    /// Nothing, until the client is gone.
    Never,
}

#[derive(Default)]
struct Desk {
    mails: Vec<String>,
    logins: Vec<String>,
}

/// It listens until the test ends.
pub struct MailServer {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

impl MailServer {
    /// Answers so, one after the other, and then takes everything.
    pub fn start(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::<Mutex<Desk>>::default();
        let kept = desk.clone();
        std::thread::spawn(move || {
            let mut answers = answers.iter().copied();
            for stream in listener.incoming() {
                // A client that was killed breaks its own connection only.
                let _broken = serve(&stream.unwrap(), &kept, &mut answers);
            }
        });
        Self { address, desk }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Each mail, with its head.
    pub fn mails(&self) -> Vec<String> {
        self.desk.lock().unwrap().mails.clone()
    }

    pub fn logins(&self) -> Vec<String> {
        self.desk.lock().unwrap().logins.clone()
    }
}

fn serve(
    stream: &TcpStream,
    desk: &Mutex<Desk>,
    answers: &mut impl Iterator<Item = Answer>,
) -> std::io::Result<()> {
    let mut writing = stream;
    let mut lines = BufReader::new(stream).lines();
    writing.write_all(b"220 localhost ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let command = line.split(' ').next().unwrap_or_default().to_uppercase();
        match command.as_str() {
            "EHLO" => writing.write_all(b"250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n")?,
            "AUTH" => {
                desk.lock().unwrap().logins.push(line);
                writing.write_all(b"235 welcome\r\n")?;
            }
            "DATA" => {
                writing.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                for line in lines.by_ref() {
                    match line? {
                        end if end == "." => break,
                        line => mail.push_str(&format!("{line}\n")),
                    }
                }
                desk.lock().unwrap().mails.push(mail);
                match answers.next().unwrap_or(Answer::Taken) {
                    Answer::Taken => writing.write_all(b"250 taken\r\n")?,
                    Answer::Later => writing.write_all(b"451 later\r\n")?,
                    Answer::Never => {}
                }
            }
            "QUIT" => {
                writing.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => writing.write_all(b"250 fine\r\n")?,
        }
    }
    Ok(())
}
