//! A walk over bytes that arrive in pieces.

use super::walk::{Malformed, Step, Walk};

/// Greatest number of bytes that a step may need at once. A block of sound is far smaller.
const MAX_NEED: usize = 8 * 1024 * 1024;

/// Reads the sound of one file, whose bytes are pushed in order.
pub(in crate::media) struct PayloadReader {
    walk: Box<dyn Walk>,
    /// Bytes at the current offset that a step needs more of.
    pending: Vec<u8>,
    /// Number of bytes that the step needs.
    needed: usize,
    /// Current offset.
    at: u64,
    /// Bytes after the current offset that are passed over.
    skip: u64,
    has_ended: bool,
}

impl PayloadReader {
    pub(super) const fn new(walk: Box<dyn Walk>) -> Self {
        Self {
            walk,
            pending: Vec::new(),
            needed: 0,
            at: 0,
            skip: 0,
            has_ended: false,
        }
    }

    /// Reads the next bytes of the file, and passes the sound in them to `sink`.
    pub(in crate::media) fn push(
        &mut self,
        mut bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        while !self.has_ended {
            let skipped = usize::try_from(self.skip).map_or(bytes.len(), |n| n.min(bytes.len()));
            self.skip -= skipped as u64;
            self.at += skipped as u64;
            bytes = &bytes[skipped..];
            if self.pending.is_empty() {
                if bytes.is_empty() {
                    return Ok(());
                }
                let step = self.walk.step(bytes, self.at, sink)?;
                if self.apply(step, bytes.len())? {
                    self.pending.extend_from_slice(bytes);
                    return Ok(());
                }
            } else {
                let missing = self.needed.saturating_sub(self.pending.len());
                let (more, rest) = bytes.split_at(missing.min(bytes.len()));
                self.pending.extend_from_slice(more);
                bytes = rest;
                if self.pending.len() < self.needed {
                    return Ok(());
                }
                let step = self.walk.step(&self.pending, self.at, sink)?;
                if !self.apply(step, self.pending.len())? {
                    self.drop_pending();
                }
            }
        }
        Ok(())
    }

    /// Returns whether the step needs more bytes than there are.
    fn apply(&mut self, step: Step, there: usize) -> Result<bool, Malformed> {
        match step {
            Step::Need(count) if count > there && count <= MAX_NEED => {
                self.needed = count;
                return Ok(true);
            }
            Step::Need(_) | Step::Advance(0) => return Err(Malformed),
            Step::Advance(count) => self.skip = count,
            Step::End => self.has_ended = true,
        }
        Ok(false)
    }

    fn drop_pending(&mut self) {
        let there = self.pending.len();
        let dropped = usize::try_from(self.skip).map_or(there, |skip| skip.min(there));
        self.pending.drain(..dropped);
        self.skip -= dropped as u64;
        self.at += dropped as u64;
        self.needed = self.pending.len();
    }

    /// Passes over bytes that need not be pushed. Returns the offset of the next ones.
    pub(in crate::media) fn seek(&mut self) -> u64 {
        self.at += std::mem::take(&mut self.skip);
        self.at + self.pending.len() as u64
    }

    /// Whether no more sound follows.
    pub(in crate::media) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether all sound was passed on, at the end of the file.
    pub(in crate::media) fn is_complete(&self) -> bool {
        let is_between = self.pending.is_empty() && self.skip == 0;
        self.has_ended || is_between && self.walk.is_complete()
    }
}
