//! Patterns of `include` and `exclude`, with the rules of gitignore.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::Path;

/// Patterns that select files and folders by their path in a source.
#[derive(Debug, Clone)]
pub struct PathPatterns {
    matcher: Gitignore,
}

impl PathPatterns {
    /// Patterns that match nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            matcher: Gitignore::empty(),
        }
    }

    /// Parses one pattern per string. A leading `./` is ignored, and so is the case of an extension.
    ///
    /// # Errors
    /// The message for the first pattern that is invalid or cannot match.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        // Without a root, paths are matched as they are.
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let rule = pattern.strip_prefix("./").unwrap_or(pattern);
            check(rule).map_err(|reason| format!("`{pattern}` {reason}"))?;
            let added = builder
                .case_insensitive(is_extension(rule))
                .and_then(|builder| builder.add_line(None, rule));
            added.map_err(|error| error.to_string())?;
        }
        let matcher = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { matcher })
    }

    /// Whether there are no patterns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.matcher.is_empty()
    }

    /// Whether a file or folder itself matches. `relative` is its path in the source.
    #[must_use]
    pub fn matches(&self, relative: &Path, is_folder: bool) -> bool {
        !self.is_empty() && self.matcher.matched(relative, is_folder).is_ignore()
    }

    /// Whether a file, or a folder that contains it, matches.
    #[must_use]
    pub fn matches_below(&self, relative: &Path) -> bool {
        !self.is_empty()
            && self
                .matcher
                .matched_path_or_any_parents(relative, false)
                .is_ignore()
    }
}

/// Rejects a pattern that matches no path in a source.
fn check(pattern: &str) -> Result<(), &'static str> {
    let plain = pattern.trim_start_matches('!').trim();
    if plain.is_empty() || plain == "/" {
        return Err("matches nothing");
    }
    if plain.starts_with('#') {
        return Err("is a comment; write `\\#` for a name that starts with `#`");
    }
    if plain.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("cannot match; patterns apply to paths within the source");
    }
    Ok(())
}

/// Whether the last part of a pattern stands for an extension, as in `*.mp3`.
fn is_extension(pattern: &str) -> bool {
    let last = pattern.rsplit('/').next().unwrap_or(pattern);
    last.starts_with("*.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(pattern: &str) -> PathPatterns {
        PathPatterns::parse([pattern]).unwrap()
    }

    #[test]
    fn every_spelling_of_a_folder_leaves_it_out() {
        for pattern in [
            "Archive",
            "Archive/",
            "/Archive",
            "/Archive/",
            "/Archive/**",
            "./Archive/**",
            "Archive/**",
        ] {
            let patterns = patterns(pattern);
            assert!(
                patterns.matches_below(Path::new("Archive/2019/old.wav")),
                "{pattern}"
            );
            assert!(
                !patterns.matches_below(Path::new("Archived/old.wav")),
                "{pattern}"
            );
        }
        assert!(patterns("Archive").matches(Path::new("a/Archive"), true));
        assert!(!patterns("/Archive").matches(Path::new("a/Archive"), true));
        assert!(!patterns("Archive/").matches(Path::new("Archive"), false));
    }

    #[test]
    fn patterns_follow_gitignore() {
        assert!(patterns("*.mp3").matches(Path::new("a/b.MP3"), false));
        assert!(patterns("**/*.{mp3,wav}").matches(Path::new("b.Wav"), false));
        assert!(patterns("draft*").matches(Path::new("a/draft 1.mp3"), false));
        assert!(!patterns("/a/*.mp3").matches(Path::new("a/b/c.mp3"), false));
        let kept = PathPatterns::parse(["a/*", "!a/keep.mp3"]).unwrap();
        assert!(kept.matches(Path::new("a/b.mp3"), false));
        assert!(!kept.matches(Path::new("a/keep.mp3"), false));
        assert!(!PathPatterns::empty().matches_below(Path::new("a")));
    }

    #[test]
    fn patterns_that_cannot_match_are_rejected() {
        for pattern in ["", "/", "../a", "a/../b", "./", "#recycle", "!"] {
            assert!(PathPatterns::parse([pattern]).is_err(), "{pattern}");
        }
    }
}
