//! Many changes by one statement: which may stand in it together, and how it gets them.

use super::error::StoreError;
use super::writer::Replies;
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::{Executor, SqliteConnection};

/// The places of changes in rounds in which no two clash, the first ones first.
pub(super) fn rounds<C>(changes: &[C], clash: impl Fn(&C, &C) -> bool) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let free =
            |round: &&mut Vec<usize>| !round.iter().any(|&other| clash(change, &changes[other]));
        match rounds.iter_mut().find(free) {
            Some(round) => round.push(place),
            None => rounds.push(vec![place]),
        }
    }
    rounds
}

/// The text that `jsonb_each` reads as rows, each a tuple. A string in it must hold no NUL, at which SQLite would cut it.
pub(super) fn rows(rows: impl IntoIterator<Item = impl Serialize>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    serde_json::to_string(&rows).expect("plain data is always JSON")
}

/// Changes of one kind to a job each, made by one text over their rows (`?1`). Whatever it changes, it changes the job
/// last, as the guard looks at that: all guards held if this changed as many rows as there are changes. If not all of
/// several did, nobody knows whose, and the round fails; each is then made by itself.
pub(super) async fn guarded_each(
    text: &'static str,
    changes: impl ExactSizeIterator<Item = impl Serialize>,
    blob: &[u8],
    connection: &mut SqliteConnection,
) -> Result<Replies<()>, StoreError> {
    let expected = changes.len();
    let text = sqlx::query(text).bind(rows(changes)).bind(blob);
    let mut statements = connection.fetch_many(text);
    let mut changed = 0;
    while let Some(statement) = statements.try_next().await? {
        changed = statement.left().map_or(0, |done| done.rows_affected());
    }
    if changed == expected as u64 {
        Ok((0..expected).map(|_| Ok(())).collect())
    } else if expected == 1 {
        Ok(vec![Err(StoreError::Stale)])
    } else {
        Err(StoreError::Stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clashes_stands_in_different_rounds_and_nothing_is_left_out() {
        let same_last_digit = |a: &u32, b: &u32| a % 10 == b % 10;
        let rounds = rounds(&[1, 2, 11, 3, 21, 2], same_last_digit);
        assert_eq!(rounds, [vec![0, 1, 3], vec![2, 5], vec![4]]);
    }
}
