//! Notification messages and their channels. The pipeline decides when to send a message and handles retries.
//!
//! - [`notification`]: messages as data and as JSON
//! - [`text`]: messages for people
//! - [`message`]: a message as channels send it
//! - [`channels`]: the configured channels
//! - [`command`], [`webhook`], [`email`]: the single channels
//! - [`webhook_body`]: bodies for each receiver; [`webhook_secret`]: their signatures
//! - [`healthcheck`]: pings to a monitor of scheduled jobs

pub mod channels;
pub mod command;
pub mod email;
pub mod healthcheck;
pub mod message;
pub mod notification;
pub mod text;
pub mod webhook;
pub mod webhook_body;
pub mod webhook_secret;

pub use crate::notify::notification::Notification;
pub use channels::Channels;
pub use message::{DeliveryError, Message};
