//! Codecs of telephones: AMR and GSM. A frame lasts 20 ms.

use crate::media::frames::{Frame, FrameFormat};

/// Frames of AMR with narrow bandwidth.
pub(super) const AMR: FrameFormat = FrameFormat {
    parse: |bytes| amr(bytes, &AMR_BYTES),
    run: 8,
};
/// Frames of AMR with wide bandwidth.
pub(super) const AMR_WIDE: FrameFormat = FrameFormat {
    parse: |bytes| amr(bytes, &AMR_WIDE_BYTES),
    run: 8,
};
/// Frames of GSM 06.10.
pub(super) const GSM: FrameFormat = FrameFormat { parse: gsm, run: 8 };

/// Bytes of a frame by its mode, including the header. Zero for modes that do not exist.
const AMR_BYTES: [usize; 16] = [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1];
const AMR_WIDE_BYTES: [usize; 16] = [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1];
const GSM_BYTES: usize = 33;
const FRAME_S: f64 = 0.02;

fn amr(bytes: &[u8], sizes: &[usize; 16]) -> Option<Frame> {
    let header = *bytes.first()?;
    let size = sizes[usize::from(header >> 3 & 15)];
    // The other bits of the header are zero.
    (header & 0x83 == 0 && size > 0).then_some(Frame {
        bytes: size,
        seconds: FRAME_S,
        kind: 0,
    })
}

fn gsm(bytes: &[u8]) -> Option<Frame> {
    (bytes.first()? >> 4 == 0xd).then_some(Frame {
        bytes: GSM_BYTES,
        seconds: FRAME_S,
        kind: 0,
    })
}
