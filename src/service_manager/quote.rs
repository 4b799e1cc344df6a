//! Quoting of paths in a systemd unit. Lists are split at spaces, unless quoted. `%` starts a specifier everywhere. `$`
//! starts a variable in command arguments.

/// Quotes a path as one item of a list.
#[must_use]
pub fn list_item(path: &str) -> String {
    let escaped = escape_specifiers(path)
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+@,%".contains(char);
    if escaped.chars().all(is_plain) {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

/// Quotes a path as an argument of a command.
#[must_use]
pub fn argument(path: &str) -> String {
    list_item(path).replace('$', "$$")
}

/// Escapes a path that fills the rest of its line, where only specifiers are expanded.
#[must_use]
pub fn escape_specifiers(path: &str) -> String {
    path.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_unchanged() {
        assert_eq!(list_item("/srv/a-b_c.d/é"), "/srv/a-b_c.d/é");
        assert_eq!(argument("/usr/bin/nightscribe"), "/usr/bin/nightscribe");
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(list_item("/a b"), r#""/a b""#);
        assert_eq!(list_item("/100%"), "/100%%");
        assert_eq!(list_item(r#"/a"b\c"#), r#""/a\"b\\c""#);
        assert_eq!(list_item("/it's"), r#""/it's""#);
        assert_eq!(list_item("/$HOME"), r#""/$HOME""#);
        assert_eq!(argument("/$HOME"), r#""/$$HOME""#);
        assert_eq!(escape_specifiers(r#"/a "b" 5%"#), r#"/a "b" 5%%"#);
    }
}
