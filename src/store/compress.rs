//! Results as they are stored: gzip, because transcripts with word times shrink to a tenth.

use flate2::read::GzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::cell::RefCell;
use std::io::Read;

/// The largest result that is unpacked, in bytes: far over what the client accepts, so only damage meets it.
const MOST: u64 = 1 << 30;
/// The widest window there is, as a power of two: 32 KiB.
const WINDOW: u8 = 15;
/// More than a packed text of no length takes.
const LEAST: usize = 64;

thread_local! {
    /// Each thread's own: its quarter of a megabyte costs more to set up than a short result to pack.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW));
}

/// The text, compressed. The same text gives the same bytes.
#[must_use]
pub fn pack(text: &str) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() / 4 + LEAST);
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        loop {
            let rest = &text.as_bytes()[packer.total_in() as usize..];
            let status = packer.compress_vec(rest, &mut packed, FlushCompress::Finish);
            match status.expect("the compressor is in order") {
                Status::StreamEnd => return,
                Status::Ok | Status::BufError => packed.reserve(packed.len()),
            }
        }
    });
    packed
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
