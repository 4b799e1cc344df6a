//! The configuration file and its values.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use std::fs;

const STATUS: &[&str] = &["status"];

const fn status() -> WrongUse {
    wrong(STATUS, 2)
}

fn write(env: &TestEnv, text: impl AsRef<[u8]>) {
    fs::write(env.path("nightscribe.toml"), text).unwrap();
}

pub const ROWS: &[WrongUse] = &[
    wrong(&["--config", "nowhere.toml", "status"], 2),
    wrong(&["--config", "recordings", "status"], 2),
    wrong(&["--config", "", "status"], 2),
    wrong(&["--config", "recordings/0.wav", "status"], 2),
    wrong(&["--config", "/dev/null/x", "status"], 2),
    status().variables(&[("NIGHTSCRIBE_CONFIG", "nowhere.toml")]),
    status().given("no configuration file", |env| {
        fs::remove_file(env.path("nightscribe.toml")).unwrap();
    }),
    status().given("a file that is not TOML", |env| write(env, "source: talks\n")),
    status().given("a file that is not UTF-8", |env| write(env, b"name = '\xff'\n")),
    status().given("a file of 100 MB", |env| {
        let file = fs::File::create(env.path("nightscribe.toml")).unwrap();
        file.set_len(100 << 20).unwrap();
    }),
    status().given("a key twice", |env| {
        write(env, "[api]\nflow = 'legacy'\nflow = 'legacy'\n");
    }),
    status().config("[limit]\nmax_uploads = 2"),
    status().config("[api.limits]\nmax_uploads = 2"),
    status().config("[media]\nffprob = 'never'"),
    status().config("[media]\nffprobe = false"),
    status().config("[state]\ndir = ''"),
    status().config("[state]\ndir = '~nobody/state'"),
    status().config("[budget]\nhours_per_run = -1"),
    status().config("[budget]\nhours_per_week = 10"),
    status().config("[budget]\ncost_per_day = '10 USD'"),
    wrong(&["run", "--once"], 2).config("[budget]\ncost_per_day = 10"),
    status().config("[prices]\ncurrency = 'USD'\nnova-2-general = -1"),
    status().config("active_hours = '22-6'"),
    status().config("active_hours = '22:00-22:00'"),
    status().config("active_hours = 'someday 22:00-06:00'"),
    status().config("[search]\nplayer = 'mpv'"),
    status().config("[search]\nplayer = ['mpv', '{fil}']"),
    status().config("[hooks]\non_done = ['index', '{text}']"),
    status().config("[hooks]\non_done = []"),
    status().config("[hooks]\ntimeout = '0s'"),
    status().config("[notify]\nwebhook = 'example.org'"),
    status().config("[notify]\nwebhook = 'ftp://example.org'"),
    status().config("[notify]\nwebhook_format = 'teams'"),
    status().config("[notify]\nwebhook_secret = 'whsec_abc'"),
    status().config("[notify.email]\nto = 'me'\nfrom = 'me@example.org'\nserver = 'smtps://mail.example.org'"),
    status().config("[notify.email]\nto = 'me@example.org'\nfrom = 'me@example.org'\nserver = 'mail.example.org'"),
    status().config("[notify.email]\nto = 'me@example.org'"),
    status().config("[http]\nlisten = 8080"),
    status().config("[http]\nbase_path = 'nightscribe/'"),
    status().config("[[source]]\nname = 'talks'"),
    status().config("[[source]]\npath = 'recordings'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\n[[source]]\nname = 'talks'\npath = 'more'"),
    status().config("[[source]]\nname = 'a/b'\npath = 'recordings'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nmodel = 'nova-22'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\noptions = { diarise = true }"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\noptions = { diarize = 'yes' }"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\ninclude = '*.mp3'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nmin_duration = '2h'\nmax_duration = '1h'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nmax_file_size = 'big'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = 30"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nvocabulary = 'words.txt'"),
    status().config("[[source]]\nname = 'talks'\npath = 'recordings'\nreplace = { '/(/' = 'x' }"),
    status().variables(&[("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "many")]),
    status().variables(&[("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "100")]),
    status().variables(&[("NIGHTSCRIBE__LIMITS__MAX_UPLOAD", "4")]),
    status().variables(&[("NIGHTSCRIBE__OUTPUT__FORMATS", "txt,doc")]),
    status().variables(&[("NIGHTSCRIBE__OUTPUT__NAME", "{date}")]),
    status().variables(&[("NIGHTSCRIBE__OUTPUT__LAYOUT", "flat")]),
    status().variables(&[("NIGHTSCRIBE__RETRY__UNCERTAIN", "ask")]),
    status().variables(&[("NIGHTSCRIBE__RETRY__MAX_ATTEMPTS", "0")]),
    status().variables(&[("NIGHTSCRIBE__POLLING__INTERVAL", "10")]),
    status().variables(&[("NIGHTSCRIBE__API__RETENTION", "1 hour and a bit")]),
    status().variables(&[("NIGHTSCRIBE__API__FLOW", "one-step")]),
    status().variables(&[("NIGHTSCRIBE__API__BASE_URL", "api.aimlapi.com")]),
    status().variables(&[("NIGHTSCRIBE__API__BASE_URL", "file:///v1")]),
    status().variables(&[("NIGHTSCRIBE__API__KEY", "sk-secret")]),
    status().variables(&[("NIGHTSCRIBE__OUTPUT__SUBTITLES", "bbcc")]),
    wrong(&["add", "--source", "tals", "recordings/0.wav"], 2),
    wrong(&["check"], 2)
        .config("[limit]\nmax_uploads = 2")
        .with_result(),
    wrong(&["init"], 2),
    wrong(&["init", "recordings"], 2),
    wrong(&["init", "notes.txt/x.toml"], 2),
    wrong(&["init", "--force", "/dev/full"], 2),
];
