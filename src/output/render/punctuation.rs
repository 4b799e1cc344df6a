//! Ends of sentences and clauses.

use super::sentence_terminal::is_sentence_terminal;

/// Abbreviations before a name or number. Their full stop does not end a sentence.
const ABBREVIATIONS: [&str; 14] = [
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "mt.", "vs.", "e.g.", "i.e.", "hr.", "fr.", "sr.",
    "sra.",
];

/// Whether the word ends a sentence.
pub(super) fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(is_closing);
    let last = text.chars().next_back();
    last.is_some_and(|last| is_sentence_terminal(last) || last == '…') && !is_abbreviation(text)
}

/// Whether the word ends a clause or a sentence.
pub(super) fn ends_clause(text: &str) -> bool {
    let text = text.trim_end_matches(is_closing);
    let is_separator = |char| {
        matches!(
            char,
            ',' | ';'
                | ':'
                | '–'
                | '—'
                | '，'
                | '、'
                | '；'
                | '：'
                | '､'
                | '،'
                | '؛'
                | '፣'
                | '፤'
                | '፥'
                | '၊'
        )
    };
    ends_sentence(text) || text.ends_with(is_separator)
}

/// Whether the character may follow the mark that ends a sentence or clause.
const fn is_closing(char: char) -> bool {
    matches!(
        char,
        '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '›' | '」' | '』' | '）' | '】' | '》' | '〉'
    )
}

fn is_abbreviation(text: &str) -> bool {
    text.ends_with('.')
        && ABBREVIATIONS
            .iter()
            .any(|known| text.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_also_before_closing_marks() {
        for end in ["so.", "so.\"", "so?)", "so!’", "です。」", "है।", "so…"] {
            assert!(ends_sentence(end), "{end}");
        }
        for inside in ["so", "so,", "Dr.", "mrs.", "3.5", ""] {
            assert!(!ends_sentence(inside), "{inside}");
        }
    }

    #[test]
    fn clauses_end_at_separators_and_sentences() {
        for end in ["so,", "so;\"", "は、", "نعم،", "so."] {
            assert!(ends_clause(end), "{end}");
        }
        for inside in ["so", "Dr.", "1,000"] {
            assert!(!ends_clause(inside), "{inside}");
        }
    }
}
