//! Data packets of ASF: which streams they carry, and when these are presented.

use crate::media::field::{be_any, le32};

/// A packet has several payloads, each with its own size.
const MULTIPLE: u8 = 0x01;

/// Returns the latest presentation time of a stream in a packet, in milliseconds.
pub(super) fn last_time_ms(packet: &[u8], stream: u8) -> Option<u32> {
    let mut fields = Fields { bytes: packet };
    let first = *packet.first()?;
    // Error correction data, if any, precedes the packet.
    if first & 0x80 != 0 {
        fields.take(1 + usize::from(first & 0xf))?;
    }
    let (lengths, properties) = (fields.number(1)? as u8, fields.number(1)? as u8);
    // Packet length, sequence and padding length.
    for shift in [5, 1, 3] {
        fields.take(size(lengths >> shift))?;
    }
    // Send time and duration.
    fields.take(6)?;
    if lengths & MULTIPLE == 0 {
        return fields.payload(properties, stream);
    }
    let flags = fields.number(1)? as u8;
    let mut last = None;
    for _ in 0..flags & 0x3f {
        last = last.max(fields.payload(properties, stream));
        let bytes = fields.number(size(flags >> 6))?;
        fields.take(bytes as usize)?;
    }
    last
}

/// Returns the size of a field by the two lowest bits.
fn size(code: u8) -> usize {
    [0, 1, 2, 4][usize::from(code & 3)]
}

/// Fields of a packet that were not read yet.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    /// Takes a little-endian number.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut bytes = self.take(bytes)?.to_vec();
        bytes.reverse();
        Some(be_any(&bytes))
    }

    /// Takes the header of a payload. Returns its presentation time if it belongs to the stream.
    fn payload(&mut self, properties: u8, stream: u8) -> Option<u32> {
        let number = self.number(1)? as u8 & 0x7f;
        self.take(size(properties >> 4))?;
        let offset = self.number(size(properties >> 2))?;
        let replicated = self.number(size(properties))? as usize;
        let data = self.take(replicated)?;
        let time = match replicated {
            // The offset of a compressed payload is its time.
            1 => u32::try_from(offset).ok(),
            _ => le32(data, 4),
        };
        time.filter(|_| number == stream)
    }
}
