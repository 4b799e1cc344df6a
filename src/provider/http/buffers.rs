//! Buffer pool for the chunks of an upload. A buffer is reused once the connection has dropped it.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;

/// Alignment of a buffer, in bytes: one page.
///
/// The kernel copies whole pages. `malloc` places large blocks 16 bytes past a page boundary, and copying to such an
/// address takes some processors three times as long.
const PAGE: usize = 4096;

/// Pool of buffers of one size. It grows to the number of buffers in use at the same time.
pub(crate) struct Buffers {
    size: usize,
    lent: VecDeque<Bytes>,
}

impl Buffers {
    pub(crate) const fn with_size(size: usize) -> Self {
        Self {
            size,
            lent: VecDeque::new(),
        }
    }

    /// Returns a free buffer, allocating one if none is free. Its content is unspecified.
    pub(crate) fn take(&mut self) -> BytesMut {
        match self.lent.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(returned)) => return returned,
            Some(Err(held)) => self.lent.push_front(held),
            None => {}
        }
        page_aligned(self.size)
    }

    /// Freezes the first `length` bytes of a buffer from [`take`](Self::take). Dropping them frees the buffer.
    pub(crate) fn lend(&mut self, buffer: BytesMut, length: usize) -> Bytes {
        let whole = buffer.freeze();
        let bytes = whole.slice(..length);
        self.lent.push_back(whole);
        bytes
    }
}

fn page_aligned(size: usize) -> BytesMut {
    let mut buffer = BytesMut::zeroed(size + PAGE);
    buffer.advance(buffer.as_ptr().align_offset(PAGE));
    buffer.truncate(size);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_reused() {
        let mut buffers = Buffers::with_size(3 * PAGE);
        let first = buffers.take();
        let address = first.as_ptr();
        let first = buffers.lend(first, 10);
        let second = buffers.take();
        assert_ne!(second.as_ptr(), address);
        let second = buffers.lend(second, 3 * PAGE);
        drop(first);
        let third = buffers.take();
        assert_eq!((third.as_ptr(), third.len()), (address, 3 * PAGE));
        assert_eq!(second.len(), 3 * PAGE);
    }

    #[test]
    fn buffers_in_use_are_unchanged_and_page_aligned() {
        let mut buffers = Buffers::with_size(100);
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
