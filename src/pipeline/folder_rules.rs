//! Rules of folders on a walk: which of them a recording goes by, and which hold afterwards.

use crate::config::{Source, folder};
use crate::domain::Request;
use crate::media::walk::RULES;
use crate::store::rules::Rule;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rules that a walk has met.
#[derive(Debug)]
pub struct Met {
    root: PathBuf,
    source: Arc<Request>,
    any_model: bool,
    /// Those that the walk is inside of, the deepest last.
    around: Vec<(PathBuf, Arc<Request>)>,
    rules: Vec<Rule>,
    /// What could not be looked at.
    unseen: Vec<PathBuf>,
}

impl Met {
    /// None, at the beginning.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        Self {
            root: source.path.clone(),
            source: Arc::new(source.request.clone()),
            any_model: source.any_model,
            around: Vec::new(),
            rules: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// The walk has come upon the rules of a folder. Reads them.
    ///
    /// # Errors
    /// Why they are none: nothing in the folder is to be taken then.
    pub fn enter(&mut self, folder: PathBuf) -> Result<(), String> {
        self.leave(&folder);
        let above = self.around.last().map_or(&self.source, |(_, above)| above);
        let path = self.root.join(&folder).join(RULES);
        let request = folder::request_below(&path, above, self.any_model);
        let request = request.inspect_err(|_| self.unseen.push(folder.clone()))?;
        self.rules.push(Rule {
            folder: folder.clone(),
            request: request.clone(),
        });
        self.around.push((folder, Arc::new(request)));
        Ok(())
    }

    /// What is asked for a recording; `None`: what its source says.
    pub fn request_of(&mut self, relative: &Path) -> Option<Arc<Request>> {
        self.leave(relative);
        self.around.last().map(|(_, request)| request.clone())
    }

    /// A folder cannot be looked at: what was known of it holds.
    pub fn overlook(&mut self, path: &Path) {
        self.unseen
            .extend(path.strip_prefix(&self.root).map(Path::to_owned));
    }

    /// The walk is at `relative`, and no longer in any folder that is not above it.
    fn leave(&mut self, relative: &Path) {
        while let Some((folder, _)) = self.around.last()
            && !relative.starts_with(folder)
        {
            self.around.pop();
        }
    }

    /// The rules that hold after a whole walk, by folder. What was known before goes only where it was seen that it is
    /// gone: not with a folder that cannot be read, or with a disk that is not there.
    #[must_use]
    pub fn after(self, before: &[Rule], is_there: impl Fn(&Path) -> bool) -> Vec<Rule> {
        let is_met = |folder: &Path| self.rules.iter().any(|rule| rule.folder == folder);
        let is_unseen = |folder: &Path| self.unseen.iter().any(|unseen| folder.starts_with(unseen));
        let kept = before.iter().filter(|rule| {
            !is_met(&rule.folder)
                && (is_unseen(&rule.folder) || !is_there(&self.root.join(&rule.folder)))
        });
        let mut rules: Vec<_> = kept.cloned().collect();
        rules.extend(self.rules);
        rules.sort_by(|a, b| a.folder.as_os_str().cmp(b.folder.as_os_str()));
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(root: &Path) -> Met {
        Met {
            root: root.to_owned(),
            source: Arc::new(Request::new("source", [])),
            any_model: true,
            around: Vec::new(),
            rules: Vec::new(),
            unseen: Vec::new(),
        }
    }

    fn rule(folder: &str, model: &str) -> Rule {
        Rule {
            folder: folder.into(),
            request: Request::new(model, []),
        }
    }

    fn write(root: &Path, folder: &str, text: &str) {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(RULES), text).unwrap();
    }

    #[test]
    fn a_recording_goes_by_the_nearest_rules_above_it() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a", "model = 'x'");
        write(root.path(), "a/b", "[options]\ndiarize = true");
        let mut met = met(root.path());
        let asked = |met: &mut Met, path: &str| {
            met.request_of(Path::new(path))
                .map(|request| format!("{} {}", request.model(), request.options_json()))
        };
        assert_eq!(asked(&mut met, "!.wav"), None);
        met.enter("a".into()).unwrap();
        assert_eq!(asked(&mut met, "a/1.wav").as_deref(), Some("x {}"));
        met.enter("a/b".into()).unwrap();
        assert_eq!(
            asked(&mut met, "a/b/1.wav").as_deref(),
            Some("x {\"diarize\":true}")
        );
        assert_eq!(asked(&mut met, "a/bc.wav").as_deref(), Some("x {}"));
        assert_eq!(asked(&mut met, "ab.wav"), None);
        let folders: Vec<_> = met
            .after(&[], |_| true)
            .into_iter()
            .map(|rule| rule.folder)
            .collect();
        assert_eq!(folders, [Path::new("a"), Path::new("a/b")]);
    }

    #[test]
    fn rules_end_only_where_it_was_seen_that_they_are_gone() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "new", "model = 'x'");
        write(root.path(), "bad", "nonsense");
        let mut met = met(root.path());
        assert!(
            met.enter("bad".into())
                .unwrap_err()
                .contains("bad/.nightscribe.toml:1:")
        );
        met.overlook(&root.path().join("closed"));
        met.enter("new".into()).unwrap();
        let before =
            ["bad/below", "closed", "gone", "lost", "new"].map(|folder| rule(folder, "old"));
        let after = met.after(&before, |folder| !folder.ends_with("lost"));
        assert_eq!(
            after,
            [
                rule("bad/below", "old"),
                rule("closed", "old"),
                rule("lost", "old"),
                rule("new", "x")
            ]
        );
    }
}
