//! Elements of EBML, of which Matroska consists.

use crate::media::field::be_any;
use crate::media::input::Input;
use std::io;

/// Maximum size of the identifier and the size of an element.
const MAX_HEADER_BYTES: usize = 12;

/// An element, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// Identifier, including its length marker.
    pub(super) id: u32,
    /// Offset of the content.
    pub(super) at: u64,
    /// Size of the content. `None` if it is unknown, as in a stream.
    pub(super) size: Option<u64>,
}

impl Element {
    /// Reads the element at an offset. Returns `None` if there is none.
    pub(super) fn read(input: &mut Input<'_>, at: u64) -> io::Result<Option<Self>> {
        Ok(Self::parse(&input.read_at(at, MAX_HEADER_BYTES)?, at))
    }

    /// Parses the element at the start of `bytes`, which lie at the offset `at` of the file.
    pub(super) fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
        let (size, size_bytes) = vint(bytes.get(id_bytes..)?)?;
        (id_bytes <= 4).then_some(Self {
            id: be_any(bytes.get(..id_bytes)?) as u32,
            at: at + (id_bytes + size_bytes) as u64,
            size,
        })
    }

    /// Returns the offset of the end, or `None` if it is unknown.
    pub(super) fn end(&self) -> Option<u64> {
        self.at.checked_add(self.size?)
    }

    /// Reads the content, at most `max` bytes of it.
    pub(super) fn content(&self, input: &mut Input<'_>, max: usize) -> io::Result<Vec<u8>> {
        let size = self.size.and_then(|size| usize::try_from(size).ok());
        input.read_at(self.at, size.unwrap_or(max).min(max))
    }
}

/// Parses a number of variable length: its value and its size. The value with all bits set means unknown.
pub(super) fn vint(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let number = be_any(bytes.get(..length)?);
    let mask = (1_u64 << (7 * length).min(56)) - 1;
    (length <= 8).then(|| {
        let value = number & mask;
        ((value != mask).then_some(value), length)
    })
}

/// Returns the elements in `bytes`, each with its content.
pub(super) fn elements(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let element = Element::parse(bytes.get(at..)?, at as u64)?;
        let start = usize::try_from(element.at).ok()?;
        let size = usize::try_from(element.size?).ok()?;
        at = start.checked_add(size)?;
        Some((element.id, bytes.get(start..at.min(bytes.len()))?))
    })
}

/// Parses a floating-point number of four or eight bytes.
pub(super) fn float(content: &[u8]) -> Option<f64> {
    match content.len() {
        4 => Some(f32::from_bits(be_any(content) as u32).into()),
        8 => Some(f64::from_bits(be_any(content))),
        _ => None,
    }
}
