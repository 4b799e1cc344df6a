//! Replacements in the text of transcripts.

use super::one_line::one_line;
use super::script::is_unspaced;
use regex::{Captures, Regex};
use std::ops::Range;

/// Replacements of words and regular expressions.
#[derive(Debug, Clone, Default)]
pub struct Replacements {
    rules: Vec<Replacement>,
}

#[derive(Debug, Clone)]
struct Replacement {
    pattern: String,
    regex: Regex,
    text: String,
    /// Whether `$1` in the text stands for a group of the pattern.
    has_groups: bool,
}

/// Error for a pattern that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPattern(String);

impl Replacements {
    /// Adds a replacement. It takes the place of one with the same pattern.
    ///
    /// A pattern between slashes, or with a backslash, is a regular expression, and `$1` in its replacement is a group.
    /// Any other pattern stands for itself as whole words, whatever the white space between them.
    ///
    /// # Errors
    /// If the pattern is empty or not a valid regular expression.
    pub fn set(&mut self, pattern: &str, text: &str) -> Result<(), InvalidPattern> {
        let expression = expression(pattern);
        let has_groups = expression.is_some();
        let source = expression.map_or_else(|| whole_words(pattern), str::to_owned);
        let regex = Regex::new(&source).map_err(|error| {
            InvalidPattern(format!("is not a valid pattern: {}", reason(&error)))
        })?;
        if regex.is_match("") {
            return Err(InvalidPattern("matches an empty text".to_owned()));
        }
        self.rules.retain(|rule| rule.pattern != pattern);
        self.rules.push(Replacement {
            pattern: pattern.to_owned(),
            regex,
            text: text.to_owned(),
            has_groups,
        });
        Ok(())
    }

    /// Adds replacements. They take the place of those with the same patterns.
    pub fn extend(&mut self, others: Self) {
        let is_kept =
            |rule: &Replacement| !others.rules.iter().any(|one| one.pattern == rule.pattern);
        self.rules.retain(is_kept);
        self.rules.extend(others.rules);
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the parts of `text` that are replaced and their new text, in order. They do not overlap.
    ///
    /// The first match counts, and of several the longest. Replaced text is not searched again, so that names can be
    /// exchanged. The time is linear in the length of the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let mut next: Vec<_> = self.rules.iter().map(|rule| rule.find(text, 0)).collect();
        let mut found = Vec::new();
        while let Some((index, range)) = first_of(&next) {
            if let Some(captures) = &next[index] {
                found.push((range.clone(), self.rules[index].new_text(captures)));
            }
            for (rule, next) in self.rules.iter().zip(&mut next) {
                if span(next).is_some_and(|span| span.start < range.end) {
                    *next = rule.find(text, range.end);
                }
            }
        }
        found
    }

    /// Returns the text with all replacements.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for (range, new) in self.matches(text) {
            replaced.push_str(&text[end..range.start]);
            replaced.push_str(&new);
            end = range.end;
        }
        replaced + &text[end..]
    }
}

impl Replacement {
    /// Returns the first match from `at` that is not empty.
    fn find<'t>(&self, text: &'t str, mut at: usize) -> Option<Captures<'t>> {
        loop {
            let captures = self.regex.captures_at(text, at)?;
            let found = captures.get_match();
            if !found.is_empty() {
                return Some(captures);
            }
            let next = text[found.end()..].chars().next()?;
            at = found.end() + next.len_utf8();
        }
    }

    fn new_text(&self, captures: &Captures<'_>) -> String {
        if !self.has_groups {
            return self.text.clone();
        }
        let mut text = String::new();
        captures.expand(&self.text, &mut text);
        text
    }
}

fn span(captures: &Option<Captures<'_>>) -> Option<Range<usize>> {
    captures
        .as_ref()
        .map(|captures| captures.get_match().range())
}

/// Returns the first match, and of several at the same place the longest.
fn first_of(next: &[Option<Captures<'_>>]) -> Option<(usize, Range<usize>)> {
    let spans = next.iter().enumerate();
    let spans = spans.filter_map(|(index, captures)| Some((index, span(captures)?)));
    spans.min_by_key(|(_, span)| (span.start, std::cmp::Reverse(span.end)))
}

/// Returns the regular expression in a pattern, or `None` if it stands for itself.
fn expression(pattern: &str) -> Option<&str> {
    let between = pattern
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    between
        .filter(|between| !between.is_empty())
        .or_else(|| pattern.contains('\\').then_some(pattern))
}

/// Returns the expression for whole words. Scripts without spaces have no boundaries of words.
fn whole_words(pattern: &str) -> String {
    let words: Vec<_> = pattern.split_whitespace().map(regex::escape).collect();
    let boundary = |edge: Option<char>| match edge {
        Some(edge) if edge.is_alphanumeric() && !is_unspaced(edge) => r"\b",
        _ => "",
    };
    let trimmed = pattern.trim();
    let (first, last) = (trimmed.chars().next(), trimmed.chars().next_back());
    format!(
        "{}{}{}",
        boundary(first),
        words.join(r"\s+"),
        boundary(last)
    )
}

/// Returns the last line of a message of the parser, which says what is wrong. The lines before show where.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    one_line(last.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(rules: &[(&str, &str)], text: &str) -> String {
        let mut replacements = Replacements::default();
        for (pattern, new) in rules {
            replacements.set(pattern, new).unwrap();
        }
        replacements.apply(text)
    }

    #[test]
    fn words_are_replaced_as_a_whole() {
        let rules = [("Kubernets", "Kubernetes"), ("new york", "New York")];
        assert_eq!(
            applied(&rules, "Kubernets, (Kubernets) Kubernetsy in new\nyork"),
            "Kubernetes, (Kubernetes) Kubernetsy in New York"
        );
        assert_eq!(
            applied(&[("C++", "cpp"), (".NET", "dotnet")], "C++ or .NET"),
            "cpp or dotnet"
        );
        assert_eq!(applied(&[("北京", "南京")], "我在北京工作"), "我在南京工作");
        assert_eq!(applied(&[("$5", "a $1 note")], "for $5"), "for a $1 note");
    }

    #[test]
    fn expressions_have_groups_and_boundaries() {
        assert_eq!(
            applied(
                &[(r"/\bcolou?r(s?)\b/", "hue$1")],
                "colors, colour, colored"
            ),
            "hues, hue, colored"
        );
        assert_eq!(
            applied(&[(r"(?i)\bjon\b", "John")], "JON and Jonas"),
            "John and Jonas"
        );
        assert_eq!(applied(&[(r"/c|\b/", "y")], "ab c"), "ab y");
    }

    #[test]
    fn the_longest_match_counts_and_names_can_be_exchanged() {
        let rules = [("New York", "NY"), ("New York City", "NYC")];
        assert_eq!(applied(&rules, "New York City, New York"), "NYC, NY");
        assert_eq!(
            applied(&[("Ann", "Bob"), ("Bob", "Ann")], "Ann met Bob"),
            "Bob met Ann"
        );
    }

    #[test]
    fn impossible_patterns_are_rejected() {
        let error = |pattern: &str| {
            let set = Replacements::default().set(pattern, "x");
            set.unwrap_err().to_string()
        };
        assert_eq!(error(" "), "matches an empty text");
        assert_eq!(error("/a*?/"), "matches an empty text");
        assert_eq!(error("/(/"), "is not a valid pattern: unclosed group");
    }

    proptest! {
        #[test]
        fn a_text_without_matches_stays_the_same(text in "\\PC{0,60}") {
            prop_assert_eq!(applied(&[("\u{e000}", "x"), (r"/\bzzz\b/", "y")], &text), text);
        }

        #[test]
        fn replaced_parts_are_in_order(text in "[ab ]{0,40}") {
            let mut replacements = Replacements::default();
            replacements.set("a", "b").unwrap();
            replacements.set("/[ab]+ b/", "").unwrap();
            let matches = replacements.matches(&text);
            prop_assert!(matches.windows(2).all(|pair| pair[0].0.end <= pair[1].0.start));
        }
    }
}
