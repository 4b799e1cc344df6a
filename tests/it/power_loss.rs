//! Power loss: what was promised is on the disk also when everything is dropped that was not synced.
//!
//! A run of the real binary is recorded call by call. At each of its syncs the disk is rebuilt as a power cut just
//! before could have left it. That disk must hold whatever the process had acted upon by then, and a run that starts
//! on it must end as if nothing had been, without paying again for what had been accepted.
//!
//! The tests that always run look at a part of that. All of it, by hand, in some minutes:
//! `cargo test --test it what_was_promised_is_there_after_every_cut -- --ignored --nocapture`

mod disk;
mod facts;
mod image;
mod recorder;
mod trace;

use crate::harness::{TestEnv, settings};
use disk::Disk;
use facts::{Facts, STATE};
use image::Image;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use recorder::{Outward, Recorder};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a power cut leaves alone: nothing of it is written by the run.
const OUTSIDE: [&str; 2] = ["recordings", "nightscribe.toml"];

/// What a disk keeps of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    Nothing,
    /// Each sector and each name with this probability.
    Part(f64),
}

impl Kept {
    fn cut(self, disk: &Disk, random: &mut StdRng) -> Image {
        disk.cut(|| match self {
            Self::Nothing => false,
            Self::Part(probability) => random.random_bool(probability),
        })
    }
}

/// What a power cut could have left, and what had left the process by then.
struct Cut {
    disk: Disk,
    outward: Vec<Outward>,
}

/// An environment whose folders are not there yet, so that they must be made durable too.
fn env(recordings: u32) -> TestEnv {
    let env = TestEnv::new(settings());
    env.configure(&format!("[state]\ndir = '{STATE}'\n"));
    for number in 0..recordings {
        let folder = ["", "a/", "a/b/"][number as usize % 3];
        env.add_recording(format!("{folder}{number}.wav"), number);
    }
    env
}

/// Runs until nothing is left to do, and gives every cut that could have come meanwhile: one before the end of each
/// sync, and one at the end.
fn cuts(env: &TestEnv, disk: Disk) -> Vec<Cut> {
    let path = env.path("trace");
    let run = env.command(&["--log-format", "json", "run", "--once"]);
    let output = trace::traced(&run, &path)
        .output()
        .expect("strace must be installed; scripts/test does that");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let trace = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    let root = env.path("");
    let mut recorder = Recorder::new(&root, &OUTSIDE, disk);
    let mut cuts = Vec::new();
    let cut = |recorder: &Recorder| Cut {
        disk: recorder.disk.clone(),
        outward: recorder.outward.clone(),
    };
    for moment in trace::moments(&trace) {
        recorder.take(moment, &mut |recorder| cuts.push(cut(recorder)));
    }
    cuts.push(cut(&recorder));
    cuts
}

/// What a run has written, as it is now.
fn found(env: &TestEnv) -> Image {
    let root = env.path("");
    let mut image = Image::default();
    for name in ["var", "transcripts"] {
        for entry in walkdir::WalkDir::new(root.join(name)) {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(&root).unwrap().to_owned();
            let bytes = entry
                .file_type()
                .is_file()
                .then(|| fs::read(entry.path()).unwrap());
            image.0.insert(path, bytes);
        }
    }
    image
}

/// Turns the disk into what the cut left.
fn restore(env: &TestEnv, image: &Image) {
    for name in ["var", "transcripts"] {
        match fs::remove_dir_all(env.path(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }
    image.put(&env.path(""));
}

/// Submissions by the name of the file.
fn paid(env: &TestEnv) -> BTreeMap<String, usize> {
    let mut paid = BTreeMap::new();
    for row in env.sandbox().ledger().generations {
        *paid.entry(row.name).or_default() += 1;
    }
    paid
}

/// Starts on what a cut left, and looks whether it ends as it should.
fn goes_on(env: &TestEnv, image: &Image, facts: &Facts, files: &Image) {
    restore(env, image);
    let before = paid(env);
    env.run_once(0);
    let after = paid(env);
    for (path, bytes) in &files.0 {
        let Ok(transcript) = path.strip_prefix("transcripts/talks") else {
            continue;
        };
        let Some(bytes) = bytes else { continue };
        let name = transcript.with_extension("wav");
        let job = facts.jobs.get(name.to_str().unwrap());
        let again = after[file_name(&name)] - before[file_name(&name)];
        // The service has had the whole run, so that it lists whatever the next start looks for.
        let was_accepted = job.is_some_and(|job| job.has_generation || job.in_doubt);
        assert_eq!(
            again,
            usize::from(!was_accepted),
            "{}: {job:?}",
            name.display()
        );
        // A JSON transcript tells when its result came, and of which generation it is.
        if path.extension().unwrap() != "json" || job.is_some_and(|job| job.has_result) {
            assert!(
                fs::read(env.path(path)).unwrap() == *bytes,
                "{}",
                path.display()
            );
        }
    }
    assert_eq!(env.file_names("transcripts"), names(files));
    assert_eq!(env.count("done"), after.len() as u64);
}

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The transcripts' names.
fn names(files: &Image) -> Vec<String> {
    let transcripts = files.0.iter().filter(|(_, bytes)| bytes.is_some());
    let names = transcripts.filter_map(|(path, _)| path.strip_prefix("transcripts").ok());
    let mut names: Vec<_> = names
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// How often something was looked at.
#[derive(Debug, Default)]
struct Figures {
    cuts: usize,
    starts: usize,
}

impl Figures {
    /// Checks every cut of a run that has just ended; every `each`th is also gone on from.
    fn check(&mut self, env: &TestEnv, cuts: &[Cut], kept: Kept, seed: u64, each: usize) {
        let files = found(env);
        let mut random = StdRng::seed_from_u64(seed);
        for (number, cut) in cuts.iter().enumerate() {
            let image = kept.cut(&cut.disk, &mut random);
            let facts = Facts::of(&image, &env.path(""));
            facts.keep(&cut.outward, &image, &files);
            self.cuts += 1;
            if number % each == each - 1 {
                goes_on(env, &image, &facts, &files);
                self.starts += 1;
            }
        }
    }

    /// For every `each`th moment of a run: it is killed, which loses nothing, the next run goes on, and the power fails
    /// under that one.
    fn check_killed_before(&mut self, env: &TestEnv, first: &[Cut], each: usize) {
        for killed in first.iter().skip(each / 2).step_by(each) {
            restore(env, &killed.disk.cut(|| true));
            let mut cuts = cuts(env, killed.disk.clone());
            for cut in &mut cuts {
                cut.outward.extend_from_slice(&killed.outward);
            }
            let several = cuts.len().div_ceil(2);
            self.check(env, &cuts, Kept::Nothing, 0, several);
        }
    }
}

#[test]
fn what_was_promised_is_there_when_everything_unsynced_is_lost() {
    let env = env(6);
    let cuts = cuts(&env, Disk::empty());
    let mut figures = Figures::default();
    figures.check(&env, &cuts, Kept::Nothing, 0, 4);
    println!("{figures:?}");
}

#[test]
fn what_was_promised_is_there_when_any_part_of_what_is_unsynced_is_lost() {
    let env = env(3);
    let cuts = cuts(&env, Disk::empty());
    let mut figures = Figures::default();
    for (seed, part) in [(1, 0.1), (2, 0.5), (3, 0.9)] {
        figures.check(&env, &cuts, Kept::Part(part), seed, 10);
    }
    println!("{figures:?}");
}

#[test]
fn what_was_promised_is_there_when_the_run_goes_on_from_a_killed_one() {
    let env = env(3);
    let first = cuts(&env, Disk::empty());
    let mut figures = Figures::default();
    figures.check_killed_before(&env, &first, 4);
    println!("{figures:?}");
}

#[test]
#[ignore = "takes minutes: every cut of a longer run, with many seeds, and every kill before"]
fn what_was_promised_is_there_after_every_cut() {
    let env = env(24);
    let first = cuts(&env, Disk::empty());
    let mut figures = Figures::default();
    figures.check(&env, &first, Kept::Nothing, 0, 1);
    println!("nothing kept: {figures:?}");
    let mut figures = Figures::default();
    for seed in 0..10 {
        let part = [0.03, 0.2, 0.5, 0.8, 0.97][seed % 5];
        figures.check(&env, &first, Kept::Part(part), seed as u64, 20);
    }
    println!("part kept: {figures:?}");
    let mut figures = Figures::default();
    figures.check_killed_before(&env, &first, 12);
    println!("killed before: {figures:?}");
}
