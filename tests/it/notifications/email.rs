//! E-mail: one for each message, known by its Message-ID.

use super::mail_server::{Answer, MailServer};
use crate::harness::{CommandResult, TestEnv, settings};
use std::fs;

const PASSWORD: &str = "mail-hush";

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

fn run_once(env: &TestEnv, code: i32) -> CommandResult {
    env.run_once(code)
}

fn head(mail: &str, name: &str) -> String {
    let line = mail
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {mail}"))
        .to_owned()
}

#[test]
fn an_e_mail_says_in_its_subject_what_a_run_came_to() {
    let server = MailServer::start(&[]);
    let env = env(&server, false);
    run_once(&env, 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(head(mail, "Subject"), "nightscribe: 2 done, 1 failed");
    assert_eq!(head(mail, "From"), "night@example.org");
    assert_eq!(head(mail, "To"), "Me <me@example.org>, you@example.org");
    assert!(head(mail, "Content-Type").starts_with("text/plain"));
    assert!(mail.contains("no.wav"), "{mail}");
    assert!(mail.contains("unsupported: "), "{mail}");
    assert!(server.logins().is_empty());
    run_once(&env, 0);
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn an_e_mail_that_is_not_taken_now_is_sent_again() {
    let server = MailServer::start(&[Answer::Later]);
    let env = env(&server, false);
    run_once(&env, 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
}

#[test]
fn an_e_mail_under_way_at_a_crash_is_sent_again_under_the_same_id() {
    let server = MailServer::start(&[Answer::Never]);
    let env = env(&server, false);
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("it is sent", |_| server.mails().len() == 1);
    run.signal("KILL");
    run.wait();
    run_once(&env, 0);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let id = head(&mails[0], "Message-ID");
    assert!(id.ends_with("@example.org>"), "{id}");
    assert_eq!(head(&mails[1], "Message-ID"), id);
    assert_eq!(mails[0], mails[1]);
    run_once(&env, 0);
    assert_eq!(server.mails().len(), 2);
}

#[test]
fn the_password_of_a_mail_server_goes_there_and_nowhere_else() {
    let server = MailServer::start(&[]);
    let env = env(&server, true);
    let ended = env.run(&["run", "--once", "-vv"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    // What PLAIN makes of a name and a password, in Base64.
    assert_eq!(server.logins(), ["AUTH PLAIN AG1lAG1haWwtaHVzaA=="]);
    assert_eq!(server.mails().len(), 1);
    assert!(!ended.stderr.contains(PASSWORD));
    for name in env.file_names("state") {
        let content = fs::read(env.path("state").join(name)).unwrap();
        assert!(
            !content
                .windows(PASSWORD.len())
                .any(|part| part == PASSWORD.as_bytes())
        );
    }
}
