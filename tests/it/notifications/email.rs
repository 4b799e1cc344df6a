//! The e-mail channel: one mail per message, identified by its Message-ID.

use super::mail_server::{MailServer, Reply};
use crate::harness::{TestEnv, settings};
use nightscribe::runtime::host::host_name;
use std::fs;

const PASSWORD: &str = "mail-secret";

/// Creates an environment with two valid recordings, an invalid one, and an e-mail channel.
fn env(server: &MailServer, login: bool) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 2);
    fs::write(env.path("recordings/no.wav"), "text").unwrap();
    let url = server.url();
    let user = if login {
        "user = 'me'\npassword_file = 'password'\n"
    } else {
        ""
    };
    fs::write(env.path("password"), format!("{PASSWORD}\n")).unwrap();
    env.configure(&format!(
        "[notify.email]\nto = ['Me <me@example.org>', 'you@example.org']\nfrom = 'night@example.org'\nserver = '{url}'\n{user}"
    ));
    env
}

/// Returns the value of a mail header.
fn header(mail: &str, name: &str) -> String {
    let line = mail
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {mail}"))
        .to_owned()
}

#[test]
fn the_subject_has_the_counts_of_the_run() {
    let server = MailServer::start(&[]);
    let env = env(&server, false);
    env.run_once(1);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(
        header(mail, "Subject"),
        format!("nightscribe on {}: 2 done, 1 failed", host_name())
    );
    assert_eq!(header(mail, "MIME-Version"), "1.0");
    assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(mail, "From"), "night@example.org");
    assert_eq!(header(mail, "To"), "Me <me@example.org>, you@example.org");
    assert!(header(mail, "Content-Type").starts_with("text/plain"));
    assert!(mail.contains("no.wav"), "{mail}");
    assert!(mail.contains("unsupported: "), "{mail}");
    assert!(server.logins().is_empty());
    env.run_once(0);
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn an_e_mail_is_retried_after_a_temporary_failure() {
    let server = MailServer::start(&[Reply::TryLater]);
    let env = env(&server, false);
    env.run_once(1);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
}

#[test]
fn an_e_mail_repeated_after_a_crash_keeps_its_id() {
    let server = MailServer::start(&[Reply::Silent]);
    let env = env(&server, false);
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("the mail", |_| server.mails().len() == 1);
    run.signal("KILL");
    run.wait();
    env.run_once(0);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let id = header(&mails[0], "Message-ID");
    assert!(id.ends_with("@example.org>"), "{id}");
    assert_eq!(header(&mails[1], "Message-ID"), id);
    assert_eq!(mails[0], mails[1]);
    env.run_once(0);
    assert_eq!(server.mails().len(), 2);
}

#[test]
fn the_mail_password_reaches_only_the_mail_server() {
    let server = MailServer::start(&[]);
    let env = env(&server, true);
    let result = env.run(&["run", "--once", "-vv"]);
    assert_eq!(result.code, 1, "{}", result.stderr);
    // The user and the password in the PLAIN format, in Base64.
    assert_eq!(server.logins(), ["AUTH PLAIN AG1lAG1haWwtc2VjcmV0"]);
    assert_eq!(server.mails().len(), 1);
    assert!(!result.stderr.contains(PASSWORD));
    for name in env.file_names("state") {
        let content = fs::read(env.path("state").join(name)).unwrap();
        assert!(
            !content
                .windows(PASSWORD.len())
                .any(|part| part == PASSWORD.as_bytes())
        );
    }
}

#[test]
fn a_server_without_the_required_login_is_asked_once() {
    let server = MailServer::without_login();
    let env = env(&server, true);
    let run = env.run_once(1);
    assert!(
        run.stderr
            .contains("No compatible authentication mechanism"),
        "{}",
        run.stderr
    );
    assert_eq!((server.connections(), server.mails().len()), (1, 0));
    assert!(server.logins().is_empty());
}
