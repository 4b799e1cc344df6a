//! Text for the quality of transcripts.

use super::terminal::{escape_control_chars, format_table, new_table};
use crate::app::quality::QualityReport;
use crate::domain::quality::Quality;

/// Describes the figures of a transcript in one line.
pub(super) fn quality_text(quality: &Quality) -> String {
    let mut parts = Vec::new();
    parts.extend(quality.confidence.map(|mean| {
        let low = quality.low_confidence.map_or_else(String::new, |low| {
            format!(" (a tenth of the words below {low:.2})")
        });
        format!("confidence {mean:.2}{low}")
    }));
    parts.extend(
        quality
            .speech
            .map(|share| format!("speech {}", percent(share))),
    );
    let pace = quality.words_per_minute;
    parts.extend(pace.map(|pace| format!("{pace:.0} words a minute")));
    match quality.loops {
        0 => {}
        1 => parts.push("1 repeated phrase".to_owned()),
        loops => parts.push(format!("{loops} repeated phrases")),
    }
    parts.extend(quality.language.as_deref().map(escape_control_chars));
    parts.join(", ")
}

/// Heads of the columns of [`quality_cells`].
pub(super) const QUALITY_COLUMNS: [&str; 6] = [
    "CONFIDENCE",
    "LOW",
    "SPEECH",
    "WORDS A MINUTE",
    "REPEATED PHRASES",
    "LANGUAGE",
];

/// Returns the figures of a transcript as cells of a table. Figures that are not known are empty.
pub(super) fn quality_cells(quality: Option<&Quality>) -> [String; 6] {
    let Some(quality) = quality else {
        return Default::default();
    };
    [
        hundredths(quality.confidence),
        hundredths(quality.low_confidence),
        quality.speech.map_or_else(String::new, percent),
        rounded(quality.words_per_minute),
        quality.loops.to_string(),
        escape_control_chars(quality.language.as_deref().unwrap_or_default()),
    ]
}

/// Formats the report as a table.
pub(super) fn quality_table(report: &QualityReport) -> String {
    let mut rows = new_table(&[
        "",
        "TRANSCRIPTS",
        "CONFIDENCE",
        "LOW",
        "SPEECH",
        "WORDS A MINUTE",
        "REPEATED PHRASES",
        "LANGUAGES",
    ]);
    rows.add_rows(report.lines.iter().map(|line| {
        let languages: Vec<_> = line.languages.iter().map(String::as_str).collect();
        [
            escape_control_chars(&line.name),
            line.transcripts.to_string(),
            hundredths(line.confidence),
            hundredths(line.low_confidence),
            line.speech.map_or_else(String::new, percent),
            rounded(line.words_per_minute),
            line.loops.to_string(),
            escape_control_chars(&languages.join(", ")),
        ]
    }));
    format_table(&rows)
}

fn hundredths(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{share:.2}"))
}

fn rounded(figure: Option<f64>) -> String {
    figure.map_or_else(String::new, |figure| format!("{figure:.0}"))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_is_one_line() {
        let quality = Quality {
            confidence: Some(0.934),
            low_confidence: Some(0.61),
            speech: Some(0.84),
            words_per_minute: Some(148.0),
            loops: 2,
            language: Some("en".to_owned()),
        };
        assert_eq!(
            quality_text(&quality),
            "confidence 0.93 (a tenth of the words below 0.61), speech 84 %, 148 words a minute, 2 repeated phrases, en"
        );
        assert_eq!(quality_text(&Quality::default()), "");
    }
}
