//! The encoded sound of a recording, without tags, pictures and the structure of its container.
//!
//! A container describes where its sound lies as a [`Walk`] through the file. The file is then read once from its start to
//! its end, and the walk passes on the sound. The packets are passed on one after the other, without their lengths: a codec
//! recognises its own packets, and some containers have no lengths.
//!
//! - [`reader`](PayloadReader): the walk over bytes that arrive in pieces
//! - `ranges`: sound at known offsets
//! - `codec`: codecs and their parameters, which are the same in all containers

pub(super) mod codec;
pub(super) mod ranges;
mod reader;
#[cfg(test)]
mod tests;

pub(super) use reader::PayloadReader;

use std::fmt;
use std::sync::Arc;

/// Where the encoded sound of a recording lies.
#[derive(Clone)]
pub struct Payload {
    /// The codec and its parameters. The same bytes in another format are another sound.
    format: Arc<[u8]>,
    walk: Arc<dyn Walk>,
}

/// Next step of a walk through a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// This many bytes are needed at the current offset.
    Need(usize),
    /// Go on after this many bytes, at least one.
    Advance(u64),
    /// No more sound follows.
    End,
}

/// The container is not as its header promised, so its sound cannot be told from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A walk through the file from its start to its end, which passes on the sound.
pub(super) trait Walk: Send + Sync {
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

impl Payload {
    /// Describes sound in a format. `walk` is at the start of the file.
    pub(super) fn new(format: Vec<u8>, walk: impl Walk + 'static) -> Self {
        Self {
            format: format.into(),
            walk: Arc::new(walk),
        }
    }

    /// Returns the codec and its parameters.
    pub(super) fn format(&self) -> &[u8] {
        &self.format
    }

    /// Returns a reader for one pass over the file.
    pub(super) fn reader(&self) -> PayloadReader {
        PayloadReader::new(self.walk.boxed())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format.escape_ascii().to_string();
        formatter
            .debug_struct("Payload")
            .field("format", &format)
            .finish_non_exhaustive()
    }
}
