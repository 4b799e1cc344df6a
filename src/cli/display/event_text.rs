//! Messages about events that all displays share.

use crate::cli::terminal::pluralize;

/// Message that a file system rejected a name.
pub(super) const NAME_REJECTED: &str = "the file system rejects this name, so it is written in portable form; `output.names = \"portable\"` does so for all names";

/// Returns the message about `count` transcripts on disk that were taken into the queue.
pub(super) fn imported(count: u64) -> String {
    let transcripts = pluralize(count, "transcript", "transcripts");
    format!(
        "took over {transcripts} from the output folder that the queue did not know; nothing was paid for"
    )
}
