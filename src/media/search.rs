//! Search for the first and the last sound in a file. Video lies between the packets of sound, and may go on after them.

use super::input::Input;
use std::io;

/// Bounds of the bytes read at a time.
const MIN_WINDOW: u64 = 64 * 1024;
const MAX_WINDOW: u64 = 2 * 1024 * 1024;
/// Part of the allowance that the search from the start, and the one from the end, may take.
const SHARE: u64 = 4;
/// Part of the allowance that one step of the bisection takes. A large file takes a dozen steps.
const STEPS: u64 = 14;

/// Returns what `find` finds in the first window that has something. `find` gets the bytes and their offset.
pub(super) fn first_in<T>(
    input: &mut Input<'_>,
    start: u64,
    mut find: impl FnMut(&[u8], u64) -> Option<T>,
) -> io::Result<Option<T>> {
    let (mut at, mut window) = (start, MIN_WINDOW);
    let limit = start + input.allowance() / SHARE;
    while at < limit.min(input.len()) {
        let bytes = input.read_at(at, window as usize)?;
        if let Some(found) = find(&bytes, at) {
            return Ok(Some(found));
        }
        at += window;
        window *= 2;
    }
    Ok(None)
}

/// Returns what `find` finds in the last window between `start` and `end` that has something. `find` gets the bytes and
/// their offset.
///
/// Searches backwards from the end at first, then by bisection: sound ends once.
pub(super) fn last_in<T>(
    input: &mut Input<'_>,
    start: u64,
    end: u64,
    mut find: impl FnMut(&[u8], u64) -> Option<T>,
) -> io::Result<Option<T>> {
    let (mut after, mut window) = (end, MIN_WINDOW);
    let limit = end.saturating_sub(input.allowance() / SHARE).max(start);
    while after > limit {
        let at = after.saturating_sub(window).max(start);
        let bytes = input.read_at(at, (after - at) as usize)?;
        if let Some(found) = find(&bytes, at) {
            return Ok(Some(found));
        }
        (after, window) = (at, window * 2);
    }
    let window = (input.allowance() / STEPS).clamp(MIN_WINDOW, MAX_WINDOW);
    let (mut before, mut last) = (start, None);
    while after - before > window / 2 {
        let at = before.midpoint(after);
        let bytes = input.read_at(at, window as usize)?;
        match find(&bytes, at) {
            Some(found) => (before, last) = (at, Some(found)),
            None => after = at,
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const STEP: usize = 10_000;

    fn marks(end: usize) -> Vec<u8> {
        let mut bytes = vec![0; 5_000_000];
        bytes[..end]
            .iter_mut()
            .step_by(STEP)
            .for_each(|byte| *byte = 1);
        bytes
    }

    fn last_mark(bytes: &[u8]) -> Option<u64> {
        let mut source = Cursor::new(bytes);
        let mut input = Input::new(&mut source, bytes.len() as u64);
        let last = |bytes: &[u8], at| Some(at + bytes.iter().rposition(|byte| *byte == 1)? as u64);
        last_in(&mut input, 0, bytes.len() as u64, last).unwrap()
    }

    #[test]
    fn the_last_sound_is_found_before_video() {
        for end in [100_000, 3_000_000, 4_900_000, 5_000_000] {
            let expected = (end - 1) / STEP * STEP;
            assert_eq!(last_mark(&marks(end)), Some(expected as u64));
        }
        assert_eq!(last_mark(&marks(0)), None);
        assert_eq!(last_mark(&[]), None);
    }

    #[test]
    fn the_first_sound_is_found_after_video() {
        let mut bytes = marks(0);
        bytes[150_000] = 1;
        let mut source = Cursor::new(&bytes);
        let mut input = Input::new(&mut source, bytes.len() as u64);
        let first = |bytes: &[u8], at| Some(at + bytes.iter().position(|byte| *byte == 1)? as u64);
        assert_eq!(first_in(&mut input, 0, first).unwrap(), Some(150_000));
        assert_eq!(first_in(&mut input, 200_000, first).unwrap(), None);
    }
}
