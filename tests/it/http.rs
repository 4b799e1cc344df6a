//! The page in the browser and the interface for programs: `serve`, and `run` with `[http]`.

mod actions;
mod api;
mod client;
mod guard;
mod listen;
mod pages;
mod reading;
mod search;
mod sound;

use crate::harness::{TestEnv, settings};
use std::fs;

/// A name that would be a script if it were not escaped.
const HOSTILE: &str = "<script>alert('x')<&amp;\".wav";

/// Creates an environment in which one recording is transcribed, one has a hostile name and one failed.
fn transcribed() -> TestEnv {
    let env = TestEnv::new(settings());
    env.add_recording("good.wav", 1);
    env.add_recording(HOSTILE, 2);
    fs::write(env.path("recordings/broken.wav"), "no sound").unwrap();
    env.run_once(1);
    env
}

/// Returns the ID of the item of a recording.
fn id_of(env: &TestEnv, name: &str) -> i64 {
    env.item(name)["id"].as_i64().unwrap()
}
