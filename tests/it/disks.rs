//! File names of transcripts on other disks.

use crate::file_names::texts;
use crate::harness::{TestEnv, settings};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs a command of the system and asserts its success.
fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}

/// A mounted NTFS, unmounted on drop.
struct Ntfs(PathBuf);

impl Ntfs {
    /// Mounts an empty NTFS as the output folder. Needs root, FUSE and ntfs-3g.
    fn mount(env: &TestEnv, driver: &str, options: &str) -> Self {
        let (image, folder) = (env.path("disk"), env.path("transcripts"));
        fs::create_dir_all(&folder).unwrap();
        fs::File::create(&image).unwrap().set_len(40 << 20).unwrap();
        run(Command::new("mkntfs").args(["-q", "-F"]).arg(&image));
        let options = ["-o", options];
        run(Command::new(driver).args(options).arg(image).arg(&folder));
        Self(folder)
    }
}

impl Drop for Ntfs {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[test]
#[ignore = "mounts a disk: needs root, FUSE and ntfs-3g; scripts/disks runs it"]
fn names_that_ntfs_refuses_are_written_in_portable_form() {
    let env = TestEnv::new(settings());
    let _disk = Ntfs::mount(&env, "ntfs-3g", "windows_names");
    fs::create_dir_all(env.path("recordings/Vol: 1")).unwrap();
    for (seed, name) in (1..).zip(["talk 12:30?.wav", "nul.wav", "Vol: 1/a*b.wav", "plain.wav"]) {
        env.add_recording(name, seed);
    }
    let run = env.run_once(0);
    let reports = run.stderr.matches("written in portable form").count();
    assert_eq!(reports, 1, "{}", run.stderr);
    let names = [
        "%6Eul.txt",
        "Vol%3A 1/a%2Ab.txt",
        "plain.txt",
        "talk 12%3A30%3F.txt",
    ];
    assert_eq!(texts(&env), names);
    // A second transcript has the same name.
    env.add_recording("talk 12:30?.wav", 9);
    env.run_once(0);
    assert_eq!(texts(&env), names);
}

#[test]
#[ignore = "mounts a disk: needs root, FUSE and ntfs-3g; scripts/disks runs it"]
fn names_in_two_cases_stay_apart_without_case() {
    let env = TestEnv::new(settings());
    let _disk = Ntfs::mount(&env, "lowntfs-3g", "ignore_case");
    // There is no speech in them, so their texts are equal.
    for (seed, talk) in (1..).zip(["Talk", "TALK", "talk", "tALK", "taLK"]) {
        env.add_recording(format!("silence {talk}.wav"), seed);
    }
    env.run_once(0);
    assert_eq!(env.count("done"), 5);
    let files = env.file_names("transcripts/talks");
    assert_eq!(files.len(), 5 * 4, "{files:?}");
}
