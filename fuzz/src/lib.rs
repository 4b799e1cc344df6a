//! Fuzz targets for all code that reads external input.
//!
//! Each module has a function `holds`, which checks the properties of one kind of input and panics if one is violated. A
//! target in `targets/` passes it to libFuzzer.
//!
//! - [`answer`]: responses of the service, parsed and rendered
//! - [`config`]: configuration files and environment variables
//! - [`transcript`]: arbitrary transcripts, rendered
//! - [`recording`]: recordings, listed for players
//! - [`name`]: names of recordings and URLs, as names of transcripts
//! - `rendered`: properties of all rendered files
#![forbid(unsafe_code)]

pub mod answer;
pub mod config;
pub mod name;
pub mod recording;
mod rendered;
pub mod transcript;

/// Whether the character is a control character or changes the writing direction.
fn is_control_char(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
