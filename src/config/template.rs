//! The annotated configuration file, with a source filled in.

use super::TEMPLATE;

/// First line of the section that is filled in.
const SOURCE: &str = "# [[source]]";

/// Returns the annotated file with a source of this name for the folder `path`.
#[must_use]
pub fn template_with_source(name: &str, path: &str) -> String {
    let mut text = String::new();
    let mut is_source = false;
    for line in TEMPLATE.lines() {
        is_source |= line == SOURCE;
        let line = match line.strip_prefix('#').filter(|_| is_source) {
            Some(code) => code.strip_prefix(' ').unwrap_or(code),
            None => line,
        };
        match line.split_once(" = ") {
            Some((key @ "name", _)) if is_source => {
                text.push_str(&format!("{key} = {}\n", quoted(name)))
            }
            Some((key @ "path", _)) if is_source => {
                text.push_str(&format!("{key} = {}\n", quoted(path)))
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Returns a text as a string of TOML.
fn quoted(text: &str) -> String {
    // The escapes of JSON are valid in TOML.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use std::path::Path;

    #[test]
    fn the_filled_in_source_is_used() {
        let text = template_with_source("a b", "/c\\d \"e\"");
        let environment = Environment::default();
        let config = load::from_text(Some("/n.toml".into()), &text, &environment).unwrap();
        let source = &config.sources[0];
        assert_eq!(source.name, "a b");
        assert_eq!(source.path, Path::new("/c\\d \"e\""));
        assert!(source.include.is_none() && source.request.options().is_empty());
    }
}
