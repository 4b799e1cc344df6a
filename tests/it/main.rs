//! Integration tests against the real binary, the real database file and the HTTP sandbox.
#![allow(clippy::unwrap_used, reason = "tests may panic")]
#![allow(missing_docs, reason = "test names describe the tests")]
#![allow(unreachable_pub, reason = "all tests form one binary")]

mod answers;
mod architecture;
mod archive;
mod budget;
mod check;
mod cli;
mod client;
mod configuration;
#[cfg(feature = "crash-points")]
mod crash_matrix;
mod dependencies;
mod disks;
mod displays;
mod edited_transcripts;
mod events;
mod exactly_once;
mod file_names;
mod folder_rules;
#[cfg(target_os = "linux")]
mod folder_watch;
mod forecast;
mod harness;
mod hooks;
mod hostile;
mod hours;
mod http;
mod items;
mod journal;
mod json_schemas;
mod lengths;
mod live;
mod local_time;
mod looks_paid;
mod low_quality;
mod mcp;
mod models;
mod network;
mod notifications;
mod open;
mod os_faults;
mod packaging;
mod pipeline;
mod plan;
#[cfg(target_os = "linux")]
mod polling;
mod power_loss;
mod quiet;
mod refusals;
mod reload;
mod rendering;
mod same_sound;
mod sandbox;
mod scale;
mod schema_check;
mod search;
mod selection;
mod service;
mod sick_models;
mod simulation;
mod soak;
mod sound_copies;
mod spoken;
mod state_folder;
mod stop;
mod store;
mod submit_rate;
mod terminal;
mod transcribe;
mod vendor_client;
mod wrong_uses;
