//! Rendering of results as files.
//!
//! Rendering is pure: the same result always gives the same bytes.
//!
//! - `json`: the unmodified result in an envelope
//! - `txt`: plain text for reading
//! - `srt`, `vtt`: subtitles
//! - `md`: Markdown with links into the audio
//! - `html`: the page of the podcast namespace; `docx`: a document for word processors, an `archive` of XML
//! - `tsv`, `lrc`, `podcast`, `whisperx`, `aud`: formats of other programs
//! - `corrections`: names and replacements, applied before; `speaker_samples`: the speakers of a transcript
//! - `metadata`: metadata that `json` and `md` contain
//! - `segment`: words grouped into sentences; `paragraph`: sentences grouped into paragraphs
//! - `cue`: words grouped into subtitle cues; `cue_break`: the division with the lowest total cost; `cue_cost`: the cost of
//!   one cue; `line_break`: its line break; `line_limit`: the width of a line
//! - `speech`: the words of a channel, with the boundaries between them; `weak_words`: words that belong to the next one
//! - `token`: words with times, from any part of the transcript; `spacing`: the spaces between them
//! - `punctuation`: ends of sentences and clauses; `sentence_terminal`: a Unicode property
//! - `timing`: display times of cues
//! - `label`: speaker labels; `silence`: the text for a recording without speech
//! - `reading`: paragraphs for formats that are read as text; `markup`: text for HTML and XML
//! - `spoken`: words in the order in which they are spoken, for the search
//! - `read_along`: paragraphs with the times of their words
//! - `plain`: text without control characters; `wrap`: lines of limited width

mod archive;
mod aud;
mod corrections;
mod cue;
mod cue_break;
mod cue_cost;
mod docx;
mod html;
mod json;
mod label;
mod line_break;
mod line_limit;
mod lrc;
mod markup;
mod md;
mod metadata;
mod paragraph;
mod plain;
mod podcast;
mod punctuation;
mod read_along;
mod reading;
mod segment;
mod sentence_terminal;
mod silence;
mod spacing;
mod speaker_samples;
mod speech;
mod spoken;
mod srt;
mod timing;
mod token;
mod tsv;
mod txt;
mod vtt;
mod weak_words;
mod whisperx;
mod wrap;

#[cfg(test)]
pub(crate) use json::EnvelopeFile;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::domain::rendering::RenderOptions;
use crate::domain::{Format, Transcript};
use crate::output::rendered_file::RenderedFile;
use crate::provider::ResultJson;

pub use corrections::correct;
pub use metadata::TranscriptMetadata;
pub use read_along::{TimedParagraph, TimedWord, read_along};
pub use speaker_samples::{SpeakerSample, speaker_samples};
pub use spoken::{ShownWord, search_entry, shown_words};

/// Renders a transcript in the given format. `result` is the JSON that `transcript` was parsed from. Only `json` shows it.
#[must_use]
pub fn render(
    format: Format,
    transcript: &Transcript,
    result: &ResultJson,
    envelope: &TranscriptMetadata<'_>,
    options: &RenderOptions,
) -> RenderedFile {
    let language = || envelope.language(transcript);
    let text = match format {
        Format::Docx => return docx::render(transcript, envelope).into(),
        Format::Json => return json::render(transcript.is_silent(), result.clone(), envelope),
        Format::Txt => txt::render(transcript, &options.txt),
        Format::Srt => srt::render(transcript, language().as_ref(), &options.subtitles),
        Format::Vtt => vtt::render(transcript, language().as_ref(), &options.subtitles),
        Format::Md => md::render(transcript, envelope),
        Format::Tsv => tsv::render(transcript),
        Format::Lrc => lrc::render(transcript),
        Format::Podcast => podcast::render(transcript),
        Format::Whisperx => whisperx::render(transcript, envelope),
        Format::Aud => aud::render(transcript),
        Format::Html => html::render(transcript, envelope),
    };
    text.into()
}
