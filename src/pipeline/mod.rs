//! One run: the stages that turn recordings into transcripts, and what they share.
//!
//! - [`runner`]: one run, from the lock to the last commit; [`run`](mod@run): its settings and result; `assembly`: its parts
//! - [`stages`]: discover → submit → poll → save, recovery, hooks and notifications
//! - [`journal`]: durable writes, each retried until the database takes it, and the events that follow
//! - [`lane`]: the lane to one provider, with [`admission`], [`submit_rate`], [`budget`] and [`withdrawn_models`]
//! - [`signals`]: stop requests and wake-ups
//! - [`archive`]: transcripts on disk that the queue does not know
//! - [`reach`]: sources that may be submitted from; [`excluded`]: recordings outside the limits of their source
//! - [`source_holds`]: sources that look paid for; `dedup`: equal content is submitted once
//! - `received`: the receipt of a result; [`result_cache`]: results just received, kept until they are saved
//! - [`finish`]: the decision whether a run is finished
//! - [`monitor`]: the monitor of the database and the free disk space
//! - [`stored_transcript`]: transcripts read from stored results
//! - [`search_backlog`]: transcripts that the search index does not have yet
//! - `background`: hooks, notifications and the search backlog, which outlast the stages; [`messages`]: notifications about holds
//! - [`event`]: the events that a run reports to its observers; [`tally`]: counters kept from them
//! - [`write_failures`]: the time for which output files could not be written
//! - [`probe_durations`]: durations of queued recordings; [`lengths`]: those that only ffprobe can tell
//! - [`sound_copies`]: copies of the sound tracks of videos, which are sent in their place
//! - [`optional_tool`]: a program that is used if it is installed
//! - [`lock`]: one runner per state folder; `path_lock`: the same if the folder is replaced
//!
//! To follow one recording, read `stages` from the top: `submit/mod.rs` lists the steps until its generation is polled, `poll`
//! those until its result is stored (`received`), and `save/mod.rs` those until its files are written.

pub mod admission;
mod ages;
pub mod archive;
mod assembly;
mod background;
pub mod budget;
mod dedup;
pub mod event;
pub mod excluded;
pub mod finish;
pub mod journal;
pub mod lane;
pub mod lengths;
pub mod lock;
pub mod messages;
pub mod monitor;
pub mod optional_tool;
mod path_lock;
pub mod probe_durations;
pub mod reach;
mod received;
pub mod result_cache;
pub mod run;
pub mod runner;
pub mod search_backlog;
pub mod signals;
pub mod sound_copies;
pub mod source_holds;
pub mod stages;
pub mod stored_transcript;
pub mod submit_rate;
pub mod tally;
pub mod withdrawn_models;
pub mod write_failures;

pub use crate::runtime::clock::{Clock, SystemClock};
pub use event::{Observer, RunEvent};
pub use lock::Lock;
pub use run::{Mode, Reload, RunError, Setup, Summary};
pub use runner::{run, run_locked};
