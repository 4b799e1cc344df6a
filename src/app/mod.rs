//! Use cases. They return plain serialisable values, which the command line prints and a web page could show.
//!
//! - [`session`]: configuration and queue of one use case; [`error`]: their errors
//! - [`status`]: status of the queue

pub mod error;
pub mod session;
pub mod status;

pub use error::AppError;
pub use session::Session;
