//! Names and replacements, applied to a transcript before it is rendered.
//!
//! The stored result stays as it is. Words keep their times.

use super::plain;
use crate::domain::Transcript;
use crate::domain::rendering::RenderRules;
use crate::domain::replacements::Replacements;
use crate::domain::transcript::{Speaker, Word};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;

/// Applies the rules to the text, words, paragraphs and utterances of a transcript.
pub fn correct(transcript: &mut Transcript, rules: &RenderRules) {
    transcript.speaker_names.extend(rules.speakers.clone());
    let replacements = &rules.replacements;
    if replacements.is_empty() {
        return;
    }
    transcript.text = replacements.apply(&transcript.text);
    let sentences = transcript.paragraphs.iter_mut();
    let sentences = sentences.flat_map(|paragraph| &mut paragraph.sentences);
    let utterances = transcript.utterances.iter_mut();
    let utterances = utterances.map(|utterance| &mut utterance.text);
    for text in sentences.chain(utterances) {
        *text = replacements.apply(text);
    }
    for turn in turns(&transcript.words) {
        correct_turn(&mut transcript.words, &turn, replacements);
    }
    transcript.words.retain(|word| !word.text.trim().is_empty());
}

/// Returns the indices of the words of each turn: those of one channel, up to a change of the speaker.
fn turns(words: &[Word]) -> Vec<Vec<usize>> {
    let mut turns: Vec<Vec<usize>> = Vec::new();
    let mut last: BTreeMap<Option<u32>, (usize, Option<&Speaker>)> = BTreeMap::new();
    for (index, word) in words.iter().enumerate() {
        let speaker = word.speaker.as_ref();
        match last.get(&word.channel) {
            Some((turn, before)) if *before == speaker => turns[*turn].push(index),
            _ => {
                last.insert(word.channel, (turns.len(), speaker));
                turns.push(vec![index]);
            }
        }
    }
    turns
}

/// Replaces in the words of a turn. A match of several words becomes one word, from the start of the first to the end of the
/// last. The others are left without text.
fn correct_turn(words: &mut [Word], turn: &[usize], replacements: &Replacements) {
    let mut text = String::new();
    let mut starts = Vec::with_capacity(turn.len());
    for &index in turn {
        let word = &words[index].text;
        if plain::needs_space(&text, word) {
            text.push(' ');
        }
        starts.push(text.len());
        text.push_str(word);
    }
    let at = |offset: usize| starts.partition_point(|start| *start <= offset).max(1) - 1;
    // From the end, so that the offsets of earlier matches stay valid.
    for (range, new) in replacements.matches(&text).into_iter().rev() {
        let (first, last) = (at(range.start), at(range.end - 1));
        let from = words[turn[first]]
            .text
            .len()
            .min(range.start - starts[first]);
        let to = words[turn[last]].text.len().min(range.end - starts[last]);
        let tail = words[turn[last]].text[to..].to_owned();
        let end_s = words[turn[last]].end_s;
        for &index in &turn[first + 1..=last] {
            words[index].text = SmolStr::default();
        }
        let word = &mut words[turn[first]];
        word.text = format_smolstr!("{}{new}{tail}", &word.text[..from]);
        word.end_s = word.end_s.max(end_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word((text, start_s, channel): (&str, f64, u32)) -> Word {
        Word {
            text: text.into(),
            start_s,
            end_s: start_s + 1.0,
            speaker: None,
            channel: Some(channel),
            confidence: None,
        }
    }

    fn corrected(words: &[(&str, f64, u32)], rules: &[(&str, &str)]) -> Vec<(String, f64, f64)> {
        let mut transcript = Transcript {
            words: words.iter().copied().map(word).collect(),
            ..Transcript::default()
        };
        let mut with = RenderRules::default();
        for (pattern, new) in rules {
            with.replacements.set(pattern, new).unwrap();
        }
        correct(&mut transcript, &with);
        let words = transcript.words.into_iter();
        words
            .map(|word| (word.text.to_string(), word.start_s, word.end_s))
            .collect()
    }

    fn words(words: &[(&str, f64, f64)]) -> Vec<(String, f64, f64)> {
        let words = words.iter();
        words
            .map(|(text, start, end)| ((*text).to_owned(), *start, *end))
            .collect()
    }

    #[test]
    fn words_keep_their_times_and_punctuation() {
        let said = [
            ("(Kubernets,", 0.0, 0),
            ("cuber", 1.0, 0),
            ("netes.", 2.0, 0),
            ("Uh,", 3.0, 0),
        ];
        let rules = [
            ("Kubernets", "Kubernetes"),
            ("cuber netes", "Kubernetes"),
            ("/^Uh,$|Uh, ?/", ""),
        ];
        let expected = words(&[("(Kubernetes,", 0.0, 1.0), ("Kubernetes.", 1.0, 3.0)]);
        assert_eq!(corrected(&said, &rules), expected);
    }

    #[test]
    fn several_matches_may_share_a_word() {
        let said = [("a-a", 0.0, 0), ("b", 1.0, 0), ("a", 2.0, 0)];
        let rules = [("a", "xyz"), ("a b", "-")];
        let expected = words(&[("xyz--", 0.0, 2.0), ("xyz", 2.0, 3.0)]);
        assert_eq!(corrected(&said, &rules), expected);
    }

    #[test]
    fn a_match_stays_within_a_channel() {
        let said = [("New", 0.0, 0), ("Yes.", 0.5, 1), ("York", 1.0, 0)];
        let expected = words(&[("NY", 0.0, 2.0), ("Yes.", 0.5, 1.5)]);
        assert_eq!(
            corrected(&said, &[("New York", "NY"), ("New Yes", "x")]),
            expected
        );
    }

    #[test]
    fn characters_without_spaces_form_words() {
        let said = [
            ("我", 0.0, 0),
            ("在", 1.0, 0),
            ("北", 2.0, 0),
            ("京", 3.0, 0),
        ];
        let expected = words(&[("我", 0.0, 1.0), ("在", 1.0, 2.0), ("南京", 2.0, 4.0)]);
        assert_eq!(corrected(&said, &[("北京", "南京")]), expected);
    }
}
