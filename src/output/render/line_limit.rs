//! Width of a subtitle line, by script.

/// Limit for Chinese and Korean: 16 characters of two columns, as the style guides of streaming services demand.
const MAX_COLUMNS_HAN_HANGUL: usize = 32;
/// Limit for Japanese: 13 characters of two columns.
const MAX_COLUMNS_KANA: usize = 26;
/// Number of characters that are examined. Speech does not change its script later.
const EXAMINED_CHARS: usize = 4000;

/// Returns the maximum width of a line for subtitles of these words, in columns. It is `limit`, or that of their script if
/// it is smaller.
pub(super) fn max_columns<'a>(words: impl Iterator<Item = &'a str>, limit: usize) -> usize {
    let (mut all, mut wide, mut kana) = (0, 0, 0);
    let chars = words
        .flat_map(str::chars)
        .filter(|char| char.is_alphanumeric());
    for char in chars.take(EXAMINED_CHARS) {
        all += 1;
        wide += usize::from(is_han_or_hangul(char));
        kana += usize::from(is_kana(char));
    }
    if 2 * (wide + kana) <= all {
        limit
    } else if 10 * kana > all {
        limit.min(MAX_COLUMNS_KANA)
    } else {
        limit.min(MAX_COLUMNS_HAN_HANGUL)
    }
}

const fn is_kana(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9d}')
}

const fn is_han_or_hangul(char: char) -> bool {
    matches!(
        char,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{1100}'..='\u{11ff}'
            | '\u{ac00}'..='\u{d7af}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_their_script_allows() {
        let columns = |text: &str| max_columns(text.split(' '), 42);
        assert_eq!(columns("Good evening"), 42);
        assert_eq!(columns("今天我们吃早餐 GPT"), 32);
        assert_eq!(columns("안녕하세요 여러분"), 32);
        assert_eq!(columns("今日は夜の間に"), 26);
        assert_eq!(columns("สวัสดีครับ"), 42);
        assert_eq!(columns(""), 42);
    }
}
