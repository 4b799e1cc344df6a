//! Numbers in the header of a container. Every function returns `None` beyond the end of the bytes.

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Returns the four bytes of an identifier.
pub(super) fn id(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    array(bytes, at)
}

/// Returns a big-endian number of two bytes.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// Returns a big-endian number of four bytes.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Returns a big-endian number of eight bytes.
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Returns a little-endian number of two bytes.
pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// Returns a little-endian number of four bytes.
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// Returns a little-endian number of eight bytes.
pub(super) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Returns a big-endian number of any size up to eight bytes.
pub(super) fn be_any(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Returns a syncsafe number of four bytes, as in ID3v2. Each byte has seven bits.
pub(super) fn syncsafe32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 4] = array(bytes, at)?;
    bytes
        .iter()
        .all(|byte| *byte < 0x80)
        .then(|| bytes.iter().fold(0, |n, byte| n << 7 | u32::from(*byte)))
}
