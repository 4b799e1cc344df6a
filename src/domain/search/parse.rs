//! The language of queries.
//!
//! - `budget plan`: both words, anywhere in the transcript. Punctuation and case do not count.
//! - `"quarterly budget"`: a phrase. A word that has several parts, as `COVID-19`, is a phrase, too.
//! - `bud*`: words that begin so.
//! - `budget OR costs`: one of both. `OR` binds closer than the space between words.
//! - `-draft`: not this word or phrase.
//! - `NEAR(budget costs, 5)`, `budget NEAR costs`: at most so many words apart, 10 by default.
//! - `source:talks`, `speaker:"Anna B"`, `lang:de`, `after:2026-10-01`, `before:2026-11-01`: filters.

use super::lexer::{Kind, Token, UnclosedQuote, tokens};
use super::query::{Filters, Phrase, Query, Term};
use super::words::{Words, is_single_character};
use crate::domain::Language;
use crate::domain::did_you_mean::suggestion;

/// Distance of `NEAR` without a number.
const DISTANCE: u32 = 10;
/// Largest distance.
const MAX_DISTANCE: u32 = 10_000;
/// Largest number of characters of a query. More is not typed.
const MAX_CHARS: usize = 1000;
/// Largest number of terms. The time of a search grows with it.
const MAX_TERMS: usize = 64;
/// Names of the filters.
const FILTERS: [&str; 5] = ["source", "speaker", "lang", "after", "before"];

/// Error for a query that has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} of the query: {reason}")]
pub struct QueryError {
    /// Column in the query, from 1.
    pub column: usize,
    /// Reason, as a lowercase fragment.
    pub reason: String,
}

fn error(column: usize, reason: impl Into<String>) -> QueryError {
    let reason = reason.into();
    QueryError { column, reason }
}

/// Parses a query.
///
/// # Errors
/// If it has no word that must occur, or an operator or filter is not valid.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.chars().count() > MAX_CHARS {
        return Err(error(
            MAX_CHARS + 1,
            format!("a query has at most {MAX_CHARS} characters"),
        ));
    }
    let tokens =
        tokens(text).map_err(|UnclosedQuote(column)| error(column, "the quote is not closed"))?;
    refuse_groups(&tokens)?;
    let mut parser = Parser::default();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        parser.add(token, &mut tokens)?;
    }
    parser.finish()
}

/// Refuses brackets next to operators: they would be ignored, and the query would mean something else.
fn refuse_groups(tokens: &[Token]) -> Result<(), QueryError> {
    let has_operator = tokens
        .iter()
        .any(|token| matches!(token.kind, Kind::Or | Kind::Near(_)));
    let bracket = tokens.iter().find(|token| match &token.kind {
        Kind::Text {
            text, is_quoted, ..
        } => !is_quoted && text.starts_with('('),
        _ => false,
    });
    match bracket {
        Some(token) if has_operator => Err(error(
            token.column,
            "words cannot be grouped with brackets; `OR` joins the words next to it",
        )),
        _ => Ok(()),
    }
}

/// An operator that waits for the term after it.
#[derive(Debug, Clone, Copy)]
enum Operator {
    Or,
    Near(u32),
}

#[derive(Default)]
struct Parser {
    all: Vec<Vec<Term>>,
    none: Vec<Term>,
    filters: Filters,
    /// Operator with its column.
    operator: Option<(Operator, usize)>,
    /// Whether the last token was a term that an operator can follow.
    after_term: bool,
}

impl Parser {
    fn add(
        &mut self,
        Token { kind, column }: Token,
        rest: &mut impl Iterator<Item = Token>,
    ) -> Result<(), QueryError> {
        match kind {
            Kind::Or => self.operator(Operator::Or, column),
            Kind::Near(distance) => {
                self.operator(Operator::Near(valid_distance(distance, column)?), column)
            }
            Kind::NearOpen => {
                let near = near_group(column, rest)?;
                self.term(near, column)
            }
            Kind::NearClose(_) => Ok(()),
            Kind::Filter {
                name,
                value,
                is_excluded,
            } => {
                self.require_no_operator()?;
                self.after_term = false;
                if is_excluded {
                    let reason = format!("the filter `{name}:` cannot be excluded; {}", quote_it());
                    return Err(error(column, reason));
                }
                self.filter(&name, &value, column)
            }
            Kind::Text {
                text,
                is_prefix,
                is_excluded,
                ..
            } => {
                let Some(phrase) = phrase(&text, is_prefix, column)? else {
                    return Ok(());
                };
                if is_excluded {
                    self.require_no_operator()?;
                    self.after_term = false;
                    self.none.push(Term::Phrase(phrase));
                    return Ok(());
                }
                self.term(Term::Phrase(phrase), column)
            }
        }
    }

    fn operator(&mut self, operator: Operator, column: usize) -> Result<(), QueryError> {
        if !self.after_term || self.operator.is_some() {
            return Err(misplaced(operator, column));
        }
        self.operator = Some((operator, column));
        Ok(())
    }

    fn require_no_operator(&self) -> Result<(), QueryError> {
        match self.operator {
            Some((operator, column)) => Err(misplaced(operator, column)),
            None => Ok(()),
        }
    }

    fn term(&mut self, term: Term, column: usize) -> Result<(), QueryError> {
        let terms = self.all.iter().map(Vec::len).sum::<usize>() + self.none.len();
        if terms >= MAX_TERMS {
            return Err(error(
                column,
                format!("a query has at most {MAX_TERMS} words and phrases"),
            ));
        }
        self.after_term = true;
        match (self.operator.take(), self.all.last_mut()) {
            (None, _) | (_, None) => self.all.push(vec![term]),
            (Some((Operator::Or, _)), Some(group)) => group.push(term),
            (Some((operator @ Operator::Near(distance), at)), Some(group)) => {
                let joined = group.pop().and_then(|before| near(before, term, distance));
                group.push(joined.ok_or_else(|| misplaced(operator, at))?);
            }
        }
        Ok(())
    }

    fn filter(&mut self, name: &str, value: &str, column: usize) -> Result<(), QueryError> {
        let known = FILTERS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name));
        let Some(known) = known else {
            let meant = suggestion(name, FILTERS);
            let meant = if meant.is_empty() {
                format!("; {}", quote_it())
            } else {
                meant
            };
            let reason = format!("there is no filter `{name}:`{meant}");
            return Err(error(column, reason));
        };
        if value.trim().is_empty() {
            return Err(error(
                column,
                format!("the filter `{known}:` needs a value"),
            ));
        }
        let day = || {
            value.parse().map_err(|_| {
                let reason = format!("`{known}:` expects a day like 2026-11-01, found `{value}`");
                error(column, reason)
            })
        };
        let filters = &mut self.filters;
        match known {
            "source" => filters.sources.push(value.to_owned()),
            "speaker" => filters.speakers.push(speaker(value, column)?),
            "lang" => {
                let language = Language::parse(value).ok_or_else(|| {
                    let reason =
                        format!("`lang:` expects a language like de or pt-BR, found `{value}`");
                    error(column, reason)
                })?;
                filters.languages.push(language);
            }
            "after" => filters.after = Some(day()?),
            _ => filters.before = Some(day()?),
        }
        Ok(())
    }

    fn finish(self) -> Result<Query, QueryError> {
        self.require_no_operator()?;
        if self.all.is_empty() {
            return Err(error(
                1,
                "a search needs a word or phrase that occurs in the transcript",
            ));
        }
        Ok(Query {
            all: self.all,
            none: self.none,
            filters: self.filters,
        })
    }
}

fn quote_it() -> &'static str {
    "quote the text to search for it"
}

fn misplaced(operator: Operator, column: usize) -> QueryError {
    let name = match operator {
        Operator::Or => "OR",
        Operator::Near(_) => "NEAR",
    };
    let reason = format!(
        "`{name}` needs a word or phrase before and after it; {}",
        quote_it()
    );
    error(column, reason)
}

fn valid_distance(distance: Option<u32>, column: usize) -> Result<u32, QueryError> {
    match distance.unwrap_or(DISTANCE) {
        distance @ 0..=MAX_DISTANCE => Ok(distance),
        _ => Err(error(
            column,
            format!("`NEAR` reaches at most {MAX_DISTANCE} words"),
        )),
    }
}

/// Reads the phrases of `NEAR(`.
fn near_group(column: usize, tokens: &mut impl Iterator<Item = Token>) -> Result<Term, QueryError> {
    let mut phrases = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::NearClose(distance) if phrases.len() >= 2 => {
                let distance = valid_distance(distance, token.column)?;
                return Ok(Term::Near { phrases, distance });
            }
            Kind::NearClose(_) => {
                return Err(error(column, "`NEAR(` needs at least two words or phrases"));
            }
            Kind::Text {
                text,
                is_prefix,
                is_excluded: false,
                ..
            } if phrases.len() < MAX_TERMS => {
                phrases.extend(phrase(&text, is_prefix, token.column)?)
            }
            _ => return Err(error(token.column, "`NEAR(` takes only words and phrases")),
        }
    }
    Err(error(
        column,
        "`NEAR(` is not closed; write NEAR(one two, 10)",
    ))
}

/// Joins two terms by `NEAR`. `None` unless both are phrases, or the first is such a join.
fn near(before: Term, after: Term, distance: u32) -> Option<Term> {
    let Term::Phrase(after) = after else {
        return None;
    };
    let (mut phrases, distance) = match before {
        Term::Phrase(before) => (vec![before], distance),
        Term::Near {
            phrases,
            distance: before,
        } => (phrases, distance.max(before)),
    };
    phrases.push(after);
    Some(Term::Near { phrases, distance })
}

/// Returns the phrase of a text. `None` if it has no words.
fn phrase(text: &str, is_prefix: bool, column: usize) -> Result<Option<Phrase>, QueryError> {
    let words: Vec<_> = Words::of(text)
        .iter()
        .map(|(word, _)| word.to_owned())
        .collect();
    let Some(last) = words.last() else {
        return Ok(None);
    };
    if is_prefix && words.len() == 1 && last.chars().count() < 2 && !is_single_character(last) {
        return Err(error(
            column,
            format!("`{last}*` is too short; `*` follows two letters or more"),
        ));
    }
    Ok(Some(Phrase { words, is_prefix }))
}

fn speaker(value: &str, column: usize) -> Result<Phrase, QueryError> {
    let is_prefix = value.ends_with('*');
    let phrase = phrase(value, is_prefix, column)?;
    phrase.ok_or_else(|| error(column, "`speaker:` needs a name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(query) => show(&query),
            Err(error) => error.to_string(),
        }
    }

    fn show(query: &Query) -> String {
        let group = |group: &Vec<Term>| group.iter().map(show_term).collect::<Vec<_>>().join("|");
        let mut shown: Vec<_> = query.all.iter().map(group).collect();
        shown.extend(
            query
                .none
                .iter()
                .map(|term| format!("-{}", show_term(term))),
        );
        shown.join(" & ")
    }

    fn show_term(term: &Term) -> String {
        let shown: Vec<_> = term.phrases().iter().map(show_phrase).collect();
        match term {
            Term::Phrase(_) => shown.concat(),
            Term::Near { distance, .. } => format!("near{distance}({})", shown.join(", ")),
        }
    }

    fn show_phrase(phrase: &Phrase) -> String {
        let end = if phrase.is_prefix { "*" } else { "" };
        format!("[{}{end}]", phrase.words.join(" "))
    }

    #[test]
    fn words_phrases_and_prefixes() {
        assert_eq!(shown("Budget plan"), "[budget] & [plan]");
        assert_eq!(
            shown("\"quarterly budget\" bud*"),
            "[quarterly budget] & [bud*]"
        );
        assert_eq!(shown("“quarterly bud”*"), "[quarterly bud*]");
        assert_eq!(
            shown("COVID-19 what? 10:30 https://a.b/c"),
            "[covid 19] & [what] & [10 30] & [https a b c]"
        );
        assert_eq!(shown("会議 c++ - & ?"), "[会 議] & [c]");
        assert_eq!(
            shown("NEARBY ORAL or near"),
            "[nearby] & [oral] & [or] & [near]"
        );
    }

    #[test]
    fn operators_join_the_words_next_to_them() {
        assert_eq!(shown("a OR b c"), "[a]|[b] & [c]");
        assert_eq!(shown("a b OR \"c d\" OR e"), "[a] & [b]|[c d]|[e]");
        assert_eq!(shown("a -b -\"c d\""), "[a] & -[b] & -[c d]");
        assert_eq!(shown("a NEAR b"), "near10([a], [b])");
        assert_eq!(shown("x OR a NEAR/3 b NEAR c"), "[x]|near10([a], [b], [c])");
        assert_eq!(
            shown("NEAR(a \"b c\" d*e, 5) f"),
            "near5([a], [b c], [d e]) & [f]"
        );
        assert_eq!(shown("NEAR(a,b)"), "near10([a], [b])");
    }

    #[test]
    fn filters_are_read() {
        let query =
            parse("x source:talks SOURCE:\"my talks\" speaker:Anna lang:german after:2026-10-01")
                .unwrap();
        let filters = query.filters;
        assert_eq!(filters.sources, ["talks", "my talks"]);
        assert_eq!(filters.speakers[0].words, ["anna"]);
        assert_eq!(filters.languages[0].to_string(), "de");
        assert_eq!(filters.after.unwrap().to_string(), "2026-10-01");
        assert_eq!(filters.before, None);
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_its_column() {
        insta::assert_snapshot!(
            "refused_queries",
            [
                "",
                "?!",
                "source:talks",
                "-a",
                "a \"b",
                "a souce:talks",
                "a Note: b",
                "a -source:talks",
                "a lang:xyzzy",
                "a before:tomorrow",
                "a speaker:?",
                "a source:",
                "OR a",
                "a OR",
                "a OR OR b",
                "a OR -b",
                "-a OR b",
                "a NEAR source:x",
                "NEAR(a b",
                "NEAR(a)",
                "NEAR(a -b)",
                "a NEAR/20000 b",
                "a NEAR NEAR(b c)",
                "(a b) OR c",
                "a*",
            ]
            .map(|query| format!("{query:20} {}\n", shown(query)))
            .concat()
        );
    }

    #[test]
    fn large_queries_are_refused() {
        assert!(shown(&"a".repeat(1001)).contains("at most 1000 characters"));
        assert!(shown(&"a ".repeat(65)).contains("at most 64 words"));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_every_query_has_words(text in "(\\PC|[a\"*():,/ -]|OR |NEAR |NEAR\\(|source:){0,30}") {
            if let Ok(query) = parse(&text) {
                prop_assert!(!query.all.is_empty());
                let terms = query.all.iter().flatten().chain(&query.none);
                for term in terms {
                    prop_assert!(term.phrases().iter().all(|phrase| !phrase.words.is_empty()));
                }
            }
        }
    }
}
