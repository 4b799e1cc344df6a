//! Quality of the transcripts, by source, model or day.

use super::billing::{GroupBy, day};
use super::error::AppError;
use super::session::Session;
use crate::domain::Timestamp;
use crate::provider::models::shown_name;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::quality::TranscriptQuality;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Quality report. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QualityReport {
    /// Start of the reported period.
    pub since: Timestamp,
    /// Means by name, sorted by name.
    pub lines: Vec<QualityLine>,
}

/// Means of one source, model or day. Each transcript has the same weight.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QualityLine {
    /// Source, model or day.
    pub name: String,
    /// Number of transcripts.
    pub transcripts: u64,
    /// Mean confidence, from 0 to 1. `None` if the service gives none.
    pub confidence: Option<f64>,
    /// Mean of the confidence that a tenth of the words does not reach.
    pub low_confidence: Option<f64>,
    /// Mean share of speech, from 0 to 1.
    pub speech: Option<f64>,
    /// Mean number of words in a minute of speech.
    pub words_per_minute: Option<f64>,
    /// Number of repeated phrases.
    pub loops: u64,
    /// Detected languages.
    pub languages: BTreeSet<String>,
}

/// Returns the quality of the transcripts received since `since`. `None` while no queue exists.
///
/// # Errors
/// If the database fails.
pub async fn quality_report(
    session: &Session,
    since: Timestamp,
    group_by: GroupBy,
) -> Result<Option<QualityReport>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let transcripts = store.qualities(since).await?;
    store.close().await;
    let zone = SystemClock.zone();
    let mut groups: BTreeMap<String, Vec<TranscriptQuality>> = BTreeMap::new();
    for transcript in transcripts {
        let name = match group_by {
            GroupBy::Source => transcript.source.clone(),
            GroupBy::Model => shown_name(&transcript.model),
            GroupBy::Day => day(transcript.received_at, &zone),
        };
        groups.entry(name).or_default().push(transcript);
    }
    let lines = groups.into_iter().map(|(name, group)| line(name, &group));
    Ok(Some(QualityReport {
        since,
        lines: lines.collect(),
    }))
}

fn line(name: String, group: &[TranscriptQuality]) -> QualityLine {
    let mean = |figure: fn(&TranscriptQuality) -> Option<f64>| {
        let known: Vec<_> = group.iter().filter_map(figure).collect();
        let sum: f64 = known.iter().sum();
        (!known.is_empty()).then(|| (sum / known.len() as f64 * 1000.0).round() / 1000.0)
    };
    let languages = group.iter().filter_map(|one| one.quality.language.clone());
    QualityLine {
        name,
        transcripts: group.len() as u64,
        confidence: mean(|one| one.quality.confidence),
        low_confidence: mean(|one| one.quality.low_confidence),
        speech: mean(|one| one.quality.speech),
        words_per_minute: mean(|one| one.quality.words_per_minute),
        loops: group.iter().map(|one| one.quality.loops).sum(),
        languages: languages.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quality::Quality;

    #[test]
    fn means_leave_out_what_is_not_known() {
        let transcript = |confidence, loops, language: Option<&str>| TranscriptQuality {
            source: "talks".to_owned(),
            model: "m".to_owned(),
            received_at: Timestamp::from_millis(0),
            quality: Quality {
                confidence,
                loops,
                language: language.map(str::to_owned),
                ..Quality::default()
            },
        };
        let group = [
            transcript(Some(0.9), 1, Some("en")),
            transcript(None, 2, Some("de")),
            transcript(Some(0.6), 0, Some("en")),
        ];
        let line = line("talks".to_owned(), &group);
        assert_eq!((line.transcripts, line.loops), (3, 3));
        assert_eq!((line.confidence, line.speech), (Some(0.75), None));
        assert_eq!(line.languages.into_iter().collect::<Vec<_>>(), ["de", "en"]);
    }
}
