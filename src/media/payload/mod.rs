//! The encoded sound of a recording, without tags, pictures and the structure of its container.
//!
//! A container describes where its sound lies as a [`Walk`] through the file. The file is then read once from its start to
//! its end, and the walk passes on the sound. The packets are passed on one after the other, without their lengths: a codec
//! recognises its own packets, and some containers have no lengths.
//!
//! - [`walk`](Walk): what a container implements; [`reader`](PayloadReader): the walk over bytes that arrive in pieces
//! - `ranges`: sound at known offsets
//! - `codec`: codecs and their parameters, which are the same in all containers

pub(super) mod codec;
pub(super) mod ranges;
mod reader;
#[cfg(test)]
mod tests;
mod walk;

pub(super) use reader::PayloadReader;
pub(super) use walk::{Malformed, Step, Walk, pass_range};

use std::fmt;
use std::sync::Arc;

/// Where the encoded sound of a recording lies.
#[derive(Clone)]
pub struct Payload {
    /// The codec and its parameters. The same bytes in another format are another sound.
    format: Arc<[u8]>,
    walk: Arc<dyn Walk>,
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
