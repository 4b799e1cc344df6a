//! Pages of Ogg.

use crate::media::field::{le32, le64};

/// Maximum size of a page in bytes.
pub(super) const MAX_PAGE_BYTES: usize = 65_307;
/// Bytes of a page header before its segment table.
const FIXED_BYTES: usize = 27;
/// Position of a page on which no packet ends.
const NO_POSITION: u64 = u64::MAX;

/// Header of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Whether a logical stream begins with this page.
    pub(super) is_first: bool,
    /// Number of the logical stream.
    pub(super) serial: u32,
    /// Number of the page in its stream.
    pub(super) sequence: u32,
    /// Position at the end of the page, in units of the codec. `None` if no packet ends on it.
    pub(super) position: Option<u64>,
    /// Size of the header in bytes.
    pub(super) header_bytes: usize,
    /// Size of the whole page in bytes.
    pub(super) bytes: usize,
}

impl Page {
    /// Parses the page at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"OggS\0") {
            return None;
        }
        let kind = *bytes.get(5)?;
        let header_bytes = FIXED_BYTES + usize::from(*bytes.get(26)?);
        let segments = bytes.get(FIXED_BYTES..header_bytes)?;
        let content: usize = segments.iter().map(|size| usize::from(*size)).sum();
        (kind < 8).then_some(Self {
            is_first: kind & 2 != 0,
            serial: le32(bytes, 14)?,
            sequence: le32(bytes, 18)?,
            position: le64(bytes, 6).filter(|position| *position != NO_POSITION),
            header_bytes,
            bytes: header_bytes + content,
        })
    }

    /// Whether the page at the offset `at` ends before the file does, at `end`.
    pub(super) const fn is_whole(&self, at: u64, end: u64) -> bool {
        at + self.bytes as u64 <= end
    }
}

/// Returns the pages in `bytes` with their offsets. Skips what is not a page.
pub(super) fn pages(bytes: &[u8]) -> impl Iterator<Item = (usize, Page)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += bytes
                .get(at..)?
                .windows(5)
                .position(|mark| mark == b"OggS\0")?;
            match Page::parse(&bytes[at..]) {
                Some(page) => {
                    let found = at;
                    at += page.bytes;
                    return Some((found, page));
                }
                None => at += 5,
            }
        }
    })
}
