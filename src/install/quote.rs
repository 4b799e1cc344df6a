//! Paths in a unit. A unit's lists are split at spaces, unless quoted; `%` begins a specifier everywhere, and `$` a
//! variable in the arguments of a command.

/// A path as one item of a list.
#[must_use]
pub fn item(path: &str) -> String {
    let escaped = bare(path).replace('\\', "\\\\").replace('"', "\\\"");
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+@,%".contains(char);
    if escaped.chars().all(is_plain) {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

/// A path as an argument of a command.
#[must_use]
pub fn argument(path: &str) -> String {
    item(path).replace('$', "$$")
}

/// A path that fills the rest of its line, as nothing but specifiers is read there.
#[must_use]
pub fn bare(path: &str) -> String {
    path.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_stays_as_it_is() {
        assert_eq!(item("/srv/a-b_c.d/é"), "/srv/a-b_c.d/é");
        assert_eq!(argument("/usr/bin/nightscribe"), "/usr/bin/nightscribe");
    }

    #[test]
    fn what_a_unit_would_read_differently_is_escaped() {
        assert_eq!(item("/a b"), r#""/a b""#);
        assert_eq!(item("/100%"), "/100%%");
        assert_eq!(item(r#"/a"b\c"#), r#""/a\"b\\c""#);
        assert_eq!(item("/it's"), r#""/it's""#);
        assert_eq!(item("/$HOME"), r#""/$HOME""#);
        assert_eq!(argument("/$HOME"), r#""/$$HOME""#);
        assert_eq!(bare(r#"/a "b" 5%"#), r#"/a "b" 5%%"#);
    }
}
