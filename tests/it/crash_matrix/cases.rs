//! The kills: how each failpoint is reached, and what a crash there may cost.

use super::scenario::Scenario;
use Paid::{MaybeTwice, Once, OnceUncertain};
use Scenario::{
    AfterCrash, AllFormats, Approve, Cancel, Changed, Duplicate, Export, ExportChanged, Failing,
    Included, InvalidKey, Legacy, LostQueue, NoRequestLog, NotARecording, Notified,
    NotifiedOnRetry, OverBudget, Pause, RebuildIndex, Rejected, Resume, Retry, Single,
    StrayTranscript, Two, UnwritableOutput, Vanished, Video,
};

/// The most that a crash may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paid {
    /// No additional transcription.
    Once,
    /// No additional transcription. Only the service knows this, so the attempt may be counted as perhaps paid.
    OnceUncertain,
    /// One additional transcription, which must be counted. The service accepted a submission whose response was lost.
    MaybeTwice,
}

/// One kill.
#[derive(Debug)]
pub struct Case {
    /// Name of the failpoint. `#2` selects the second time it is reached.
    pub at: String,
    pub scenario: Scenario,
    pub paid: Paid,
}

impl Case {
    /// Returns the name of the failpoint without the number.
    pub fn failpoint(&self) -> &str {
        self.at.split('#').next().unwrap()
    }
}

const CASES: [(&str, Scenario, Paid); 155] = [
    // Start.
    ("disk.folder.name_synced", Single, Once),
    ("disk.folder.name_synced#2", Single, Once),
    ("store.migrate.before", Single, Once),
    ("store.migrate.after", Single, Once),
    ("store.begin_run.before", Single, Once),
    ("store.begin_run.after", Single, Once),
    ("store.reconfigure.before", Single, Once),
    ("store.reconfigure.after", Single, Once),
    ("store.release.before", Single, Once),
    ("store.release.after", Single, Once),
    // Scan.
    ("store.record.before", Single, Once),
    ("store.record.after", Single, Once),
    ("store.record.before", Changed, Once),
    ("store.record.after", Changed, Once),
    // Preflight of a submission.
    ("store.refuse.before", NotARecording, Once),
    ("store.refuse.after", NotARecording, Once),
    ("store.wait_for_budget.before", OverBudget, Once),
    ("store.wait_for_budget.after", OverBudget, Once),
    ("store.end_exclusions.before", Included, Once),
    ("store.end_exclusions.after", Included, Once),
    ("store.put_off.before", Vanished, Once),
    ("store.put_off.after", Vanished, Once),
    ("store.import.before", LostQueue, Once),
    ("store.import.after", LostQueue, Once),
    ("store.hold_source.before", StrayTranscript, Once),
    ("store.hold_source.after", StrayTranscript, Once),
    ("store.approve.before", Approve, Once),
    ("store.approve.after", Approve, Once),
    ("store.share.before", Duplicate, Once),
    ("store.share.after", Duplicate, Once),
    // Copy of a sound track.
    ("pipeline.submit.copy.before", Video, Once),
    ("pipeline.submit.copy.after", Video, Once),
    // Submission.
    ("store.claim.before", Single, Once),
    ("store.claim.after", Single, OnceUncertain),
    ("pipeline.submit.request.before", Single, OnceUncertain),
    ("api.upload.last_chunk", Single, OnceUncertain),
    ("api.exchange.head", Single, OnceUncertain),
    ("pipeline.submit.request.after", Single, OnceUncertain),
    ("store.accept.before", Single, OnceUncertain),
    ("store.accept.after", Single, Once),
    ("store.claim.after", Video, OnceUncertain),
    ("pipeline.submit.request.after", Video, OnceUncertain),
    ("store.accept.after", Video, Once),
    ("pipeline.submit.request.after", Rejected, OnceUncertain),
    ("store.set_back.before", Rejected, OnceUncertain),
    ("store.set_back.after", Rejected, Once),
    ("store.hold.before", InvalidKey, Once),
    ("store.hold.after", InvalidKey, Once),
    // Poll.
    ("pipeline.poll.request.before", Single, Once),
    ("api.exchange.head#2", Single, Once),
    ("pipeline.poll.request.after", Single, Once),
    ("store.complete.before", Single, Once),
    ("store.complete.after", Single, Once),
    ("store.set_back.before", Failing, OnceUncertain),
    ("store.set_back.after", Failing, OnceUncertain),
    ("pipeline.submit.request.after", Legacy, OnceUncertain),
    ("store.complete.before", Legacy, OnceUncertain),
    ("store.complete.after", Legacy, Once),
    // The second of two recordings.
    ("store.claim.after#2", Two, OnceUncertain),
    ("store.accept.before#2", Two, OnceUncertain),
    ("store.accept.after#2", Two, Once),
    ("store.complete.before#2", Two, Once),
    ("store.written.before#2", Two, Once),
    ("store.written.after#2", Two, Once),
    // Output files of one recording.
    ("disk.folder.name_synced#4", Single, Once),
    ("output.write.folders_made", Single, Once),
    ("output.write.begun", Single, Once),
    ("output.write.begun#4", Single, Once),
    ("output.write.staged", Single, Once),
    ("output.write.staged#2", Single, Once),
    ("output.write.staged#4", Single, Once),
    ("output.write.file_synced", Single, Once),
    ("output.write.file_synced#2", Single, Once),
    ("output.write.file_synced#4", Single, Once),
    ("output.write.renamed", Single, Once),
    ("output.write.renamed#2", Single, Once),
    ("output.write.renamed#4", Single, Once),
    ("store.replacing.before", Changed, Once),
    ("store.replacing.after", Changed, Once),
    ("output.write.renamed", Changed, Once),
    ("output.write.renamed#2", Changed, Once),
    ("output.write.renamed#4", Changed, Once),
    ("output.write.folder_synced", Single, Once),
    ("output.write.file_system_synced", AllFormats, Once),
    ("output.write.renamed#8", AllFormats, Once),
    ("store.written.before", Single, Once),
    ("store.written.after", Single, Once),
    ("store.not_written.before", UnwritableOutput, Once),
    ("store.not_written.after", UnwritableOutput, Once),
    // Search index.
    ("store.index.before", RebuildIndex, Once),
    ("store.index.after", RebuildIndex, Once),
    ("store.rebuild_index.before", RebuildIndex, Once),
    ("store.rebuild_index.after", RebuildIndex, Once),
    ("store.refresh_entries.before", ExportChanged, Once),
    ("store.refresh_entries.after", ExportChanged, Once),
    // End of the run.
    ("store.end_run.before", Single, Once),
    ("store.end_run.after", Single, Once),
    ("store.close.before", Single, Once),
    ("store.close.after", Single, Once),
    // Notifications and hooks.
    ("store.begin_telling.before", Notified, Once),
    ("store.begin_telling.after", Notified, Once),
    ("store.tell.before", Notified, Once),
    ("store.tell.after", Notified, Once),
    ("store.begin_delivery.before", Notified, Once),
    ("store.begin_delivery.after", Notified, Once),
    ("pipeline.tell.send.before", Notified, Once),
    ("pipeline.tell.send.after", Notified, Once),
    ("store.delivered.before", Notified, Once),
    ("store.delivered.after", Notified, Once),
    ("store.not_delivered.before", NotifiedOnRetry, Once),
    ("store.not_delivered.after", NotifiedOnRetry, Once),
    ("store.begin_delivery.before#2", NotifiedOnRetry, Once),
    ("store.delivered.after", NotifiedOnRetry, Once),
    ("store.hook_ended.before", Notified, Once),
    ("store.hook_ended.after", Notified, Once),
    // A second crash, during the recovery from the first.
    (
        "store.begin_run.before",
        AfterCrash("store.accept.before"),
        OnceUncertain,
    ),
    (
        "store.begin_run.after",
        AfterCrash("store.accept.before"),
        OnceUncertain,
    ),
    (
        "store.claim.before",
        AfterCrash("store.claim.after"),
        OnceUncertain,
    ),
    (
        "pipeline.poll.request.before",
        AfterCrash("store.accept.after"),
        Once,
    ),
    (
        "store.written.before",
        AfterCrash("store.complete.after"),
        Once,
    ),
    (
        "output.leftover.removed",
        AfterCrash("output.write.file_synced#4"),
        Once,
    ),
    (
        "output.leftover.removed#3",
        AfterCrash("output.write.staged#4"),
        Once,
    ),
    (
        "output.write.staged",
        AfterCrash("output.write.staged#2"),
        Once,
    ),
    (
        "output.write.found_in_place",
        AfterCrash("output.write.renamed"),
        Once,
    ),
    (
        "output.write.found_in_place#4",
        AfterCrash("store.written.before"),
        Once,
    ),
    (
        "output.write.renamed#2",
        AfterCrash("output.write.renamed#2"),
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
    // Recovery of a lost response by looking it up.
    (
        "pipeline.lookup.request.before",
        AfterCrash("store.accept.before"),
        Once,
    ),
    (
        "pipeline.lookup.request.after",
        AfterCrash("store.accept.before"),
        Once,
    ),
    (
        "store.adopt.before",
        AfterCrash("store.accept.before"),
        Once,
    ),
    ("store.adopt.after", AfterCrash("store.accept.before"), Once),
    (
        "store.look_again.before",
        AfterCrash("store.claim.after"),
        OnceUncertain,
    ),
    (
        "store.look_again.after",
        AfterCrash("store.claim.after"),
        OnceUncertain,
    ),
    (
        "store.give_up_doubt.before",
        AfterCrash("store.claim.after"),
        OnceUncertain,
    ),
    (
        "store.give_up_doubt.after",
        AfterCrash("store.claim.after"),
        OnceUncertain,
    ),
    // A lost response that the service has no list to look up in.
    ("pipeline.submit.request.after", NoRequestLog, MaybeTwice),
    ("store.accept.before", NoRequestLog, MaybeTwice),
    ("store.accept.after", NoRequestLog, Once),
];

/// Failpoints of the database writer. Every commit passes them.
pub const COMMIT_FAILPOINTS: [&str; 2] = ["store.writer.applied", "store.writer.committed"];
/// Minimum number of commits in a run with one recording.
///
/// Each of these changes waits for the one before: begin_run, reconfigure, release, record, claim, accept, complete,
/// written, end_run. Queries through the writer add more commits.
pub const MIN_COMMITS: usize = 9;

/// Returns all kills at named failpoints.
pub fn cases() -> Vec<Case> {
    let case = |(at, scenario, paid): (&str, _, _)| Case {
        at: at.to_owned(),
        scenario,
        paid,
    };
    CASES.map(case).into()
}

/// Returns a kill at the commit with this number, counted from one, in a run with one recording.
pub fn commit(failpoint: &str, number: usize) -> Case {
    Case {
        at: format!("{failpoint}#{number}"),
        scenario: Single,
        paid: OnceUncertain,
    }
}
