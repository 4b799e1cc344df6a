//! Use cases. They return plain serialisable values, which the command line prints and a web page could show.
//!
//! - [`session`]: configuration and queue of one use case; [`error`]: their errors; [`request_error`]: those of programs
//! - [`mod@status`]: status of the queue
//! - [`live`]: live snapshot of the queue
//! - [`items`]: items with their attempts and hooks; [`items_page`]: one page of them; [`mod@item_list`]: a page as programs read it
//! - [`progress`]: the time left, as all of them show it; [`run_progress`]: progress of the active run
//! - [`wait_reason`]: the reasons that items wait; [`wait_text`]: their sentences
//! - [`mod@plan`]: what a run would submit; [`mod@scan`]: scan of all sources
//! - [`budget_use`]: what is spent of the budget; [`timeline`]: the last day in numbers
//! - [`billing`]: billed audio and its cost; [`mod@reconcile`]: comparison with the service's list of charges
//! - `charges`: charges that the service lists
//! - [`prices`]: prices of the models; [`mod@catalogue`]: models of the service
//! - [`doctor`]: checks of all prerequisites; [`duration_text`]: durations as text
//! - [`mod@search`]: search in transcripts; [`reading`]: a transcript to read along; [`passage`]: a part of one;
//!   [`stored_transcript`]: one in any format; [`spoken_text`]: the words of one speaker in it
//! - [`open`]: a transcript to open, and the program that shows it
//! - [`transcribe`]: transcripts of single recordings and folders, without a configuration file
//! - [`actions`]: actions of the operator on the queue

pub mod actions;
pub mod billing;
pub mod budget_use;
pub mod catalogue;
mod charges;
pub mod doctor;
pub mod duration_text;
pub mod error;
pub mod item_list;
pub mod items;
pub mod items_page;
pub mod live;
pub mod open;
pub mod passage;
pub mod plan;
mod plan_budget;
pub mod prices;
pub mod progress;
pub mod quality;
pub mod reading;
pub mod reconcile;
pub mod request_error;
pub mod run_progress;
pub mod scan;
pub mod search;
pub mod select;
pub mod session;
pub mod spoken_text;
pub mod status;
pub mod stored_transcript;
pub mod timeline;
pub mod transcribe;
pub mod wait_reason;
pub mod wait_text;

pub use error::AppError;
pub use session::Session;
