//! A query as expressions of FTS5.

use crate::domain::search::query::{Group, Phrase, Query, Term};

/// Expression for each table. At least one is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expressions {
    /// In `transcript_search`.
    pub(super) words: Option<String>,
    /// In `search_beginnings`.
    pub(super) beginnings: Option<String>,
}

/// Returns the expressions of a query.
///
/// Each phrase is quoted. Its words have only letters, digits and marks, so nothing in it can end the quote.
pub(super) fn expressions(query: &Query) -> Expressions {
    let is_short = |group: &&Group| group.iter().all(is_short_prefix);
    let (mut short, mut others): (Vec<&Group>, Vec<&Group>) = query.all.iter().partition(is_short);
    let speakers: Vec<_> = query.filters.speakers.iter().map(phrase).collect();
    // An expression cannot consist of what must not occur.
    if others.is_empty() && speakers.is_empty() && !query.none.is_empty() {
        others.append(&mut short);
    }
    let mut required = Vec::new();
    if !others.is_empty() {
        let groups: Vec<_> = others.into_iter().map(|group| any_of(group)).collect();
        required.push(format!("words : ({})", groups.join(" AND ")));
    }
    if !speakers.is_empty() {
        required.push(format!("speakers : ({})", speakers.join(" OR ")));
    }
    let words = match &*required {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!("({})", required.join(") AND ("))),
    };
    let words = words.map(|required| match &*query.none {
        [] => required,
        none => format!("({required}) NOT (words : {})", any_of(none)),
    });
    let short: Vec<_> = short.into_iter().map(beginnings).collect();
    Expressions {
        words,
        beginnings: (!short.is_empty()).then(|| short.join(" AND ")),
    }
}

fn is_short_prefix(term: &Term) -> bool {
    matches!(term, Term::Phrase(phrase) if phrase.short_prefix().is_some())
}

/// Returns short prefixes of which one must occur.
fn beginnings(group: &Group) -> String {
    let phrases = group.iter().flat_map(Term::phrases);
    let prefixes = phrases.filter_map(Phrase::short_prefix);
    let quoted: Vec<_> = prefixes.map(|prefix| format!("\"{prefix}\"")).collect();
    format!("({})", quoted.join(" OR "))
}

fn any_of(terms: &[Term]) -> String {
    let terms: Vec<_> = terms.iter().map(term).collect();
    format!("({})", terms.join(" OR "))
}

fn term(term: &Term) -> String {
    match term {
        Term::Phrase(one) => phrase(one),
        Term::Near { phrases, distance } => {
            let phrases: Vec<_> = phrases.iter().map(phrase).collect();
            format!("NEAR({}, {distance})", phrases.join(" "))
        }
    }
}

fn phrase(phrase: &Phrase) -> String {
    let end = if phrase.is_prefix { " *" } else { "" };
    format!("\"{}\"{end}", phrase.words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::parse::parse;

    #[test]
    fn phrases_are_quoted_and_kept_in_their_columns() {
        let words = |query: &str| expressions(&parse(query).unwrap()).words.unwrap();
        assert_eq!(
            words("COVID-19 budg* OR AND"),
            r#"words : (("covid 19") AND ("budg" * OR "and"))"#
        );
        assert_eq!(
            words("a NEAR/3 \"b c\" -d -\"e f\" speaker:Anna speaker:bo*"),
            r#"((words : ((NEAR("a" "b c", 3)))) AND (speakers : ("anna" OR "bo" *))) NOT (words : ("d" OR "e f"))"#
        );
    }

    #[test]
    fn short_prefixes_are_searched_on_their_own() {
        let shown = |query: &str| {
            let Expressions { words, beginnings } = expressions(&parse(query).unwrap());
            [words, beginnings].map(Option::unwrap_or_default)
        };
        assert_eq!(
            shown("st* OR co* bud*"),
            ["", r#"("st" OR "co") AND ("bud")"#]
        );
        assert_eq!(
            shown("st* budget -plan"),
            [
                r#"(words : (("budget"))) NOT (words : ("plan"))"#,
                r#"("st")"#
            ]
        );
        assert_eq!(
            shown("st* speaker:anna"),
            [r#"speakers : ("anna")"#, r#"("st")"#]
        );
        // Neither longer ones, nor those beside other words.
        let words = |query| shown(query)[0].clone();
        assert_eq!(words("stra*"), r#"words : (("stra" *))"#);
        assert_eq!(words("st* OR budget"), r#"words : (("st" * OR "budget"))"#);
        assert_eq!(words("\"the st\"*"), r#"words : (("the st" *))"#);
        assert_eq!(
            words("st* -plan"),
            r#"(words : (("st" *))) NOT (words : ("plan"))"#
        );
    }
}
