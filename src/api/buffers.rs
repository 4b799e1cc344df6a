//! Memory for the chunks of a file: lent to a connection, and used again once that has let go of it.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;

/// A buffer begins where a page begins: the kernel copies whole pages, and to 16 bytes past the beginning of one, where
/// `malloc` puts what is large, that takes some processors three times as long.
const PAGE: usize = 4096;

/// As many buffers of one size as are lent at once.
pub(super) struct Buffers {
    size: usize,
    lent: VecDeque<Bytes>,
}

impl Buffers {
    pub(super) const fn of(size: usize) -> Self {
        Self {
            size,
            lent: VecDeque::new(),
        }
    }

    /// A buffer that nobody holds, with anything in it.
    pub(super) fn take(&mut self) -> BytesMut {
        match self.lent.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(returned)) => return returned,
            Some(Err(held)) => self.lent.push_front(held),
            None => {}
        }
        fresh(self.size)
    }

    /// The first `length` bytes of a buffer that was taken. It returns when they are dropped.
    pub(super) fn lend(&mut self, buffer: BytesMut, length: usize) -> Bytes {
        let whole = buffer.freeze();
        let bytes = whole.slice(..length);
        self.lent.push_back(whole);
        bytes
    }
}

fn fresh(size: usize) -> BytesMut {
    let mut buffer = BytesMut::zeroed(size + PAGE);
    buffer.advance(buffer.as_ptr().align_offset(PAGE));
    buffer.truncate(size);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_what_was_lent_of_it_is_dropped() {
        let mut buffers = Buffers::of(3 * PAGE);
        let first = buffers.take();
        let place = first.as_ptr();
        let first = buffers.lend(first, 10);
        let second = buffers.take();
        assert_ne!(second.as_ptr(), place);
        let second = buffers.lend(second, 3 * PAGE);
        drop(first);
        let third = buffers.take();
        assert_eq!((third.as_ptr(), third.len()), (place, 3 * PAGE));
        assert_eq!(second.len(), 3 * PAGE);
    }

    #[test]
    fn what_is_lent_stays_as_it_is_and_begins_a_page() {
        let mut buffers = Buffers::of(100);
        let mut lent = Vec::new();
        for number in 0..5 {
            let mut buffer = buffers.take();
            buffer.fill(number);
            lent.push(buffers.lend(buffer, 100));
        }
        for (number, bytes) in (0..).zip(&lent) {
            assert_eq!(bytes, &[number; 100][..]);
            assert_eq!(bytes.as_ptr().align_offset(PAGE), 0);
        }
    }
}
