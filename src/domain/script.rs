//! Scripts that are written without spaces between words.

/// Whether the character belongs to a script that is written without spaces.
///
/// These are Han, kana, Thai, Lao, Khmer and Burmese, with their punctuation.
#[must_use]
pub const fn is_unspaced(char: char) -> bool {
    is_east_asian(char)
        || matches!(char, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// Whether the character belongs to Han or kana, with their punctuation.
#[must_use]
pub const fn is_east_asian(char: char) -> bool {
    matches!(
        char,
        '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
            | '\u{20000}'..='\u{3ffff}'
    )
}
