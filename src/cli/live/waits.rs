//! Reasons that queued items wait.

use super::scene::QueueSnapshot;
use crate::cli::terminal::{format_duration, format_time};
use crate::domain::JobState;
use crate::policy::hours::Opening;
use crate::store::sqlite::activity::{HEAD_LIMIT, WaitingJobs};

/// Reason to wait, with the number of items. `more` marks a lower bound: only the head of the queue was examined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WaitCount {
    pub(super) count: u64,
    pub(super) is_lower_bound: bool,
    pub(super) reason: String,
}

/// Returns all reasons that queued items wait, starting with their turn.
pub(super) fn wait_counts(scene: &QueueSnapshot) -> Vec<WaitCount> {
    let activity = &scene.activity;
    let is_head_cut = total(scene, |_| true) >= HEAD_LIMIT;
    let is_unavailable = |waiting: &WaitingJobs| match scene.sources.get(&waiting.source) {
        Some(exists) => waiting.are_files && !exists,
        None => true,
    };
    let duplicates = total(scene, |waiting| {
        waiting.have_duplicate && !is_unavailable(waiting)
    });
    let mut others = vec![
        later(scene),
        wait(duplicates, is_head_cut, "for a duplicate in flight"),
        wait(activity.uncertain, false, "for lookup of a lost response"),
    ];
    let unavailable = activity.waiting.iter().filter(|one| is_unavailable(one));
    let mut unavailable: Vec<_> = unavailable.collect();
    unavailable.dedup_by_key(|waiting| &waiting.source);
    for first in unavailable {
        let jobs = total(scene, |one| {
            is_unavailable(one) && one.source == first.source
        });
        let name = &first.source;
        let reason = if scene.sources.contains_key(name) {
            format!("for the folder of `{name}`, which is missing")
        } else {
            format!("for [[source]] `{name}`, which is not configured")
        };
        others.push(wait(jobs, is_head_cut, &reason));
    }
    let elsewhere: u64 = others.iter().map(|wait| wait.count).sum();
    let turn = scene.count(JobState::Queued).saturating_sub(elsewhere);
    let is_any_cut = others
        .iter()
        .any(|wait| wait.is_lower_bound && wait.count > 0);
    // Items beyond the examined head may wait for any of the other reasons.
    let mut all = vec![wait(turn, false, &turn_for(scene, is_any_cut))];
    all.extend(others);
    all.retain(|wait| wait.count > 0);
    all
}

fn turn_for(scene: &QueueSnapshot, is_mixed: bool) -> String {
    let reason = match (
        scene.holds.first(),
        scene.opening,
        scene.overview.active_run,
    ) {
        (Some(hold), ..) => format!("held: {}", hold.kind.reason()),
        (None, Opening::At(time), _) => {
            let time = format_time(time, scene.now, &scene.zone);
            format!("for the active hours, from {time}")
        }
        (None, _, None) => "for the next run".to_owned(),
        (None, _, Some(_)) => "for their turn".to_owned(),
    };
    if is_mixed {
        format!("{reason}, or a reason below")
    } else {
        reason
    }
}

fn later(scene: &QueueSnapshot) -> WaitCount {
    let later = scene.activity.not_due;
    let next = scene.activity.next_due.map(|due| due.since(scene.now));
    let next = next.map_or_else(String::new, |next| {
        format!(", the next in {}", format_duration(next))
    });
    wait(
        later,
        later >= HEAD_LIMIT,
        &format!("for a later attempt{next}"),
    )
}

fn wait(count: u64, more: bool, reason: &str) -> WaitCount {
    let reason = reason.to_owned();
    WaitCount {
        count,
        is_lower_bound: more,
        reason,
    }
}

fn total(scene: &QueueSnapshot, filter: impl Fn(&WaitingJobs) -> bool) -> u64 {
    let waiting = scene.activity.waiting.iter();
    waiting
        .filter(|waiting| filter(waiting))
        .map(|waiting| waiting.jobs)
        .sum()
}
