//! A walk through a file, which a container describes.

use std::ops::Range;

/// Next step of a walk through a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Step {
    /// This many bytes are needed at the current offset.
    Need(usize),
    /// Go on after this many bytes, at least one.
    Advance(u64),
    /// No more sound follows.
    End,
}

/// The container is not as its header promised, so its sound cannot be told from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Malformed;

/// Passes on the bytes at offset `at` that lie in `range`, which ends after `at`. Returns the step, and whether it reaches the
/// end of the range.
pub(in crate::media) fn pass_range(
    range: &Range<u64>,
    bytes: &[u8],
    at: u64,
    sink: &mut dyn FnMut(&[u8]),
) -> (Step, bool) {
    if at < range.start {
        return (Step::Advance(range.start - at), false);
    }
    let left = range.end - at;
    let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    sink(&bytes[..count]);
    (Step::Advance(count as u64), count as u64 == left)
}

/// A walk through the file from its start to its end, which passes on the sound.
pub(in crate::media) trait Walk: Send + Sync {
    /// Looks at the bytes at offset `at`, of which there is at least one, and passes the sound in them to `sink`.
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed>;

    /// Whether all sound was passed on if the file ends here, between two steps.
    fn is_complete(&self) -> bool;

    /// Returns a copy, for another pass.
    fn boxed(&self) -> Box<dyn Walk>;
}
