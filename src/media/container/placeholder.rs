//! Sizes that streaming writers put into a 32-bit header because they do not know the real one.

/// Values from which writers subtract a header or round down to whole samples.
///
/// sox and espeak: 0x7ffff000. lame, MPlayer: 0x7fffffff. arecord: 0x80000000. GStreamer: 0x7fff0000. sox (AIFF):
/// 0x7f000000. ffmpeg, libsndfile: 0xffffffff.
const BASES: [u32; 6] = [
    0x7f00_0000,
    0x7fff_0000,
    0x7fff_f000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_f000,
];
/// Greatest distance of a placeholder below its base: headers, and the rest of a block.
const BELOW: u32 = 1024;
/// Greatest distance of a placeholder above its base.
const ABOVE: u32 = 64;

/// Whether a declared size of sound data is a placeholder.
pub(super) fn is_placeholder(size: u32) -> bool {
    let is_near = |base: &u32| (base - BELOW..=base.saturating_add(ABOVE)).contains(&size);
    size == 0 || size > 0xffff_f000 || BASES.iter().any(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_placeholders_are_recognised() {
        for size in [
            0,
            0x7f00_0008,
            0x7fff_0000,
            0x7fff_f000,
            0x7fff_efff,
            0x7fff_effc,
            0x7fff_ffff,
            0x7fff_ffdb,
            0x8000_0000,
            0x8000_0024,
            0xffff_ffff,
            0xffff_ffdb,
        ] {
            assert!(is_placeholder(size), "{size:#x}");
        }
    }

    #[test]
    fn sizes_of_split_recordings_are_real() {
        // Recorders that split at 2 GB or 4 GB stop at a multiple of a cluster or a buffer.
        for size in [
            1,
            0x7000_0000,
            0x7ffe_8000,
            0x7fff_8000,
            0xb000_0000,
            0xfffe_0000,
        ] {
            assert!(!is_placeholder(size), "{size:#x}");
        }
    }
}
