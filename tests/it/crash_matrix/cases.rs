//! Which point is reached how, and what a crash there may cost.

use super::scenario::Scenario;
use Paid::{Once, OnceInDoubt, PerhapsTwice};
use Scenario::{
    After, Cancel, Changed, Equal, Export, Failing, Formats, KeyRefused, Legacy, One, Pause,
    Rejected, Resume, Retry, Text, Told, Two, Unlisted, Untold, Unwritable, Vanished,
};

/// What the crash may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paid {
    /// Nothing.
    Once,
    /// Nothing; but only the service knows that, and the attempt may be counted as perhaps paid.
    OnceInDoubt,
    /// One transcription, which must be counted: the service took the submission, and nobody heard of it.
    PerhapsTwice,
}

/// One kill.
#[derive(Debug)]
pub struct Case {
    /// The point; `#2` the second time it is reached.
    pub at: String,
    pub scenario: Scenario,
    pub paid: Paid,
}

impl Case {
    pub fn point(&self) -> &str {
        self.at.split('#').next().unwrap()
    }
}

const CASES: [(&str, Scenario, Paid); 132] = [
    // A start.
    ("disk.folder.name_synced", One, Once),
    ("disk.folder.name_synced#2", One, Once),
    ("store.migrate.before", One, Once),
    ("store.migrate.after", One, Once),
    ("store.begin_run.before", One, Once),
    ("store.begin_run.after", One, Once),
    ("store.reconfigure.before", One, Once),
    ("store.reconfigure.after", One, Once),
    ("store.release.before", One, Once),
    ("store.release.after", One, Once),
    // Scan.
    ("store.record.before", One, Once),
    ("store.record.after", One, Once),
    ("store.record.before", Changed, Once),
    ("store.record.after", Changed, Once),
    // What is found before a submission.
    ("store.refuse.before", Text, Once),
    ("store.refuse.after", Text, Once),
    ("store.put_off.before", Vanished, Once),
    ("store.put_off.after", Vanished, Once),
    ("store.share.before", Equal, Once),
    ("store.share.after", Equal, Once),
    // A submission.
    ("store.claim.before", One, Once),
    ("store.claim.after", One, OnceInDoubt),
    ("pipeline.submit.request.before", One, OnceInDoubt),
    ("api.upload.last_chunk", One, OnceInDoubt),
    ("api.exchange.head", One, OnceInDoubt),
    ("pipeline.submit.request.after", One, OnceInDoubt),
    ("store.accept.before", One, OnceInDoubt),
    ("store.accept.after", One, Once),
    ("pipeline.submit.request.after", Rejected, OnceInDoubt),
    ("store.set_back.before", Rejected, OnceInDoubt),
    ("store.set_back.after", Rejected, Once),
    ("store.hold.before", KeyRefused, Once),
    ("store.hold.after", KeyRefused, Once),
    // A poll.
    ("pipeline.poll.request.before", One, Once),
    ("api.exchange.head#2", One, Once),
    ("pipeline.poll.request.after", One, Once),
    ("store.complete.before", One, Once),
    ("store.complete.after", One, Once),
    ("store.set_back.before", Failing, OnceInDoubt),
    ("store.set_back.after", Failing, OnceInDoubt),
    ("pipeline.submit.request.after", Legacy, OnceInDoubt),
    ("store.complete.before", Legacy, OnceInDoubt),
    ("store.complete.after", Legacy, Once),
    // Two recordings, of which the second is hit.
    ("store.claim.after#2", Two, OnceInDoubt),
    ("store.accept.before#2", Two, OnceInDoubt),
    ("store.accept.after#2", Two, Once),
    ("store.complete.before#2", Two, Once),
    ("store.written.before#2", Two, Once),
    ("store.written.after#2", Two, Once),
    // The files of one recording.
    ("disk.folder.name_synced#4", One, Once),
    ("output.write.folders_made", One, Once),
    ("output.write.begun", One, Once),
    ("output.write.begun#4", One, Once),
    ("output.write.staged", One, Once),
    ("output.write.staged#2", One, Once),
    ("output.write.staged#4", One, Once),
    ("output.write.file_synced", One, Once),
    ("output.write.file_synced#2", One, Once),
    ("output.write.file_synced#4", One, Once),
    ("output.write.renamed", One, Once),
    ("output.write.renamed#2", One, Once),
    ("output.write.renamed#4", One, Once),
    ("output.write.renamed", Changed, Once),
    ("output.write.renamed#2", Changed, Once),
    ("output.write.renamed#4", Changed, Once),
    ("output.write.folder_synced", One, Once),
    ("output.write.file_system_synced", Formats, Once),
    ("output.write.renamed#8", Formats, Once),
    ("store.written.before", One, Once),
    ("store.written.after", One, Once),
    ("store.not_written.before", Unwritable, Once),
    ("store.not_written.after", Unwritable, Once),
    // The end.
    ("store.end_run.before", One, Once),
    ("store.end_run.after", One, Once),
    ("store.close.before", One, Once),
    ("store.close.after", One, Once),
    // What a person is told, and what is run for a transcript.
    ("store.begin_telling.before", Told, Once),
    ("store.begin_telling.after", Told, Once),
    ("store.tell.before", Told, Once),
    ("store.tell.after", Told, Once),
    ("store.begin_delivery.before", Told, Once),
    ("store.begin_delivery.after", Told, Once),
    ("pipeline.tell.send.before", Told, Once),
    ("pipeline.tell.send.after", Told, Once),
    ("store.delivered.before", Told, Once),
    ("store.delivered.after", Told, Once),
    ("store.not_delivered.before", Untold, Once),
    ("store.not_delivered.after", Untold, Once),
    ("store.begin_delivery.before#2", Untold, Once),
    ("store.delivered.after", Untold, Once),
    ("store.hook_ended.before", Told, Once),
    ("store.hook_ended.after", Told, Once),
    // A crash in the run that takes up what an earlier crash left.
    (
        "store.begin_run.before",
        After("store.accept.before"),
        OnceInDoubt,
    ),
    (
        "store.begin_run.after",
        After("store.accept.before"),
        OnceInDoubt,
    ),
    (
        "store.claim.before",
        After("store.claim.after"),
        OnceInDoubt,
    ),
    (
        "pipeline.poll.request.before",
        After("store.accept.after"),
        Once,
    ),
    ("store.written.before", After("store.complete.after"), Once),
    (
        "output.leftover.removed",
        After("output.write.file_synced#4"),
        Once,
    ),
    (
        "output.leftover.removed#3",
        After("output.write.staged#4"),
        Once,
    ),
    ("output.write.staged", After("output.write.staged#2"), Once),
    (
        "output.write.found_in_place",
        After("output.write.renamed"),
        Once,
    ),
    (
        "output.write.found_in_place#4",
        After("store.written.before"),
        Once,
    ),
    (
        "output.write.renamed#2",
        After("output.write.renamed#2"),
        Once,
    ),
    // Other commands.
    ("store.hold.before", Pause, Once),
    ("store.hold.after", Pause, Once),
    ("store.release.before", Resume, Once),
    ("store.release.after", Resume, Once),
    ("store.cancel.before", Cancel, Once),
    ("store.cancel.after", Cancel, Once),
    ("store.retry.before", Retry, Once),
    ("store.retry.after", Retry, Once),
    ("output.write.begun", Export, Once),
    ("output.write.staged#2", Export, Once),
    ("output.write.file_synced#4", Export, Once),
    ("output.write.renamed", Export, Once),
    ("output.write.renamed#4", Export, Once),
    ("output.write.folder_synced", Export, Once),
    ("store.exported.before", Export, Once),
    ("store.exported.after", Export, Once),
    ("store.close.before", Export, Once),
    ("store.close.after", Export, Once),
    // A look-up of an answer that a crash lost.
    (
        "pipeline.lookup.request.before",
        After("store.accept.before"),
        Once,
    ),
    (
        "pipeline.lookup.request.after",
        After("store.accept.before"),
        Once,
    ),
    ("store.adopt.before", After("store.accept.before"), Once),
    ("store.adopt.after", After("store.accept.before"), Once),
    (
        "store.look_again.before",
        After("store.claim.after"),
        OnceInDoubt,
    ),
    (
        "store.look_again.after",
        After("store.claim.after"),
        OnceInDoubt,
    ),
    (
        "store.give_up_doubt.before",
        After("store.claim.after"),
        OnceInDoubt,
    ),
    (
        "store.give_up_doubt.after",
        After("store.claim.after"),
        OnceInDoubt,
    ),
    // The same where the service keeps no list.
    ("pipeline.submit.request.after", Unlisted, PerhapsTwice),
    ("store.accept.before", Unlisted, PerhapsTwice),
    ("store.accept.after", Unlisted, Once),
];

/// The points of the writer, which every commit of every kind passes.
pub const COMMIT: [&str; 2] = ["store.writer.applied", "store.writer.committed"];
/// The changes of a run with one recording, each of which waits for the one before: begin_run, reconfigure, release,
/// record, claim, accept, complete, written, end_run. Questions to the writer come on top.
pub const LEAST_COMMITS: usize = 9;

/// Every kill at a point of its own.
pub fn cases() -> Vec<Case> {
    let case = |(at, scenario, paid): (&str, _, _)| Case {
        at: at.to_owned(),
        scenario,
        paid,
    };
    CASES.map(case).into()
}

/// A kill at the commit of this number in a run with one recording.
pub fn commit(point: &str, number: usize) -> Case {
    Case {
        at: format!("{point}#{number}"),
        scenario: One,
        paid: OnceInDoubt,
    }
}
