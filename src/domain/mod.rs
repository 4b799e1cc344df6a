//! Plain data and the state machine of a job. This module does no I/O and uses no clock and no threads.
//!
//! - [`time`]: UTC timestamps in milliseconds; [`local_time`]: times of day for people
//! - [`id`]: newtypes for identifiers
//! - [`recording`]: a recording, with its location and revision; [`job`]: its transcription; [`attempt`]: a submission of it
//! - [`recording_identity`]: equality of recordings, by their bytes or by their sound
//! - [`state`]: the states of a job; [`transition`]: its state machine
//! - [`request`]: model and options of a submission; [`model_name`]: spellings of a model; [`api_mode`]: how the service
//!   takes it
//! - [`language`]: languages, as services and media servers name them
//! - [`transcript`]: a transcript, independent of the model; [`extras`]: what else a result contains
//! - [`warning`]: warnings about finished transcripts; [`quality`]: figures by which they are judged
//! - [`failure`]: failure classes, with advice; [`hold`]: reasons to suspend submissions
//! - [`item_selector`]: selection of items on the command line
//! - [`problem`]: problems of a run that need a person
//! - [`on_uncertain`]: what is done with a submission that stays uncertain
//! - [`paid_mark`]: marks of queued jobs whose recording may be paid for already
//! - [`price`]: prices of the models
//! - [`awaited`]: results that a stopped run leaves at the service
//! - [`container`]: file types that the service accepts; [`file_content`]: a small recording, held in memory
//! - [`file_name`]: template for the names of output files; [`format`](mod@format): output formats
//! - [`rendering`]: settings of the formats, and rules for names and text
//! - [`speaker`]: speakers; [`speaker_names`]: their names; [`replacements`]: replacements in the text
//! - [`script`]: scripts without spaces between words; [`search`]: search in transcripts
//! - [`written_file`]: output files, and how their content is recognised
//! - [`channel`]: notification channels; [`hook_argument`], [`player_argument`]: arguments of a hook and of the player, with
//!   a [`placeholder`]
//! - [`control_chars`]: control characters in text; [`one_line`](mod@one_line): foreign text as one line
//! - [`readable_path`](mod@readable_path): paths as text that tells them apart
//! - [`did_you_mean`]: suggestions for mistyped names

pub mod api_mode;
pub mod attempt;
pub mod awaited;
pub mod channel;
pub mod container;
pub mod control_chars;
pub mod did_you_mean;
pub mod extras;
pub mod failure;
pub mod file_content;
pub mod file_name;
pub mod format;
pub mod hold;
pub mod hook_argument;
pub mod id;
pub mod item_selector;
pub mod job;
pub mod language;
mod language_codes;
pub mod local_time;
pub mod model_name;
pub mod on_uncertain;
pub mod one_line;
pub mod paid_mark;
pub mod placeholder;
pub mod player_argument;
pub mod price;
pub mod problem;
pub mod quality;
pub mod readable_path;
pub mod recording;
pub mod recording_identity;
pub mod rendering;
pub mod replacements;
pub mod request;
pub mod script;
pub mod search;
pub mod speaker;
pub mod speaker_names;
pub mod state;
pub mod time;
pub mod transcript;
pub mod transition;
pub mod warning;
pub mod written_file;

pub use crate::domain::api_mode::ApiMode;
pub use crate::domain::control_chars::is_control_char;
pub use crate::domain::file_content::FileContent;
pub use crate::domain::hook_argument::HookArgument;
pub use attempt::Attempt;
pub use awaited::AwaitedResults;
pub use channel::NotifyChannel;
pub use failure::{ErrorClass, Failure};
pub use file_name::FileNameTemplate;
pub use format::Format;
pub use hold::{Hold, HoldKind};
pub use id::{AttemptId, GenerationId, JobId, RecordingId, RunId};
pub use job::Job;
pub use language::Language;
pub use one_line::one_line;
pub use paid_mark::PaidMark;
pub use price::{Price, PriceTable};
pub use problem::Problem;
pub use recording::{Location, Recording, Revision};
pub use recording_identity::{RecordingHash, RecordingIdentity, SoundKey};
pub use request::Request;
pub use state::JobState;
pub use time::Timestamp;
pub use transcript::Transcript;
pub use warning::Warning;
pub use written_file::{ContentHash, FileRecord, KeptFile, WrittenFile};
