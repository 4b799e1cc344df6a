//! Computation of the figures by which a transcript is judged.

use crate::domain::Transcript;
use crate::domain::quality::Quality;
use crate::domain::script::is_unspaced;
use crate::domain::transcript::Word;
use std::collections::BTreeMap;

/// Silence between two words that still counts as speech, in seconds.
const PAUSE_S: f64 = 0.5;
/// Maximum length of a repeated phrase, in words.
const MAX_PHRASE: usize = 12;
/// Number of times that a phrase is said in a row before it counts as a loop.
const REPEATS: usize = 4;
/// The same for a single word. People do say one several times.
const WORD_REPEATS: usize = 8;

/// Returns the figures of a transcript.
#[must_use]
pub fn quality(transcript: &Transcript) -> Quality {
    let words = &transcript.words;
    let mut confidences: Vec<_> = words.iter().filter_map(|word| word.confidence).collect();
    confidences.sort_unstable_by(f32::total_cmp);
    let sum: f64 = confidences.iter().copied().map(f64::from).sum();
    let spoken_s = spoken_s(words);
    let duration_s = transcript.duration_s.or_else(|| transcript.last_time_s());
    Quality {
        confidence: (!confidences.is_empty()).then(|| rounded(sum / confidences.len() as f64)),
        low_confidence: confidences
            .get(confidences.len() / 10)
            .map(|low| rounded(f64::from(*low))),
        speech: duration_s
            .filter(|duration| *duration > 0.0 && !words.is_empty())
            .map(|duration| rounded((spoken_s / duration).min(1.0))),
        words_per_minute: words_per_minute(words, spoken_s),
        loops: loops(words),
        language: transcript.language.clone(),
    }
}

/// Whether a transcript has a higher confidence than another. One without a confidence is not better than one with it.
#[must_use]
pub fn is_better(confidence: Option<f64>, other: Option<f64>) -> bool {
    match (confidence, other) {
        (Some(confidence), Some(other)) => confidence > other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Rounds to thousandths, which is more than a figure is worth.
fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// Returns the time in which somebody speaks on any channel, in seconds. The words are sorted by start.
fn spoken_s(words: &[Word]) -> f64 {
    let mut spoken = 0.0;
    let mut until = f64::NEG_INFINITY;
    for word in words {
        let is_gap = word.start_s > until + PAUSE_S;
        let from = if is_gap { word.start_s } else { until };
        spoken += (word.end_s - from).max(0.0);
        until = until.max(word.end_s);
    }
    spoken
}

fn words_per_minute(words: &[Word], spoken_s: f64) -> Option<f64> {
    let is_spaced = |word: &&Word| !word.text.chars().any(is_unspaced);
    let spaced = words.iter().filter(is_spaced).count();
    let is_known = spoken_s > 0.0 && 2 * spaced > words.len();
    is_known.then(|| (words.len() as f64 * 60.0 / spoken_s).round())
}

/// Counts the phrases that are repeated in a row on a channel.
fn loops(words: &[Word]) -> u64 {
    let mut channels: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for word in words {
        let letters = word.text.chars().filter(|char| char.is_alphanumeric());
        let plain: String = letters.flat_map(char::to_lowercase).collect();
        if !plain.is_empty() {
            channels.entry(word.channel).or_default().push(plain);
        }
    }
    channels.values().map(|words| loops_of(words)).sum()
}

/// Counts the loops in the words of a channel. A repeated phrase is not counted again as part of a longer one.
fn loops_of(words: &[String]) -> u64 {
    let mut is_counted = vec![false; words.len()];
    let mut loops = 0;
    for length in 1..=MAX_PHRASE {
        let repeats = if length == 1 { WORD_REPEATS } else { REPEATS };
        let mut same = 0;
        for index in length..=words.len() {
            if index < words.len() && words[index] == words[index - length] {
                same += 1;
                continue;
            }
            let from = index - same - length;
            if same >= (repeats - 1) * length && !is_counted[from] {
                loops += 1;
                is_counted[from..index].fill(true);
            }
            same = 0;
        }
    }
    loops
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns words of half a second, one each second.
    fn words(text: &str, confidence: Option<f32>) -> Vec<Word> {
        let words = text.split_whitespace().enumerate();
        words
            .map(|(index, text)| Word {
                text: text.into(),
                start_s: index as f64,
                end_s: index as f64 + 0.5,
                speaker: None,
                channel: None,
                confidence,
            })
            .collect()
    }

    fn transcript(words: Vec<Word>) -> Transcript {
        Transcript {
            words,
            duration_s: Some(40.0),
            ..Transcript::default()
        }
    }

    #[test]
    fn figures_come_from_words_and_duration() {
        let mut words = words(
            "one two three four five six seven eight nine ten",
            Some(0.9),
        );
        words[3].confidence = Some(0.1);
        let figures = quality(&transcript(words));
        assert_eq!(
            (figures.confidence, figures.low_confidence),
            (Some(0.82), Some(0.9))
        );
        assert_eq!(figures.speech, Some(0.238));
        assert_eq!(figures.words_per_minute, Some(63.0));
        assert_eq!(figures.loops, 0);
    }

    #[test]
    fn a_transcript_without_words_has_no_figures() {
        assert_eq!(quality(&Transcript::default()), Quality::default());
        let chinese = quality(&transcript(words("今 天 好", None)));
        assert_eq!((chinese.confidence, chinese.words_per_minute), (None, None));
    }

    #[test]
    fn only_a_higher_confidence_is_better() {
        assert!(is_better(Some(0.8), Some(0.7)));
        assert!(!is_better(Some(0.7), Some(0.7)));
        assert!(is_better(Some(0.1), None));
        assert!(!is_better(None, Some(0.1)));
        assert!(!is_better(None, None));
    }

    #[test]
    fn repeated_phrases_are_loops() {
        let loops = |text: &str| quality(&transcript(words(text, None))).loops;
        let phrase = "thank you for watching. ";
        assert_eq!(loops(&format!("We see {} and go on", phrase.repeat(4))), 1);
        assert_eq!(loops(&phrase.repeat(40)), 1);
        assert_eq!(loops(&phrase.repeat(3)), 0);
        assert_eq!(loops("no no no no, that is very very good"), 0);
        assert_eq!(loops(&"no ".repeat(8)), 1);
        assert_eq!(
            loops(&format!("{} but {}", phrase.repeat(4), phrase.repeat(5))),
            2
        );
        assert_eq!(loops(""), 0);
    }

    #[test]
    fn overlapping_speech_counts_once() {
        let mut both = words("a b c", None);
        both.extend(words("d e f", None));
        both.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        assert_eq!(
            quality(&transcript(both)).speech,
            quality(&transcript(words("a b c", None))).speech
        );
    }
}
