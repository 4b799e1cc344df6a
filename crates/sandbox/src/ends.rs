//! Reader of the beginning and the end of an upload.

use std::io::{self, Read, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// The kept bytes of an upload, at their positions. Reads between them fail.
pub(crate) struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    len: u64,
    position: u64,
}

impl Ends {
    /// Creates a reader of an upload of `len` bytes that starts with `head` and ends with `tail`.
    pub(crate) fn new(head: Vec<u8>, tail: Vec<u8>, len: u64) -> Self {
        Self {
            head,
            tail,
            len,
            position: 0,
        }
    }

    fn rest(&self) -> io::Result<&[u8]> {
        let tail_start = self.len - self.tail.len() as u64;
        if self.position < self.head.len() as u64 {
            Ok(&self.head[self.position as usize..])
        } else if self.position >= self.len {
            Ok(&[])
        } else if self.position >= tail_start {
            Ok(&self.tail[(self.position - tail_start) as usize..])
        } else {
            Err(io::Error::other("not kept"))
        }
    }
}

impl Read for Ends {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.rest()?.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Ends {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for Ends {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
