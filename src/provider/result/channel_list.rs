//! Transcripts of channels, each of which a service gave as a result of its own.

use crate::domain::Transcript;

/// Joins the transcripts of channels, one after the other. Channels without a number are numbered if there are several.
pub(crate) fn join_channels(channels: Vec<(Option<u32>, Transcript)>) -> Transcript {
    let has_several = channels.len() > 1;
    let mut all = Transcript::default();
    let mut texts = Vec::new();
    for (position, (number, mut one)) in (0..).zip(channels) {
        let number = has_several.then(|| number.unwrap_or(position));
        one.words.iter_mut().for_each(|word| word.channel = number);
        let utterances = one.utterances.iter_mut();
        utterances.for_each(|utterance| utterance.channel = number);
        texts.extend(Some(one.text).filter(|text| !text.is_empty()));
        all.words.append(&mut one.words);
        all.utterances.append(&mut one.utterances);
        all.language = all.language.or(one.language);
    }
    all.text = texts.join("\n");
    all
}
