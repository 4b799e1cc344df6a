//! Batching: many changes by one statement.

use crate::store::error::StoreError;
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::{Executor, SqliteConnection};

/// Results of several changes, in their order. A failed guard fails only its own change.
pub(crate) type Replies<R> = Vec<Result<R, StoreError>>;

/// Splits changes into batches without conflicts. Returns the indices of each batch.
pub(crate) fn split_into_batches<C>(
    changes: &[C],
    conflict: impl Fn(&C, &C) -> bool,
) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let fits =
            |round: &&mut Vec<usize>| !round.iter().any(|&other| conflict(change, &changes[other]));
        match rounds.iter_mut().find(fits) {
            Some(round) => round.push(index),
            None => rounds.push(vec![index]),
        }
    }
    rounds
}

/// Encodes tuples as rows for `jsonb_each`.
///
/// A string must not contain a NUL, where SQLite would cut it.
pub(crate) fn json_rows(rows: impl IntoIterator<Item = impl Serialize>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    serde_json::to_string(&rows).expect("plain data is always JSON")
}

/// Applies changes of one kind, each to a job, by one SQL text over their rows (`?1`) and `blob` (`?2`).
///
/// The last statement of the text must update the jobs, because its row count is checked. All guards held if it
/// equals the number of changes. Otherwise the batch fails, since the count does not tell which guard failed;
/// each change is then applied alone.
pub(crate) async fn apply_guarded(
    text: &'static str,
    changes: impl ExactSizeIterator<Item = impl Serialize>,
    blob: &[u8],
    connection: &mut SqliteConnection,
) -> Result<Replies<()>, StoreError> {
    let expected = changes.len();
    let changed = execute_rows(text, changes, blob, connection).await?;
    if changed == expected as u64 {
        Ok((0..expected).map(|_| Ok(())).collect())
    } else if expected == 1 {
        Ok(vec![Err(StoreError::Stale)])
    } else {
        Err(StoreError::Stale)
    }
}

/// Runs the statements of one SQL text over rows (`?1`) and `blob` (`?2`). Returns the number of rows that the last one changed.
pub(crate) async fn execute_rows(
    text: &'static str,
    rows: impl IntoIterator<Item = impl Serialize>,
    blob: &[u8],
    connection: &mut SqliteConnection,
) -> Result<u64, StoreError> {
    let text = sqlx::query(text).bind(json_rows(rows)).bind(blob);
    let mut statements = connection.fetch_many(text);
    let mut changed = 0;
    while let Some(statement) = statements.try_next().await? {
        changed = statement.left().map_or(0, |done| done.rows_affected());
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicting_changes_go_into_different_batches() {
        let same_last_digit = |a: &u32, b: &u32| a % 10 == b % 10;
        let rounds = split_into_batches(&[1, 2, 11, 3, 21, 2], same_last_digit);
        assert_eq!(rounds, [vec![0, 1, 3], vec![2, 5], vec![4]]);
    }
}
