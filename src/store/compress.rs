//! Results as they are stored: gzip, because transcripts with word times shrink to a tenth.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// The largest result that is unpacked, in bytes: far over what the client accepts, so only damage meets it.
const MOST: u64 = 1 << 30;

/// The text, compressed. The same text gives the same bytes.
#[must_use]
pub fn pack(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder
        .write_all(text.as_bytes())
        .expect("a Vec takes every byte");
    encoder.finish().expect("a Vec takes every byte")
}

/// The text again.
///
/// # Errors
/// If the bytes are damaged, or no UTF-8.
pub fn unpack(packed: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(packed)
        .take(MOST)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(text in ".*") {
            prop_assert_eq!(unpack(&pack(&text)).unwrap(), text);
        }
    }

    #[test]
    fn damage_is_noticed() {
        let mut packed = pack("a transcript");
        let last = packed.len() - 5;
        packed[last] ^= 0xff;
        assert!(unpack(&packed).is_err());
    }
}
