//! What must hold of everything that reads input from outside, whatever comes. Each module has one function, `holds`,
//! that a target in `targets/` gives to libFuzzer; it panics where something does not hold.
//!
//! - [`answer`]: an answer of the service, read and rendered
//! - [`config`]: a configuration file and the variables over it
//! - [`transcript`]: any transcript, rendered
//! - [`name`]: the names of recordings and URLs, as names of transcripts
//! - `rendered`: what holds of every rendered file
#![forbid(unsafe_code)]

pub mod answer;
pub mod config;
pub mod name;
mod rendered;
pub mod transcript;

/// Whether a terminal or an editor would obey it: a control character, or a mark that turns the writing direction.
fn is_obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
