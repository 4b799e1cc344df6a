//! Message about transcripts on disk that were taken into the queue.

use crate::cli::terminal::pluralize;

/// Returns the message about `count` transcripts.
pub(super) fn imported(count: u64) -> String {
    let transcripts = pluralize(count, "transcript", "transcripts");
    format!(
        "took over {transcripts} from the output folder that the queue did not know; nothing was paid for"
    )
}
