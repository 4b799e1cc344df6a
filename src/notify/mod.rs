//! What a person is told, and the ways it takes. Which messages there are, when they leave and what becomes of them is
//! the pipeline's business.
//!
//! - [`message`]: what is said, as data and as JSON
//! - [`text`]: the same for reading
//! - [`channels`]: the ways that are set
//! - [`command`], [`webhook`], [`email`]: each of them
//! - [`program`]: a program, run without a shell and ended in time

pub mod channels;
pub mod command;
pub mod email;
pub mod message;
pub mod program;
pub mod text;
pub mod webhook;

pub use channels::{Channels, Letter, NotSent};
pub use message::Message;
