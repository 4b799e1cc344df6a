//! Symbolic links to folders. Each folder is walked once, however many links lead to it.

use crate::source::folder::default_excludes::is_hidden;
use std::io;
use std::path::{Path, PathBuf};

/// The links that a walk has followed. The paths are resolved.
#[derive(Debug)]
pub(super) struct FollowedLinks {
    /// Root of the walk, and the folders that links led to.
    walked: Vec<PathBuf>,
    /// Folders that are not walked.
    skip: Vec<PathBuf>,
}

impl FollowedLinks {
    /// Starts a walk of `root` that leaves out the folders `skip`. Blocks.
    ///
    /// # Errors
    /// Returns an error if the root cannot be resolved.
    pub(super) fn new(root: &Path, skip: &[PathBuf]) -> io::Result<Self> {
        let skip = skip.iter().filter_map(|folder| folder.canonicalize().ok());
        Ok(Self {
            walked: vec![root.canonicalize()?],
            skip: skip.collect(),
        })
    }

    /// Follows a link to a folder. Returns the skipped folders behind it, or `None` if the walk must not enter it: it reaches
    /// the folder in another way, or would go in circles. Blocks.
    pub(super) fn follow(&mut self, link: &Path) -> Option<Vec<PathBuf>> {
        let target = link.canonicalize().ok()?;
        let place = link.parent()?.canonicalize().ok()?;
        let goes_in_circles = place.starts_with(&target);
        let is_reached = self.walked.iter().any(|base| reaches(base, &target));
        let is_skipped = self.skip.iter().any(|folder| target.starts_with(folder));
        if goes_in_circles || is_reached || is_skipped {
            return None;
        }
        let below = |folder: &PathBuf| Some(link.join(folder.strip_prefix(&target).ok()?));
        let skip = self.skip.iter().filter_map(below).collect();
        self.walked.push(target);
        Some(skip)
    }
}

/// Whether a walk of `base` reaches `target` without a link. It enters no hidden folder.
fn reaches(base: &Path, target: &Path) -> bool {
    let below = target.strip_prefix(base);
    below.is_ok_and(|below| !below.iter().any(is_hidden))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::patterns::PathPatterns;
    use crate::domain::Timestamp;
    use crate::source::folder::selection::relative_to;
    use crate::source::folder::walk::{WalkItem, WalkOptions, walk};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir(tree.path("root")).unwrap();
            tree
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }

        fn link(&self, name: &str, target: &str) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(self.path(target), path).unwrap();
        }

        /// Returns the recordings below the root, and the number of links that were not followed.
        fn walk(&self, skip: &[PathBuf]) -> (Vec<String>, u64) {
            let (root, none) = (self.path("root"), PathPatterns::empty());
            let mut walking = walk(WalkOptions {
                root: &root,
                include: None,
                exclude: &none,
                default_excludes: true,
                follow_links: true,
                settle: Duration::ZERO,
                skip,
                max_lookups: 1,
                now: Timestamp::from(SystemTime::now()).after(Duration::from_secs(60)),
            })
            .unwrap();
            let mut names = Vec::new();
            for item in walking.by_ref() {
                let WalkItem::Recording { path, .. } = item else {
                    panic!("{item:?}");
                };
                let name = relative_to(&root, &path).to_str().unwrap();
                names.push(name.to_owned());
            }
            (names, walking.left_out().links)
        }
    }

    #[test]
    fn links_to_files_and_folders_are_followed() {
        let tree = Tree::new();
        tree.write("root/.git/annex/objects/1.mp3");
        tree.link("root/talk.mp3", "root/.git/annex/objects/1.mp3");
        tree.write("disk/2019/b.mp3");
        tree.link("root/disk", "disk");
        assert_eq!(tree.walk(&[]).0, ["disk/2019/b.mp3", "talk.mp3"]);
    }

    #[test]
    fn circles_and_broken_links_are_left_out() {
        let tree = Tree::new();
        tree.write("root/a/a.mp3");
        tree.link("root/a/up", "root");
        tree.link("root/a/self", "root/a");
        tree.link("root/whole", "");
        tree.link("root/gone.mp3", "gone");
        tree.write("disk/b.mp3");
        tree.link("disk/up", "disk");
        tree.link("disk/back", "root");
        tree.link("root/disk", "disk");
        let (names, links) = tree.walk(&[]);
        assert_eq!(names, ["a/a.mp3", "disk/b.mp3"]);
        assert_eq!(links, 6);
    }

    #[test]
    fn a_folder_is_walked_once() {
        let tree = Tree::new();
        // Each level has two links to the next one: 2^12 paths lead to the last.
        for level in 0..12 {
            for link in ["x", "y"] {
                tree.link(&format!("d{level}/{link}"), &format!("d{}", level + 1));
            }
        }
        tree.write("d12/a.mp3");
        tree.link("root/d0", "d0");
        tree.write("root/real/b.mp3");
        tree.link("root/alias", "root/real");
        let (names, links) = tree.walk(&[]);
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(names[1], "real/b.mp3");
        assert_eq!(links, 13);
    }

    #[test]
    fn skipped_folders_are_skipped_behind_links_too() {
        let tree = Tree::new();
        tree.write("disk/transcripts/a.mp3");
        tree.write("disk/b.mp3");
        tree.link("root/disk", "disk");
        tree.link("root/out", "disk/transcripts");
        let (names, _) = tree.walk(&[tree.path("disk/transcripts")]);
        assert_eq!(names, ["disk/b.mp3"]);
    }
}
