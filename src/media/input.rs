//! Random access to a recording, with a bound on the bytes read.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that may be read from a recording of any size.
const MIN_ALLOWANCE: u64 = 1024 * 1024;
/// Part of a large recording that may be read: one byte in this number.
const ALLOWANCE_DIVISOR: u64 = 20;

/// A source of bytes with random access.
pub(super) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A recording that is being inspected.
///
/// It delivers at most one mebibyte, or a twentieth of the file if that is more. Reads beyond this bound deliver
/// nothing, so that no header can cause a read of the whole file.
pub(super) struct Input<'a> {
    source: &'a mut dyn ReadSeek,
    len: u64,
    allowance: u64,
}

impl<'a> Input<'a> {
    /// Creates it for a source of `len` bytes.
    pub(super) fn new(source: &'a mut dyn ReadSeek, len: u64) -> Self {
        Self {
            source,
            len,
            allowance: MIN_ALLOWANCE.max(len / ALLOWANCE_DIVISOR),
        }
    }

    /// Creates it without a bound, for a pass over all headers.
    pub(super) fn unbounded(source: &'a mut dyn ReadSeek, len: u64) -> Self {
        Self {
            source,
            len,
            allowance: u64::MAX,
        }
    }

    /// Returns the size of the file in bytes.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Returns the number of bytes that may still be read.
    pub(super) const fn allowance(&self) -> u64 {
        self.allowance
    }

    /// Reads `count` bytes at an offset. Returns fewer at the end of the file, or if the bound is reached.
    pub(super) fn read_at(&mut self, at: u64, count: usize) -> io::Result<Vec<u8>> {
        let count = (count as u64)
            .min(self.len.saturating_sub(at))
            .min(self.allowance);
        let mut bytes = Vec::with_capacity(usize::try_from(count).map_err(io::Error::other)?);
        if count > 0 {
            self.source.seek(SeekFrom::Start(at))?;
            self.source.take(count).read_to_end(&mut bytes)?;
            self.allowance -= bytes.len() as u64;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn reads_end_with_the_file_and_the_bound() {
        let bytes = vec![7; 3 * 1024 * 1024];
        let mut source = Cursor::new(&bytes);
        let mut input = Input::new(&mut source, bytes.len() as u64);
        assert_eq!(input.read_at(input.len() - 3, 8).unwrap().len(), 3);
        assert_eq!(input.read_at(u64::MAX, 8).unwrap().len(), 0);
        assert_eq!(
            input.read_at(0, 2 * 1024 * 1024).unwrap().len() as u64,
            MIN_ALLOWANCE - 3
        );
        assert_eq!(input.read_at(0, 8).unwrap().len(), 0);
    }
}
