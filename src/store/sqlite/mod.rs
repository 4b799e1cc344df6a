//! The queue in SQLite. All SQL is here, with one function for each statement.
//!
//! - [`open`]: opening, pragmas, migrations, refusal of foreign files
//! - `writer`: the only writer, with group commit. `batch` makes one statement of many changes
//! - `integrity`: search for damage
//! - [`recordings`], `scan_insert`, `scan_diff`: recordings that a scan found
//! - [`rules`]: folder rules
//! - [`durations`]: durations of queued recordings
//! - [`queue`]: queries of the pipeline stages
//! - [`claims`]: transitions out of `queued`
//! - [`transitions`]: transitions of a claimed job
//! - [`uncertain`]: uncertain submissions
//! - [`duplicates`]: deduplication by content
//! - [`import`](mod@import): results of transcripts on disk
//! - [`recovery`]: start and end of a run
//! - [`results`]: stored results; [`outputs`]: the files written from them
//! - [`unusable`]: answers that could not be used; [`warnings`]: warnings about finished transcripts;
//!   [`quality`]: their figures; [`low_quality`]: retries of those of low confidence
//! - [`speaker_names`]: names of speakers
//! - [`search`]: search in transcripts, by a `search_expression`; [`search_index`]: the index of their words
//! - [`hooks`]: programs run for each transcript
//! - [`outbox_message`], [`outbox`]: notifications until their delivery
//! - [`holds`]: holds of all sources; [`source_holds`]: holds of single sources, whose recordings look paid for; `held`: their condition
//! - [`operator`]: operator commands (retry, cancel)
//! - `tick`: snapshot taken every second
//! - [`timeline`]: numbers of the last day; [`request_totals`]: totals of all submissions
//! - [`tripped_models`]: models that fail
//! - `priorities`: priorities of queued jobs
//! - [`activity`]: queries of the live view; [`progress`]: progress of a run
//! - [`items`]: items for `list` and `show`; [`item_order`]: their orders; [`attempts`]: their submissions
//! - [`overview`]: figures for `status`
//! - [`summary`]: summary of a period
//! - [`billing`], [`spending`]: billing, recent submissions, prices
//! - [`budget`], [`excluded`]: jobs that wait for the budget, and jobs outside the limits of their source
//! - [`service_lists`]: lists of the service, as last fetched
//! - `row`: conversion of columns to types

pub mod activity;
pub mod attempts;
pub(crate) mod batch;
pub mod billing;
pub mod budget;
pub mod claims;
pub mod duplicates;
pub mod durations;
pub mod excluded;
pub(crate) mod held;
pub mod holds;
pub mod hooks;
pub mod import;
pub(crate) mod integrity;
pub mod item_order;
pub mod items;
pub mod low_quality;
mod migrations;
pub mod open;
pub mod operator;
pub mod outbox;
pub mod outbox_message;
pub mod outputs;
pub mod overview;
pub(crate) mod priorities;
pub mod progress;
pub mod quality;
pub mod queue;
pub mod recordings;
pub mod recovery;
pub mod request_totals;
pub mod results;
pub(crate) mod row;
pub mod rules;
pub(crate) mod scan_diff;
pub(crate) mod scan_insert;
pub mod search;
mod search_expression;
pub mod search_index;
pub mod selection;
pub mod service_lists;
pub mod source_holds;
pub mod speaker_names;
pub mod spending;
pub mod summary;
pub(crate) mod tick;
pub mod timeline;
pub mod transitions;
pub mod tripped_models;
pub mod uncertain;
pub mod unusable;
pub mod warnings;
pub(crate) mod writer;
