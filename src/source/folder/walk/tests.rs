use super::*;
use crate::config::patterns::PathPatterns;
use crate::source::folder::selection::relative_to;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

static EMPTY: LazyLock<PathPatterns> = LazyLock::new(PathPatterns::empty);

struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn new(files: &[&str]) -> Self {
        let tree = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.iter().for_each(|file| tree.write(OsStr::new(file)));
        tree
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &OsStr) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        self.set_modified(name, UNIX_EPOCH + Duration::from_secs(1000));
    }

    fn set_modified(&self, name: &OsStr, time: SystemTime) {
        fs::File::options()
            .write(true)
            .open(self.root().join(name))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    fn names<'a>(&'a self, change: impl FnOnce(&mut WalkOptions<'a>)) -> Vec<String> {
        let mut settings = WalkOptions {
            settle: Duration::from_secs(30),
            now: Timestamp::from_millis(2_000_000),
            ..options(self.root())
        };
        change(&mut settings);
        let found = walk(settings).unwrap();
        found
            .map(|one| match one {
                WalkItem::Recording { path, .. } => relative_to(settings.root, &path)
                    .to_string_lossy()
                    .into_owned(),
                WalkItem::Unsettled { path, .. } => {
                    format!("unsettled {}", relative_to(settings.root, &path).display())
                }
                WalkItem::Rules { folder } => format!("rules of {}", folder.display()),
                WalkItem::Unreadable { path, message } => {
                    format!("{}: {message}", path.display())
                }
            })
            .collect()
    }
}

/// Returns the default options, with which every file has settled.
fn options(root: &Path) -> WalkOptions<'_> {
    WalkOptions {
        root,
        include: None,
        exclude: &EMPTY,
        default_excludes: true,
        follow_links: false,
        settle: Duration::ZERO,
        skip: &[],
        max_lookups: 64,
        now: Timestamp::MAX,
    }
}

fn patterns(patterns: &[&str]) -> PathPatterns {
    PathPatterns::parse(patterns.iter().copied()).unwrap()
}

#[test]
fn only_recordings_are_found_in_order() {
    let tree = Tree::new(&[
        "b/2.MP3",
        "a.wav",
        "b/1.m4a",
        "b/c/d/e.ogg",
        "notes.txt",
        ".hidden.mp3",
        ".git/x.mp3",
        "z.mp3.part",
    ]);
    assert_eq!(
        tree.names(|_| ()),
        ["a.wav", "b/1.m4a", "b/2.MP3", "b/c/d/e.ogg"]
    );
}

#[test]
fn paths_are_ordered_by_bytes() {
    let files = [
        "a b.mp3",
        "a-b.mp3",
        "a/x.mp3",
        "a.mp3",
        "a0/b.mp3",
        "a0.mp3",
        "a/x/y.mp3",
        "b/a.mp3",
    ];
    let mut expected = files.map(str::to_owned);
    expected.sort();
    assert_eq!(Tree::new(&files).names(|_| ()), expected);
}

#[test]
fn patterns_include_and_exclude() {
    let tree = Tree::new(&["a.mp3", "b/c.mp3", "b/draft.mp3", "d.xyz"]);
    let (include, exclude) = (patterns(&["**/*.mp3", "*.xyz"]), patterns(&["**/draft*"]));
    let names = tree.names(|walk| {
        walk.include = Some(&include);
        walk.exclude = &exclude;
    });
    assert_eq!(names, ["a.mp3", "b/c.mp3", "d.xyz"]);
}

#[test]
fn a_marked_folder_is_skipped_with_its_subfolders() {
    let tree = Tree::new(&[
        "!a/x.mp3",
        "b/!first.mp3",
        "b/.nightscribe-skip",
        "b/c/x.mp3",
        "b/x.mp3",
        "d/.nightscribe-skip/x.mp3",
        "d/x.mp3",
    ]);
    assert_eq!(tree.names(|_| ()), ["!a/x.mp3", "d/x.mp3"]);
    tree.write(OsStr::new(".nightscribe-skip"));
    assert!(tree.names(|_| ()).is_empty());
}

#[test]
fn rules_precede_the_files_they_apply_to() {
    let tree = Tree::new(&[
        ".nightscribe.toml",
        "a/!first.mp3",
        "a/.nightscribe.toml",
        "a/b/x.mp3",
        "c/.nightscribe-skip",
        "c/.nightscribe.toml",
        "c/x.mp3",
    ]);
    let found = ["rules of ", "rules of a", "a/!first.mp3", "a/b/x.mp3"];
    assert_eq!(tree.names(|_| ()), found);
}

#[test]
fn a_folder_with_rules_can_be_skipped() {
    let tree = Tree::new(&["a/.nightscribe.toml", "a/b/x.mp3", "a/x.mp3", "c.mp3"]);
    let mut walking = walk(options(tree.root())).unwrap();
    let folder = PathBuf::from("a");
    assert_eq!(walking.next(), Some(WalkItem::Rules { folder }));
    walking.skip_folder();
    assert!(
        matches!(walking.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("c.mp3"))
    );
    assert_eq!(walking.next(), None);
}

#[test]
fn symbolic_links_are_not_followed() {
    let tree = Tree::new(&["a/x.mp3"]);
    symlink(tree.root(), tree.root().join("a/loop")).unwrap();
    symlink(tree.root().join("a/x.mp3"), tree.root().join("y.mp3")).unwrap();
    assert_eq!(tree.names(|_| ()), ["a/x.mp3"]);
}

#[test]
fn skipped_folders_are_resolved_through_a_linked_root() {
    let tree = Tree::new(&["real/out/x.mp3", "real/y.mp3"]);
    let link = tree.root().join("link");
    symlink(tree.root().join("real"), &link).unwrap();
    let skip = [tree.root().join("real/out"), tree.root().join("not there")];
    let names = tree.names(|walk| {
        walk.root = &link;
        walk.skip = &skip;
    });
    assert_eq!(names, ["y.mp3"]);
}

#[test]
fn the_spelling_of_the_root_does_not_matter() {
    let tree = Tree::new(&[".nightscribe.toml", "a/.nightscribe.toml", "a/x.mp3"]);
    for end in ["", ".", "./", "/"] {
        let root = PathBuf::from(format!("{}/{end}", tree.root().display()));
        let names = tree.names(|walk| walk.root = &root);
        assert_eq!(names, ["rules of ", "rules of a", "a/x.mp3"], "{end}");
    }
    assert_eq!(
        relative_to(Path::new("/"), Path::new("/a/b.mp3")),
        Path::new("a/b.mp3")
    );
}

#[test]
fn unusual_names_are_found() {
    let tree = Tree::new(&["new\nline.mp3", &format!("{}.mp3", "n".repeat(251))]);
    tree.write(OsStr::from_bytes(b"not\xffutf8.mp3"));
    assert_eq!(tree.names(|_| ()).len(), 3);
}

#[test]
fn patterns_match_non_utf8_and_multiline_names() {
    let tree = Tree::new(&["a/new\nline.mp3"]);
    tree.write(OsStr::from_bytes(b"a/not\xffutf8.mp3"));
    let include = patterns(&["**/*.mp3"]);
    assert_eq!(tree.names(|walk| walk.include = Some(&include)).len(), 2);
    let exclude = patterns(&["**/*.mp3"]);
    assert!(tree.names(|walk| walk.exclude = &exclude).is_empty());
}

#[test]
fn an_unreadable_folder_is_reported_and_skipped() {
    let tree = Tree::new(&["a.mp3", "b.mp3", "c.mp3"]);
    // Too deep for a path instead of locked, because root can read any folder.
    let part = "d".repeat(250);
    let mut folder = fs::File::open(tree.root()).unwrap();
    for _ in 0..18 {
        rustix::fs::mkdirat(&folder, &part, Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &part, OFlags::DIRECTORY, Mode::empty())
            .unwrap()
            .into();
    }
    fs::rename(tree.root().join(&part), tree.root().join("b")).unwrap();
    let mut found = walk(options(tree.root())).unwrap();
    for name in ["a.mp3", "b.mp3"] {
        assert!(
            matches!(found.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join(name))
        );
    }
    let Some(WalkItem::Unreadable { path, message }) = found.next() else {
        panic!("the folder is not reported");
    };
    assert!(path.starts_with(tree.root().join("b")));
    assert!(!message.is_empty() && !message.contains(&*path.to_string_lossy()));
    assert!(
        matches!(found.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("c.mp3"))
    );
    assert_eq!(found.next(), None);
}

#[test]
fn deep_folders_are_walked() {
    let deep = format!("{}x.mp3", "d/".repeat(500));
    assert_eq!(Tree::new(&[&deep]).names(|_| ()), [deep]);
}

#[test]
fn a_file_is_found_once_it_has_settled() {
    let tree = Tree::new(&["a.mp3"]);
    let at = |seconds: i64, settle: u64| {
        tree.names(|walk| {
            walk.now = Timestamp::from_millis(seconds * 1000);
            walk.settle = Duration::from_secs(settle);
        })
    };
    assert_eq!(at(1029, 30), ["unsettled a.mp3"]);
    assert_eq!(at(1030, 30), ["a.mp3"]);
    assert_eq!(at(1000, 0), ["a.mp3"]);
}

#[test]
fn an_unsettled_file_reports_when_it_settles() {
    let tree = Tree::new(&["a.mp3"]);
    let found = walk(WalkOptions {
        settle: Duration::from_secs(30),
        now: Timestamp::from_millis(1_010_000),
        ..options(tree.root())
    });
    let expected = WalkItem::Unsettled {
        path: tree.root().join("a.mp3"),
        settles_at: Timestamp::from_millis(1_030_000),
    };
    assert_eq!(found.unwrap().collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_future_date_is_replaced_by_the_change_time() {
    let tree = Tree::new(&["a.mp3"]);
    let now = SystemTime::now() + Duration::from_secs(60);
    tree.set_modified(OsStr::new("a.mp3"), now + Duration::from_secs(86_400));
    assert_eq!(tree.names(|walk| walk.now = now.into()), ["a.mp3"]);
}

#[test]
fn an_old_date_does_not_settle_a_file() {
    let tree = Tree::new(&["a.mp3"]);
    assert_eq!(
        tree.names(|walk| walk.now = SystemTime::now().into()),
        ["unsettled a.mp3"]
    );
    let later = SystemTime::now() + Duration::from_secs(40);
    assert_eq!(tree.names(|walk| walk.now = later.into()), ["a.mp3"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_open_file_is_not_settled() {
    let tree = Tree::new(&["a.mp3", "b.mp3"]);
    let later = SystemTime::now() + Duration::from_secs(3600);
    let names = || tree.names(|walk| walk.now = later.into());
    let recorder = fs::File::options()
        .append(true)
        .open(tree.root().join("a.mp3"))
        .unwrap();
    assert_eq!(names(), ["unsettled a.mp3", "b.mp3"]);
    drop(recorder);
    assert_eq!(names(), ["a.mp3", "b.mp3"]);
}

#[test]
fn what_is_left_out_is_counted() {
    let tree = Tree::new(&[
        "#recycle/x.mp3",
        "Archive/x.mp3",
        "a.mp3",
        "b.ds2",
        "c.f140.m4a",
        "d.mp3",
        "d.mp3.aria2",
        "e.ogg",
        "f.txt",
    ]);
    symlink(tree.root().join("a.mp3"), tree.root().join("g.mp3")).unwrap();
    let exclude = patterns(&["Archive"]);
    let options = WalkOptions {
        exclude: &exclude,
        now: SystemTime::now().into(),
        ..options(tree.root())
    };
    let mut walking = walk(options).unwrap();
    assert_eq!(walking.by_ref().count(), 2);
    let left_out = walking.left_out();
    assert_eq!(
        (left_out.links, left_out.excluded, left_out.by_default),
        (1, 1, 3)
    );
    assert_eq!(left_out.unknown.get("ds2"), Some(&1));
    let mut walking = walk(WalkOptions {
        default_excludes: false,
        follow_links: false,
        ..options
    })
    .unwrap();
    assert_eq!(walking.by_ref().count(), 5);
}

#[test]
fn an_unfinished_download_is_left_out_with_its_control_file() {
    let files = [
        "a.mp3",
        "a.mp3 (2).mp3",
        "a.mp3 2/x.mp3",
        "a.mp3.aria2",
        "a.mp3.mp3",
        "b.mp3",
        "b.mp3.mp3",
    ];
    let tree = Tree::new(&files);
    let at = |now| {
        tree.names(|walk| {
            walk.settle = Duration::ZERO;
            walk.now = now;
        })
    };
    let expected = [
        "a.mp3 (2).mp3",
        "a.mp3 2/x.mp3",
        "a.mp3.mp3",
        "b.mp3",
        "b.mp3.mp3",
    ];
    assert_eq!(at(SystemTime::now().into()), expected);
    // The control file of a file that has not changed for a week is a leftover.
    assert_eq!(at(Timestamp::MAX).len(), 6);
}

#[test]
fn several_threads_find_the_same_as_one_in_the_same_order() {
    let tree = Tree::new(&[]);
    for folder in 0..12 {
        fs::create_dir(tree.root().join(format!("f{folder}"))).unwrap();
        for file in 0..100 {
            tree.write(OsStr::new(&format!("f{folder}/{file}.mp3")));
        }
    }
    tree.write(OsStr::new("f3/.nightscribe.toml"));
    tree.write(OsStr::new("f5/.nightscribe-skip"));
    symlink("/nowhere", tree.root().join("f7/50.mp3.mp3")).unwrap();
    let with = |threads| tree.names(|walk| walk.max_lookups = threads);
    let one = with(1);
    assert_eq!(one.len(), 1101);
    assert_eq!(with(64), one);
}

#[test]
fn nothing_behind_rules_is_read_before_they_are_known() {
    let tree = Tree::new(&["a/.nightscribe.toml", "a/b.mp3"]);
    let outside = Tree::new(&["x.mp3"]);
    symlink(outside.root(), tree.root().join("a/link")).unwrap();
    symlink(outside.root(), tree.root().join("z")).unwrap();
    let mut walking = walk(WalkOptions {
        follow_links: true,
        ..options(tree.root())
    })
    .unwrap();
    let folder = PathBuf::from("a");
    assert_eq!(walking.next(), Some(WalkItem::Rules { folder }));
    walking.skip_folder();
    // The folder behind both links is walked by the second one, because the first was skipped.
    assert!(
        matches!(walking.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("z/x.mp3"))
    );
    assert_eq!(walking.next(), None);
}

#[test]
fn only_a_missing_root_is_an_error() {
    assert!(Tree::new(&[]).names(|_| ()).is_empty());
    let missing = options(Path::new("/nowhere/at/all"));
    assert!(walk(missing).is_err());
}
