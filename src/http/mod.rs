//! The page in the browser and the interface for programs, over the use cases of [`crate::app`].
//!
//! - [`server`]: listening, connections and the stop
//! - `router`: the routes and the layers around them
//! - `site`: state that all routes share
//! - `guard`: hosts, origins, token, login attempts and headers
//! - `pages`: pages for the browser, rendered on the server
//! - `api`: interface for programs, below `/api/v1`
//! - `failure`: statuses of failures; `transcript_file`: transcripts as files
//! - `sound`: recordings for players; `byte_range`: the parts that they ask for
//! - `item_id`: the ID of an item in a path
//! - `changes`: changes of the queue, which pages and programs are told; `watch`: the task that finds them
//! - `kept`: values that take long to load, kept for a while
//! - `metrics`: metrics for Prometheus
//! - `health`: `/healthz` and `/readyz`
//! - `assets`: stylesheet, script and icon

mod api;
mod assets;
mod byte_range;
mod changes;
mod failure;
mod guard;
mod health;
mod item_id;
mod kept;
mod metrics;
mod pages;
mod router;
pub mod server;
mod site;
mod sound;
mod transcript_file;
mod watch;

pub use server::{DEFAULT_LISTEN, ServeError, Server};
pub use sound::sound_response;
