//! `nightscribe.toml(5)`: the manual page of the configuration, made from `docs/configuration.md`.

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The document. Its tables have a key, its default and its meaning.
const DOCUMENT: &str = include_str!("../../docs/configuration.md");

/// Returns the page.
pub(super) fn configuration_page() -> String {
    let mut page = Roff::new();
    page.control("TH", ["nightscribe.toml", "5", "", "nightscribe"]);
    page.control("SH", ["NAME"]);
    page.text([roman("nightscribe.toml - configuration of nightscribe")]);
    page.control("SH", ["DESCRIPTION"]);
    let mut paragraph = Vec::new();
    for line in DOCUMENT.lines().skip(1).chain([""]) {
        let starts_block = line.starts_with(['#', '|', '-']);
        if (line.is_empty() || starts_block) && !paragraph.is_empty() {
            page.control("PP", []);
            page.text(inlines(&std::mem::take(&mut paragraph).join(" ")));
        }
        if let Some(title) = line.strip_prefix("## ") {
            page.control("SH", [title.trim_matches('`')]);
        } else if let Some(item) = line.strip_prefix("- ") {
            page.control("IP", ["\u{2022}", "2"]);
            page.text(inlines(item));
        } else if line.starts_with("| `") {
            let cells = line.trim_matches(['|', ' ']).split(" | ");
            let [key, default, meaning] = cells.collect::<Vec<_>>()[..] else {
                continue;
            };
            page.control("TP", []);
            page.text(inlines(&format!("{key} ({default})")));
            page.text(inlines(meaning));
        } else if !line.is_empty() && !starts_block {
            paragraph.push(line);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("nightscribe"), roman("(1)")]);
    page.render()
}

/// Returns text with `code` in bold, and links as their text.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts
        .filter(|(_, part)| !part.is_empty())
        .map(|(number, part)| match number % 2 {
            0 => roman(without_links(part)),
            _ => bold(part),
        })
        .collect()
}

fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        match link.split_once("](").and_then(|(label, after)| {
            let (url, after) = after.split_once(')')?;
            Some((label, url, after))
        }) {
            Some((label, url, after)) => {
                plain.push_str(&format!("{label} ({url})"));
                rest = after;
            }
            None => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_text() {
        for (text, plain) in [
            ("a [b](https://c/d) e", "a b (https://c/d) e"),
            ("a [b] c", "a [b] c"),
            ("none", "none"),
        ] {
            assert_eq!(without_links(text), plain);
        }
    }
}
