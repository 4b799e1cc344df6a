//! Arbitrary transcripts, rendered, including ones that the service never returns.

use super::rendered;
use arbitrary::{Result, Unstructured};
use nightscribe::domain::Transcript;
use nightscribe::domain::transcript::{Paragraph, Speaker, Utterance, Word};
use nightscribe::provider::ResultJson;

/// Builds a transcript from the bytes and checks its renderings.
pub fn holds(data: &[u8]) {
    if let Ok(transcript) = transcript(&mut Unstructured::new(data)) {
        rendered::holds(&transcript, &ResultJson::default());
    }
}

fn transcript(data: &mut Unstructured<'_>) -> Result<Transcript> {
    let mut transcript = Transcript {
        text: data.arbitrary()?,
        words: list(data, word)?,
        paragraphs: list(data, paragraph)?,
        utterances: list(data, utterance)?,
        duration_s: data.arbitrary()?,
        language: data.arbitrary()?,
        ..Transcript::default()
    };
    transcript
        .words
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    transcript
        .paragraphs
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    transcript
        .utterances
        .sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    Ok(transcript)
}

fn list<T>(
    data: &mut Unstructured<'_>,
    item: fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..data.int_in_range(0..=40)?)
        .map(|_| item(data))
        .collect()
}

fn word(data: &mut Unstructured<'_>) -> Result<Word> {
    let (start_s, end_s) = span(data)?;
    Ok(Word {
        text: data.arbitrary::<&str>()?.into(),
        start_s,
        end_s,
        speaker: speaker(data)?,
        channel: data.arbitrary()?,
        confidence: None,
    })
}

fn paragraph(data: &mut Unstructured<'_>) -> Result<Paragraph> {
    let (start_s, end_s) = span(data)?;
    Ok(Paragraph {
        sentences: data.arbitrary()?,
        start_s,
        end_s,
        speaker: speaker(data)?,
        channel: data.arbitrary()?,
    })
}

fn utterance(data: &mut Unstructured<'_>) -> Result<Utterance> {
    let (start_s, end_s) = span(data)?;
    Ok(Utterance {
        text: data.arbitrary()?,
        start_s,
        end_s,
        speaker: speaker(data)?,
        channel: data.arbitrary()?,
    })
}

fn speaker(data: &mut Unstructured<'_>) -> Result<Option<Speaker>> {
    let name: Option<&str> = data.arbitrary()?;
    Ok(name.map(|name| Speaker(name.into())))
}

/// Returns a start and an end as the parser does: finite, not negative, and in order.
///
/// Half of the spans use small numbers, so that words also lie close together.
fn span(data: &mut Unstructured<'_>) -> Result<(f64, f64)> {
    let (start, end): (f64, f64) = if data.arbitrary()? {
        let start = f64::from(data.arbitrary::<u16>()?) / 100.0;
        (start, start + f64::from(data.arbitrary::<u8>()?) / 100.0)
    } else {
        (data.arbitrary()?, data.arbitrary()?)
    };
    let start = if start.is_finite() {
        start.max(0.0)
    } else {
        0.0
    };
    Ok((
        start,
        if end.is_finite() {
            end.max(start)
        } else {
            start
        },
    ))
}
