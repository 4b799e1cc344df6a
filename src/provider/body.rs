//! Body of a response. A large one is compressed while it arrives, so it never takes its full size in memory.

use bytes::Bytes;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};
use std::borrow::Cow;
use std::io::{self, Read, Write};

/// Size in bytes from which a body is compressed.
pub const LARGE_BODY: usize = 256 * 1024;
/// Maximum size of decompressed bytes. It is far above the client's limit, so only damaged data reaches it.
const MAX_BYTES: u64 = 1 << 30;
/// Size of [`Body::head`], in bytes.
const HEAD_BYTES: u64 = 64 * 1024;
/// Ratio of a large transcript to its compressed form, about.
const RATIO: usize = 8;

/// Body of a response, as received.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Body {
    /// The bytes.
    Plain(Vec<u8>),
    /// The bytes, compressed with gzip. Copies share their memory.
    Compressed(Bytes),
}

impl Body {
    /// Returns the body of `bytes` as if it had arrived.
    #[cfg(test)]
    pub(crate) fn arrived(bytes: &[u8]) -> Self {
        let mut body = ArrivingBody::default();
        body.push(bytes).unwrap();
        body.finish().unwrap()
    }

    /// Returns the body that was stored compressed. A small one is decompressed once, as it is read twice.
    ///
    /// # Errors
    /// If the compressed bytes of a small one are damaged.
    pub fn from_stored(compressed: impl Into<Bytes>) -> io::Result<Self> {
        let compressed = compressed.into();
        let is_small = compressed.len() < LARGE_BODY / RATIO;
        let body = Self::Compressed(compressed);
        if is_small {
            return body.into_bytes().map(Self::Plain);
        }
        Ok(body)
    }

    /// Whether reading the body takes much memory.
    #[must_use]
    pub const fn is_large(&self) -> bool {
        matches!(self, Self::Compressed(_)) || self.memory_bytes() >= LARGE_BODY
    }

    /// Returns a reader of the bytes as they were received.
    #[must_use]
    pub fn reader(&self) -> Box<dyn Read + '_> {
        match self {
            Self::Plain(bytes) => Box::new(&**bytes),
            Self::Compressed(bytes) => Box::new(GzDecoder::new(&**bytes).take(MAX_BYTES)),
        }
    }

    /// Returns the bytes as they were received.
    ///
    /// # Errors
    /// If compressed bytes are damaged.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(bytes) => Ok(bytes),
            Self::Compressed(_) => {
                let mut bytes = Vec::new();
                self.reader().read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Returns the first 64 KiB at least, as they were received, or less if compressed bytes are damaged.
    #[must_use]
    pub fn head(&self) -> Cow<'_, [u8]> {
        if let Self::Plain(bytes) = self {
            return bytes.into();
        }
        let mut head = Vec::new();
        let _damaged = self.reader().take(HEAD_BYTES).read_to_end(&mut head);
        head.into()
    }

    /// Returns a checksum of the bytes as they were received: their CRC-32 and their number, as at the end of a gzip file.
    #[must_use]
    pub fn checksum(&self) -> [u8; 8] {
        match self {
            Self::Compressed(bytes) => bytes.last_chunk().copied().unwrap_or_default(),
            Self::Plain(bytes) => {
                let mut crc = Crc::new();
                crc.update(bytes);
                let mut checksum = [0; 8];
                checksum[..4].copy_from_slice(&crc.sum().to_le_bytes());
                checksum[4..].copy_from_slice(&crc.amount().to_le_bytes());
                checksum
            }
        }
    }

    /// Returns the size in memory, in bytes.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Compressed(bytes) => bytes.len(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Plain(bytes)
    }
}

/// Shows only the size: a body may have many megabytes.
impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes in memory)", self.memory_bytes())
    }
}

/// A body that is still arriving.
#[derive(Default)]
pub(crate) struct ArrivingBody {
    plain: Vec<u8>,
    compressed: Option<GzEncoder<Vec<u8>>>,
    received: usize,
}

impl ArrivingBody {
    /// Returns the number of bytes received.
    pub(crate) const fn received(&self) -> usize {
        self.received
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// If the compressor fails.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.received += chunk.len();
        if let Some(compressed) = &mut self.compressed {
            return compressed.write_all(chunk);
        }
        self.plain.extend_from_slice(chunk);
        if self.plain.len() >= LARGE_BODY {
            let bytes = std::mem::take(&mut self.plain);
            let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
            compressed.write_all(&bytes)?;
            self.compressed = Some(compressed);
        }
        Ok(())
    }

    /// Returns the complete body.
    ///
    /// # Errors
    /// If the compressor fails.
    pub(crate) fn finish(self) -> io::Result<Body> {
        match self.compressed {
            Some(compressed) => Ok(Body::Compressed(compressed.finish()?.into())),
            None => Ok(Body::Plain(self.plain)),
        }
    }
}

impl Write for ArrivingBody {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        self.push(chunk).map(|()| chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrived(bytes: &[u8], chunk: usize) -> Body {
        let mut body = ArrivingBody::default();
        for chunk in bytes.chunks(chunk) {
            body.push(chunk).unwrap();
        }
        assert_eq!(body.received(), bytes.len());
        body.finish().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_body_is_read_as_it_was_received(size in 0..3 * LARGE_BODY, chunk in 1..LARGE_BODY) {
            let bytes = b"answer ".repeat(size / 7 + 1)[..size].to_vec();
            let body = arrived(&bytes, chunk);
            prop_assert_eq!(body.is_large(), size >= LARGE_BODY);
            prop_assert!(body.memory_bytes() <= bytes.len());
            if let Body::Compressed(packed) = &body {
                prop_assert_eq!(Body::from_stored(packed.clone()).unwrap().into_bytes().unwrap(), bytes.clone());
            }
            prop_assert_eq!(body.checksum(), Body::from(bytes.clone()).checksum());
            prop_assert!(bytes.starts_with(&body.head()[..size.min(9)]));
            prop_assert_eq!(body.into_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_rejected() {
        assert!(Body::from_stored(vec![1, 2, 3]).is_err());
        let damaged = Body::from_stored(vec![7; LARGE_BODY]).unwrap();
        assert!(damaged.into_bytes().is_err());
    }
}
