//! Names and replacements of sources and folders, as they are when files are rendered.

use crate::config::{SourceConfig, folder_rules};
use crate::domain::rendering::RenderRules;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::{Location, Recording};
use crate::source::folder::walk::RULES_FILE;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Rules of all sources. Those of folders are read from their files.
pub struct RuleBook {
    sources: Vec<SourceRules>,
}

struct SourceRules {
    name: String,
    root: PathBuf,
    rules: RenderRules,
}

/// Rules for a recording, as far as they could be read.
pub struct FoundRules {
    /// Rules of the source and of the folders that could be read.
    pub rules: RenderRules,
    /// Why others could not be read.
    pub problem: Option<String>,
}

impl RuleBook {
    /// Starts with the rules of the sources.
    #[must_use]
    pub fn new(sources: &[SourceConfig]) -> Self {
        let sources = sources.iter().map(|source| SourceRules {
            name: source.name.clone(),
            root: source.path.clone(),
            rules: source.rules.clone(),
        });
        Self {
            sources: sources.collect(),
        }
    }

    /// Returns the rules for a recording: those of its source, then of each folder down to its own, then `names`, which were
    /// given to its speakers. Blocks.
    #[must_use]
    pub fn find(&self, recording: &Recording, names: Option<SpeakerNames>) -> FoundRules {
        let mut found = self.configured(recording);
        found.rules.speakers.extend(names.unwrap_or_default());
        found
    }

    fn configured(&self, recording: &Recording) -> FoundRules {
        let source = self
            .sources
            .iter()
            .find(|one| *one.name == *recording.source);
        let Some(source) = source else {
            return FoundRules {
                rules: RenderRules::default(),
                problem: None,
            };
        };
        let mut found = FoundRules {
            rules: source.rules.clone(),
            problem: None,
        };
        if let Location::File(path) = &recording.location
            && let Ok(relative) = path.strip_prefix(&source.root)
        {
            found.add_folders(&source.root, relative);
        }
        found
    }
}

impl FoundRules {
    /// Returns the rules that could be read, and logs why others could not.
    #[must_use]
    pub fn readable(self) -> RenderRules {
        if let Some(problem) = &self.problem {
            tracing::warn!(problem = %problem, "some names or replacements are not applied");
        }
        self.rules
    }

    fn add_folders(&mut self, root: &Path, relative: &Path) {
        if !root.is_dir() {
            let root = root.display();
            self.problem = Some(format!(
                "{root}: cannot be read, so its folder rules are unknown"
            ));
            return;
        }
        let mut folders: Vec<_> = relative.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            let file = root.join(folder).join(RULES_FILE);
            match file.symlink_metadata() {
                Ok(metadata) if metadata.is_file() => {
                    match folder_rules::render_rules_for_folder(&file) {
                        Ok(rules) => self.rules.extend(rules),
                        Err(problem) => self.problem = Some(problem),
                    }
                }
                Err(error)
                    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    let file = file.display();
                    self.problem = Some(format!("{file}: cannot be read: {error}"));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Revision, Timestamp};
    use std::fs;

    fn recording(path: PathBuf) -> Recording {
        Recording {
            source: "talks".into(),
            location: Location::File(path),
            relative: PathBuf::new(),
            revision: Revision {
                size_bytes: 0,
                modified: Timestamp::from_millis(0),
            },
        }
    }

    fn book(root: &Path) -> RuleBook {
        let mut rules = RenderRules::default();
        rules.speakers.set("0", "Source").unwrap();
        rules.speakers.set("1", "Source").unwrap();
        RuleBook {
            sources: vec![SourceRules {
                name: "talks".to_owned(),
                root: root.to_owned(),
                rules,
            }],
        }
    }

    fn name(found: &FoundRules, key: &str) -> String {
        found.rules.speakers.get(key).unwrap_or_default().to_owned()
    }

    #[test]
    fn the_nearest_folder_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, text: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(RULES_FILE), text).unwrap();
        };
        write("a", "[speakers]\n0 = 'Anna'\n2 = 'Bo'\n");
        write(
            "a/b",
            "model = 'any'\n[speakers]\n2 = 'Cleo'\n[replace]\n'x' = 'y'\n",
        );
        let book = book(root.path());
        let found = book.find(&recording(root.path().join("a/b/1.wav")), None);
        let names = ["0", "1", "2"].map(|key| name(&found, key));
        assert_eq!(names, ["Anna", "Source", "Cleo"]);
        assert_eq!(found.rules.replacements.apply("x"), "y");
        assert_eq!(found.problem, None);
        let mut names = SpeakerNames::default();
        names.set("1", "Dana").unwrap();
        let outside = book.find(&recording("/elsewhere/1.wav".into()), Some(names));
        assert_eq!(
            ["0", "1"].map(|key| name(&outside, key)),
            ["Source", "Dana"]
        );
    }

    #[test]
    fn rules_that_cannot_be_read_are_a_problem() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("1.wav");
        fs::write(root.path().join(RULES_FILE), "[replace]\n'/(/' = ''\n").unwrap();
        let found = book(root.path()).find(&recording(path.clone()), None);
        let problem = found.problem.unwrap();
        assert!(
            problem.contains(":2:1: folder rules: [replace] `/(/` is not a valid pattern"),
            "{problem}"
        );
        assert_eq!(found.rules.speakers.get("0"), Some("Source"));
        drop(root);
        let gone = book(path.parent().unwrap()).find(&recording(path), None);
        assert!(gone.problem.unwrap().contains("cannot be read"));
    }
}
