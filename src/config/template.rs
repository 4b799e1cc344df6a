//! The annotated configuration file, as `init` writes it.

use super::system::{KEY_FILE, is_system_config, template_of};
use std::path::Path;

/// First line of the section that is filled in.
const SOURCE: &str = "# [[source]]";

/// Line of the key file, commented out.
const KEY_LINE: &str = "# key_file = \"~/.config/nightscribe/key\"";

/// Returns the annotated file to write to `file`. That of the whole machine names its key file.
#[must_use]
pub fn template_for(file: &Path) -> String {
    let text = template_of(file);
    match is_system_config(file) {
        true => text.replace(KEY_LINE, &format!("key_file = {}", quoted(KEY_FILE))),
        false => text.into_owned(),
    }
}

/// Returns the annotated file `template` with a source of this name for the folder `path`.
#[must_use]
pub fn template_with_source(template: &str, name: &str, path: &str) -> String {
    let mut text = String::new();
    let mut is_source = false;
    for line in template.lines() {
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
    use crate::config::{Environment, KeySource, TEMPLATE, load};

    #[test]
    fn the_filled_in_source_is_used() {
        let text = template_with_source(TEMPLATE, "a b", "/c\\d \"e\"");
        let environment = Environment::default();
        let config = load::from_text(Some("/n.toml".into()), &text, &environment).unwrap();
        let source = &config.sources[0];
        assert_eq!(source.name, "a b");
        assert_eq!(source.path, Path::new("/c\\d \"e\""));
        assert!(source.include.is_none() && source.request.options().is_empty());
    }

    #[test]
    fn the_machine_s_file_names_its_folders_and_key() {
        let file = Path::new("/etc/nightscribe/config.toml");
        let text = template_for(file);
        let config = load::from_text(Some(file.into()), &text, &Environment::default()).unwrap();
        assert_eq!(config.api.key, KeySource::File(KEY_FILE.into()));
        assert!(text.contains("\ndir = \"/var/lib/nightscribe/state\"\n"));
        assert!(text.contains("\ndir = \"/var/lib/nightscribe/transcripts\"\n"));
        assert_eq!(
            template_for(Path::new("/home/ann/nightscribe.toml")),
            TEMPLATE
        );
    }
}
