//! A query as an expression of FTS5.

use crate::domain::search::query::{Phrase, Query, Term};

/// Returns the expression of a query.
///
/// Each phrase is quoted. Its words have only letters, digits and marks, so nothing in it can end the quote.
pub(super) fn expression(query: &Query) -> String {
    let groups: Vec<_> = query.all.iter().map(|group| any_of(group)).collect();
    let mut expression = format!("words : ({})", groups.join(" AND "));
    let speakers: Vec<_> = query.filters.speakers.iter().map(phrase).collect();
    if !speakers.is_empty() {
        expression = format!(
            "({expression}) AND (speakers : ({}))",
            speakers.join(" OR ")
        );
    }
    if !query.none.is_empty() {
        expression = format!("({expression}) NOT (words : {})", any_of(&query.none));
    }
    expression
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
        let shown = |query: &str| expression(&parse(query).unwrap());
        assert_eq!(
            shown("COVID-19 bud* OR AND"),
            r#"words : (("covid 19") AND ("bud" * OR "and"))"#
        );
        assert_eq!(
            shown("a NEAR/3 \"b c\" -d -\"e f\" speaker:Anna speaker:bo*"),
            r#"((words : ((NEAR("a" "b c", 3)))) AND (speakers : ("anna" OR "bo" *))) NOT (words : ("d" OR "e f"))"#
        );
    }
}
