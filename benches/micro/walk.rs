//! Directory walk over unchanged files.

use divan::Bencher;
use nightscribe::config::patterns::PathPatterns;
use nightscribe::domain::Timestamp;
use nightscribe::source::folder::walk::{WalkOptions, walk};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

const FOLDERS: usize = 10;
const FILES: usize = 1000;

fn tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in 0..FOLDERS {
        let folder = root.path().join(folder.to_string());
        fs::create_dir(&folder).unwrap();
        for file in 0..FILES {
            fs::write(folder.join(format!("{file}.mp3")), "").unwrap();
        }
    }
    root
}

#[divan::bench(sample_count = 20)]
fn ten_thousand_files(bencher: Bencher) {
    let root = tree();
    let none = PathPatterns::empty();
    bencher.counter(FOLDERS * FILES).bench(|| {
        let found = walk(WalkOptions {
            root: root.path(),
            include: None,
            exclude: &none,
            default_excludes: true,
            follow_links: false,
            settle: Duration::ZERO,
            skip: &[],
            max_lookups: 64,
            now: Timestamp::MAX,
        });
        found.unwrap().count()
    });
}

#[divan::bench(sample_count = 20)]
fn ten_thousand_files_with_plain_walkdir(bencher: Bencher) {
    let root = tree();
    bencher.counter(FOLDERS * FILES).bench(|| {
        let entries = walkdir::WalkDir::new(root.path()).into_iter();
        entries
            .filter(|entry| entry.as_ref().unwrap().metadata().is_ok())
            .count()
    });
}
