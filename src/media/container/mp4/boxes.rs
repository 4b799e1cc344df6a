//! Boxes of MP4 and QuickTime. A box has a size that includes itself, a type and a content.

use crate::media::field::{be32, be64, id};
use crate::media::input::Input;
use std::io;

/// A box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mp4Box {
    /// Type.
    pub(super) kind: [u8; 4],
    /// Offset of the header.
    pub(super) start: u64,
    /// Offset of the content.
    pub(super) at: u64,
    /// Offset of the end, by the declared size.
    pub(super) end: u64,
}

impl Mp4Box {
    /// Reads the box at an offset that ends at `end` at the latest if it declares no size. Returns `None` if there is
    /// none.
    pub(super) fn read(input: &mut Input<'_>, start: u64, end: u64) -> io::Result<Option<Self>> {
        if start + 8 > end {
            return Ok(None);
        }
        Ok(Self::parse(&input.read_at(start, 16)?, start, end))
    }

    /// Parses the header of the box at `start`.
    pub(super) fn parse(header: &[u8], start: u64, end: u64) -> Option<Self> {
        let (header_bytes, size) = match be32(header, 0)? {
            0 => (8, end - start),
            1 => (16, be64(header, 8)?),
            size => (8, size.into()),
        };
        (size >= header_bytes).then_some(Self {
            kind: id(header, 4)?,
            start,
            at: start + header_bytes,
            end: start.saturating_add(size),
        })
    }

    /// Returns the boxes inside of this one.
    pub(super) fn children(&self, input: &mut Input<'_>) -> io::Result<Vec<Self>> {
        let (mut at, mut children) = (self.at, Vec::new());
        let end = self.end.min(input.len());
        while let Some(child) = Self::read(input, at, end)? {
            at = child.end;
            children.push(child);
        }
        Ok(children)
    }

    /// Returns the first box of a type below this one, along a path of types.
    pub(super) fn find(
        &self,
        input: &mut Input<'_>,
        path: &[&[u8; 4]],
    ) -> io::Result<Option<Self>> {
        let mut found = *self;
        for kind in path {
            let children = found.children(input)?;
            match children.into_iter().find(|child| &child.kind == *kind) {
                Some(child) => found = child,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Reads the content, at most `max` bytes of it.
    pub(super) fn content(&self, input: &mut Input<'_>, max: usize) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.end - self.at).unwrap_or(max);
        input.read_at(self.at, size.min(max))
    }
}

/// Returns the boxes in `bytes` with their content, up to one that is incomplete.
pub(super) fn slices(bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(one) = bytes
        .get(at..)
        .and_then(|rest| Mp4Box::parse(rest, at as u64, bytes.len() as u64))
    {
        let range = usize::try_from(one.at)
            .ok()
            .zip(usize::try_from(one.end).ok());
        let content = range.and_then(|(start, end)| bytes.get(start..end));
        let (Some((_, end)), Some(content)) = (range, content) else {
            break;
        };
        found.push((one.kind, content));
        at = end;
    }
    found
}
