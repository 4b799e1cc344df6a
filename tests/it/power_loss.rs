//! Power loss: acknowledged work survives although all writes that were not synced may be lost.
//!
//! `strace` records the system calls of a run of the real binary. Before the end of each sync, the test builds the disk
//! that a power cut could leave. That disk must contain everything the process has already acted on. A run that starts on
//! it must produce the same files, without paying again for accepted submissions.
//!
//! The default tests check a sample of the cuts. This command checks all of them, in a few minutes:
//! `cargo test --test it acknowledged_work_survives_every_cut -- --ignored --nocapture`

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
use recorder::{Effect, Recorder};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Entries of the environment that a run only reads. They are not part of the simulated disk.
const READ_ONLY: [&str; 2] = ["recordings", "nightscribe.toml"];

/// Unsynced writes that survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Survival {
    Nothing,
    /// Each sector and each name survives with this probability.
    Part(f64),
}

impl Survival {
    /// Builds the image that a power cut leaves of the disk.
    fn cut(self, disk: &Disk, random: &mut StdRng) -> Image {
        disk.cut(|| match self {
            Self::Nothing => false,
            Self::Part(probability) => random.random_bool(probability),
        })
    }
}

/// A possible power cut.
struct Cut {
    /// Disk at the cut.
    disk: Disk,
    /// Effects visible outside the process before the cut.
    effects: Vec<Effect>,
}

/// Creates an environment whose state and output folders do not exist, so that a run must sync their creation too.
fn env(recordings: u32) -> TestEnv {
    let env = TestEnv::new(settings());
    env.configure(&format!("[state]\ndir = '{STATE}'\n"));
    for number in 0..recordings {
        let folder = ["", "a/", "a/b/"][number as usize % 3];
        env.add_recording(format!("{folder}{number}.wav"), number);
    }
    env
}

/// Runs until no work is left. Returns the possible power cuts: one before the end of each sync, and one at the end.
fn record_cuts(env: &TestEnv, disk: Disk) -> Vec<Cut> {
    let path = env.path("trace");
    let run = env.command(&["--log-format", "json", "run", "--once"]);
    let output = trace::traced(&run, &path)
        .output()
        .expect("strace must be installed; scripts/test does that");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let trace = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    let root = env.path("");
    let mut recorder = Recorder::new(&root, &READ_ONLY, disk);
    let mut cuts = Vec::new();
    let cut = |recorder: &Recorder| Cut {
        disk: recorder.disk.clone(),
        effects: recorder.effects.clone(),
    };
    for event in trace::parse(&trace) {
        recorder.apply(event, &mut |recorder| cuts.push(cut(recorder)));
    }
    cuts.push(cut(&recorder));
    cuts
}

/// Reads the state and output folders.
fn written_files(env: &TestEnv) -> Image {
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

/// Replaces the state and output folders with an image.
fn restore(env: &TestEnv, image: &Image) {
    for name in ["var", "transcripts"] {
        match fs::remove_dir_all(env.path(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }
    image.write_to(&env.path(""));
}

/// Returns the number of accepted submissions of each file name.
fn submissions(env: &TestEnv) -> BTreeMap<String, usize> {
    let mut submissions = BTreeMap::new();
    for row in env.sandbox().ledger().generations {
        *submissions.entry(row.name).or_default() += 1;
    }
    submissions
}

/// Runs on the image of a cut and checks the files and submissions at the end.
fn check_restart(env: &TestEnv, image: &Image, facts: &Facts, files: &Image) {
    restore(env, image);
    let before = submissions(env);
    env.run_once(0);
    let after = submissions(env);
    for (path, bytes) in &files.0 {
        let Ok(transcript) = path.strip_prefix("transcripts/talks") else {
            continue;
        };
        let Some(bytes) = bytes else { continue };
        let name = transcript.with_extension("wav");
        let job = facts.jobs.get(name.to_str().unwrap());
        let resubmissions = after[file_name(&name)] - before[file_name(&name)];
        // The recorded run has finished, so the request log of the service lists every uncertain submission.
        let was_accepted = job.is_some_and(|job| job.has_generation || job.is_uncertain);
        assert_eq!(
            resubmissions,
            usize::from(!was_accepted),
            "{}: {job:?}",
            name.display()
        );
        // A JSON transcript has the time and the generation of its result, which differ if the result was lost.
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

/// Returns the paths of the transcripts, relative to the output folder.
fn names(files: &Image) -> Vec<String> {
    let transcripts = files.0.iter().filter(|(_, bytes)| bytes.is_some());
    let names = transcripts.filter_map(|(path, _)| path.strip_prefix("transcripts").ok());
    let mut names: Vec<_> = names
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Checks performed so far.
#[derive(Debug, Default)]
struct Checks {
    /// Number of examined cuts.
    cuts: usize,
    /// Number of cuts from which a run was restarted.
    restarts: usize,
}

impl Checks {
    /// Checks every cut of the run that has just finished. Restarts from every `interval`th cut.
    fn check(
        &mut self,
        env: &TestEnv,
        cuts: &[Cut],
        survival: Survival,
        seed: u64,
        interval: usize,
    ) {
        let files = written_files(env);
        let mut random = StdRng::seed_from_u64(seed);
        for (number, cut) in cuts.iter().enumerate() {
            let image = survival.cut(&cut.disk, &mut random);
            let facts = Facts::read(&image, &env.path(""));
            facts.assert_effects_kept(&cut.effects, &image, &files);
            self.cuts += 1;
            if number % interval == interval - 1 {
                check_restart(env, &image, &facts, &files);
                self.restarts += 1;
            }
        }
    }

    /// Kills a run at every `interval`th cut, without losing writes, and checks the power cuts of the run that follows.
    fn check_after_kills(&mut self, env: &TestEnv, first: &[Cut], interval: usize) {
        for kill in first.iter().skip(interval / 2).step_by(interval) {
            restore(env, &kill.disk.cut(|| true));
            let mut cuts = record_cuts(env, kill.disk.clone());
            for cut in &mut cuts {
                cut.effects.extend_from_slice(&kill.effects);
            }
            let interval = cuts.len().div_ceil(2);
            self.check(env, &cuts, Survival::Nothing, 0, interval);
        }
    }
}

#[test]
fn acknowledged_work_survives_losing_all_unsynced_writes() {
    let env = env(6);
    let cuts = record_cuts(&env, Disk::empty());
    let mut checks = Checks::default();
    checks.check(&env, &cuts, Survival::Nothing, 0, 4);
    println!("{checks:?}");
}

#[test]
fn acknowledged_work_survives_losing_some_unsynced_writes() {
    let env = env(3);
    let cuts = record_cuts(&env, Disk::empty());
    let mut checks = Checks::default();
    for (seed, probability) in [(1, 0.1), (2, 0.5), (3, 0.9)] {
        checks.check(&env, &cuts, Survival::Part(probability), seed, 10);
    }
    println!("{checks:?}");
}

#[test]
fn acknowledged_work_survives_a_cut_after_a_kill() {
    let env = env(3);
    let first = record_cuts(&env, Disk::empty());
    let mut checks = Checks::default();
    checks.check_after_kills(&env, &first, 4);
    println!("{checks:?}");
}

#[test]
#[ignore = "takes minutes: every cut of a longer run, many seeds and earlier kills"]
fn acknowledged_work_survives_every_cut() {
    let env = env(24);
    let first = record_cuts(&env, Disk::empty());
    let mut checks = Checks::default();
    checks.check(&env, &first, Survival::Nothing, 0, 1);
    println!("nothing survives: {checks:?}");
    let mut checks = Checks::default();
    for seed in 0..10 {
        let probability = [0.03, 0.2, 0.5, 0.8, 0.97][seed % 5];
        checks.check(&env, &first, Survival::Part(probability), seed as u64, 20);
    }
    println!("some writes survive: {checks:?}");
    let mut checks = Checks::default();
    checks.check_after_kills(&env, &first, 12);
    println!("after kills: {checks:?}");
}
