//! Compression of stored results.
//!
//! gzip shrinks transcripts with word times to about a tenth.

use flate2::read::GzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::cell::RefCell;
use std::io::Read;

/// Maximum size of an unpacked result in bytes.
///
/// It is far above the client's limit, so only damaged data reaches it.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;
/// Largest gzip window, as a power of two: 32 KiB.
const WINDOW: u8 = 15;
/// Minimum capacity in bytes, more than an empty text takes.
const MIN_CAPACITY: usize = 64;

thread_local! {
    /// One for each thread: setting up its 256 KiB costs more than packing a short result.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW));
}

/// Compresses bytes. Equal bytes give equal results.
#[must_use]
pub fn pack(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let mut packed = Vec::with_capacity(bytes.len() / 8 + MIN_CAPACITY);
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        loop {
            let rest = &bytes[packer.total_in() as usize..];
            let status = packer.compress_vec(rest, &mut packed, FlushCompress::Finish);
            match status.expect("the compressor is in a valid state") {
                Status::StreamEnd => return,
                Status::Ok | Status::BufError => packed.reserve(packed.len()),
            }
        }
    });
    packed
}

/// Decompresses bytes.
///
/// # Errors
/// If the compressed bytes are damaged.
pub fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(MAX_UNPACKED_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_bytes_round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(unpack(&pack(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_data_is_rejected() {
        let mut packed = pack("a transcript");
        let last = packed.len() - 5;
        packed[last] ^= 0xff;
        assert!(unpack(&packed).is_err());
    }
}
