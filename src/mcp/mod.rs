//! Server of the Model Context Protocol (MCP) over standard input and output, over the use cases of [`crate::app`].
//!
//! Whatever a tool cannot do, such as a query with a mistake or an item that does not exist, is a result with `isError` and the
//! reason as its text. An unknown tool is an error of the protocol.
//!
//! - [`server`]: the server and its connection
//! - `tools`: state that all tools share, and their answers
//! - `transcripts`: the tools `search` and `read_passage`
//! - `queue`: the tools `list`, `show` and `status`
//! - `actions`: the tools `retry`, `cancel`, `pause` and `resume`

mod actions;
mod queue;
pub mod server;
mod tools;
mod transcripts;

pub use server::{McpError, serve};
