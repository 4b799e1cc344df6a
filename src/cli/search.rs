//! `nightscribe search`

use super::args::SearchArgs;
use super::exit::{CommandError, Exit};
use super::journal::Priority;
use super::json::to_json_line;
use super::terminal::{
    DIM, HIGHLIGHT, escape_control_chars, pluralize, print_to_stderr, printable_path,
};
use crate::app::search::answer::{SearchAnswer, SearchHit, SearchPassage};
use crate::app::search::indexing::rebuild;
use crate::app::search::playback::play_first;
use crate::app::search::{SearchOptions, search as find};
use crate::app::session::Session;
use crate::policy::day::date_of;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::io::Write;

/// Number of passages that are shown of each transcript.
const PASSAGES: usize = 3;

pub(super) async fn search(session: &Session, args: &SearchArgs) -> Result<Exit, CommandError> {
    if args.rebuild {
        return rebuild_index(session, args.json).await;
    }
    let options = SearchOptions {
        sources: args.sources.clone(),
        transcripts: args.limit,
        passages: PASSAGES,
    };
    let zone = SystemClock.zone();
    let answer = find(session, &args.query.join(" "), &options, &zone).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&answer)?)?;
        return Ok(Exit::Done);
    }
    for (index, hit) in answer.hits.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        write!(out, "{gap}{}", hit_text(hit, &zone))?;
    }
    drop(out);
    print_remarks(&answer);
    if args.open {
        play_first(session, &answer).await?;
    }
    Ok(Exit::Done)
}

fn print_remarks(answer: &SearchAnswer) {
    if answer.hits.is_empty() {
        print_to_stderr("no transcript matches", Priority::Info);
    }
    if answer.limited {
        let text = "many transcripts have these words, and only the newest were searched; add a word, or a filter like before:2026-11-01";
        print_to_stderr(text, Priority::Info);
    }
    if answer.unindexed > 0 {
        let count = pluralize(answer.unindexed, "transcript is", "transcripts are");
        let text = format!(
            "{count} not indexed yet and may be missing; a run indexes them, or `nightscribe search --rebuild`"
        );
        print_to_stderr(&text, Priority::Warning);
    }
}

fn hit_text(hit: &SearchHit, zone: &TimeZone) -> String {
    let date = date_of(hit.recorded_at, zone).map_or_else(String::new, |date| format!(", {date}"));
    let (source, name) = (
        escape_control_chars(&hit.source),
        printable_path(&hit.relative),
    );
    let mut text = format!("{source}/{name} {DIM}(item {}{date}){DIM:#}\n", hit.item);
    for passage in &hit.passages {
        let _infallible = writeln!(text, "  {}", passage_text(passage));
    }
    text
}

fn passage_text(passage: &SearchPassage) -> String {
    let mut text = String::new();
    if let Some(start_s) = passage.spoken.start_s {
        text.push_str(&format!("{DIM}{}{DIM:#}  ", clock_time(start_s)));
    }
    if let Some(speaker) = &passage.spoken.speaker {
        text.push_str(&format!("{}: ", escape_control_chars(speaker)));
    }
    for (part, is_match) in passage.parts() {
        let part = escape_control_chars(&part);
        match is_match {
            true => text.push_str(&format!("{HIGHLIGHT}{part}{HIGHLIGHT:#}")),
            false => text.push_str(&part),
        }
    }
    text
}

/// Formats a time in a recording as `hh:mm:ss`.
fn clock_time(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

async fn rebuild_index(session: &Session, json: bool) -> Result<Exit, CommandError> {
    let rebuilt = rebuild(session, |left| {
        tracing::debug!(left, "indexing transcripts")
    })
    .await?;
    let mut out = anstream::stdout().lock();
    if json {
        writeln!(out, "{}", to_json_line(&rebuilt)?)?;
    } else {
        let count = pluralize(rebuilt.indexed, "transcript", "transcripts");
        let continued = match rebuilt.continued {
            true => " (an interrupted rebuild was continued)",
            false => "",
        };
        writeln!(out, "indexed {count}{continued}")?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::search::answer::SearchMatch;
    use crate::app::spoken_text::SpokenText;

    #[test]
    fn a_passage_has_its_time_speaker_and_matches() {
        let passage = SearchPassage {
            spoken: SpokenText {
                start_s: Some(3725.9),
                end_s: Some(3730.0),
                speaker: Some("Anna".to_owned()),
                text: "für das Budget, ja".to_owned(),
            },
            matches: vec![SearchMatch { start: 8, end: 14 }],
        };
        let shown = anstream::adapter::strip_str(&passage_text(&passage)).to_string();
        assert_eq!(shown, "01:02:05  Anna: für das Budget, ja");
        let highlighted = format!("{HIGHLIGHT}Budget{HIGHLIGHT:#}, ja");
        assert!(passage_text(&passage).contains(&highlighted));
    }
}
