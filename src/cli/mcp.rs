//! `nightscribe mcp`

use super::args::McpArgs;
use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use crate::app::session::Session;
use crate::mcp::{self, McpError};

pub(super) async fn mcp(session: Session, args: &McpArgs) -> Result<Exit, CommandError> {
    let stop = stop_on_signal(|| ())?;
    mcp::serve(session, args.allow_actions, stop).await?;
    Ok(Exit::Done)
}

impl From<McpError> for CommandError {
    fn from(error: McpError) -> Self {
        let exit = match error {
            McpError::Client(_) => Exit::Usage,
            McpError::Ended(_) => Exit::Internal,
        };
        Self::from_error(exit, &error)
    }
}
