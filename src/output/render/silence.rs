//! Text for a recording without speech.

/// Text of a transcript without speech. It distinguishes silence from an empty, broken file.
pub(super) const SILENCE: &str = "[no speech]";
