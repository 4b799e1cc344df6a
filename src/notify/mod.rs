//! Notification messages and their channels. The pipeline decides when to send a message and handles retries.
//!
//! - [`notification`]: messages as data and as JSON
//! - [`text`]: messages as e-mail text
//! - [`message`]: a message as channels send it
//! - [`channels`]: the configured channels
//! - [`command`], [`webhook`], [`email`]: the single channels

pub mod channels;
pub mod command;
pub mod email;
pub mod message;
pub mod notification;
pub mod text;
pub mod webhook;

pub use crate::notify::notification::Notification;
pub use channels::Channels;
pub use message::{DeliveryError, Message};
