//! Folder rules found by a walk: which rules apply to a recording, and which are in force after the walk.

use crate::config::{AllowUnknown, SourceConfig, folder_rules};
use crate::domain::Request;
use crate::source::folder::walk::RULES_FILE;
use crate::store::sqlite::rules::FolderRule;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder rules found so far by a walk.
#[derive(Debug)]
pub struct WalkRules {
    root: PathBuf,
    source: Arc<Request>,
    allow_unknown: AllowUnknown,
    /// Rules of the folders that contain the current position of the walk, the deepest last.
    enclosing: Vec<(PathBuf, Arc<Request>)>,
    rules: Vec<FolderRule>,
    /// Paths that could not be read, relative to the source.
    unreadable: Vec<PathBuf>,
}

impl WalkRules {
    /// Starts without rules.
    #[must_use]
    pub fn new(source: &SourceConfig) -> Self {
        Self {
            root: source.path.clone(),
            source: Arc::new(source.request.clone()),
            allow_unknown: source.allow_unknown,
            enclosing: Vec::new(),
            rules: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Reads the rules of `folder`, which the walk has just entered.
    ///
    /// # Errors
    /// Why the rules are invalid. The caller then skips the whole folder.
    pub fn enter(&mut self, folder: PathBuf) -> Result<(), String> {
        self.leave(&folder);
        let above = self
            .enclosing
            .last()
            .map_or(&self.source, |(_, above)| above);
        let path = self.root.join(&folder).join(RULES_FILE);
        let request = folder_rules::request_for_folder(&path, above, self.allow_unknown);
        let request = request.inspect_err(|_| self.unreadable.push(folder.clone()))?;
        self.rules.push(FolderRule {
            folder: folder.clone(),
            request: request.clone(),
        });
        self.enclosing.push((folder, Arc::new(request)));
        Ok(())
    }

    /// Returns the request for a recording, or `None` if the request of its source applies.
    pub fn request_for(&mut self, relative: &Path) -> Option<Arc<Request>> {
        self.leave(relative);
        self.enclosing.last().map(|(_, request)| request.clone())
    }

    /// Records that `path` cannot be read. The earlier rules below it stay in force.
    pub fn mark_unreadable(&mut self, path: &Path) {
        self.unreadable
            .extend(path.strip_prefix(&self.root).map(Path::to_owned));
    }

    /// Moves the walk to `relative`: drops the enclosing rules of folders that do not contain it.
    fn leave(&mut self, relative: &Path) {
        while let Some((folder, _)) = self.enclosing.last()
            && !relative.starts_with(folder)
        {
            self.enclosing.pop();
        }
    }

    /// Returns the rules in force after a complete walk, sorted by folder. An earlier rule is dropped only if the walk
    /// proved it removed. It stays in force if its folder could not be read or is missing, as with an unmounted disk.
    #[must_use]
    pub fn merge(self, before: &[FolderRule], is_there: impl Fn(&Path) -> bool) -> Vec<FolderRule> {
        let is_found = |folder: &Path| self.rules.iter().any(|rule| rule.folder == folder);
        let is_unreadable = |folder: &Path| {
            self.unreadable
                .iter()
                .any(|unreadable| folder.starts_with(unreadable))
        };
        let kept = before.iter().filter(|rule| {
            !is_found(&rule.folder)
                && (is_unreadable(&rule.folder) || !is_there(&self.root.join(&rule.folder)))
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

    fn walk_rules(root: &Path) -> WalkRules {
        WalkRules {
            root: root.to_owned(),
            source: Arc::new(Request::new("source", [])),
            allow_unknown: AllowUnknown {
                models: true,
                options: true,
            },
            enclosing: Vec::new(),
            rules: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn rule(folder: &str, model: &str) -> FolderRule {
        FolderRule {
            folder: folder.into(),
            request: Request::new(model, []),
        }
    }

    fn write(root: &Path, folder: &str, text: &str) {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(RULES_FILE), text).unwrap();
    }

    #[test]
    fn the_nearest_enclosing_rules_apply_to_a_recording() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a", "model = 'x'");
        write(root.path(), "a/b", "[options]\ndiarize = true");
        let mut rules = walk_rules(root.path());
        let request = |rules: &mut WalkRules, path: &str| {
            rules
                .request_for(Path::new(path))
                .map(|found| format!("{} {}", found.model(), found.options_json()))
        };
        assert_eq!(request(&mut rules, "!.wav"), None);
        rules.enter("a".into()).unwrap();
        assert_eq!(request(&mut rules, "a/1.wav").as_deref(), Some("x {}"));
        rules.enter("a/b".into()).unwrap();
        assert_eq!(
            request(&mut rules, "a/b/1.wav").as_deref(),
            Some("x {\"diarize\":true}")
        );
        assert_eq!(request(&mut rules, "a/bc.wav").as_deref(), Some("x {}"));
        assert_eq!(request(&mut rules, "ab.wav"), None);
        let folders: Vec<_> = rules
            .merge(&[], |_| true)
            .into_iter()
            .map(|rule| rule.folder)
            .collect();
        assert_eq!(folders, [Path::new("a"), Path::new("a/b")]);
    }

    #[test]
    fn only_rules_proven_removed_are_dropped() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "new", "model = 'x'");
        write(root.path(), "bad", "nonsense");
        let mut rules = walk_rules(root.path());
        assert!(
            rules
                .enter("bad".into())
                .unwrap_err()
                .contains("bad/.nightscribe.toml:1:")
        );
        rules.mark_unreadable(&root.path().join("closed"));
        rules.enter("new".into()).unwrap();
        let before =
            ["bad/below", "closed", "gone", "lost", "new"].map(|folder| rule(folder, "old"));
        let after = rules.merge(&before, |folder| !folder.ends_with("lost"));
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
