//! Transcripts that the queue does not know, for example because the state folder was lost.

use crate::domain::file_name::TemplateValues;
use crate::domain::readable_path::readable_path;
use crate::domain::{FileNameTemplate, Format, Recording, RecordingHash, Request};
use crate::output::envelope::Envelope;
use crate::output::naming::{base_forms, base_names};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The transcript of one recording that the queue does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct UnrecordedTranscript {
    /// Path of its files without the extension.
    pub stem: PathBuf,
    /// Formats in which it exists.
    pub formats: BTreeSet<Format>,
    /// Metadata of its `json` file, if it has a valid one.
    pub envelope: Option<Envelope>,
}

impl UnrecordedTranscript {
    /// Whether its envelope names this recording. The content may have changed since.
    #[must_use]
    pub fn names(&self, recording: &Recording) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| {
            let (name, path) = (&*envelope.recording, &recording.relative);
            // Earlier versions replaced bytes that are not UTF-8.
            let is_same = name == readable_path(path) || name == path.to_string_lossy();
            *envelope.source == *recording.source && is_same
        })
    }
}

/// The transcripts that the queue does not know, by what identifies their recordings.
#[derive(Debug, Default)]
pub struct UnrecordedTranscripts {
    by_stem: BTreeMap<PathBuf, UnrecordedTranscript>,
    by_sha256: HashMap<String, Vec<PathBuf>>,
    by_sound: HashMap<String, Vec<PathBuf>>,
    /// Sizes of the recordings with an envelope.
    sizes: HashSet<u64>,
    /// File names of the recordings whose envelope has no size, or has the hash of the sound. With other tags they have
    /// another size.
    names: HashSet<OsString>,
}

impl UnrecordedTranscripts {
    /// Adds a transcript.
    pub fn insert(&mut self, transcript: UnrecordedTranscript) {
        if let Some(envelope) = &transcript.envelope
            && let Some(sha256) = &envelope.sha256
        {
            let same = self.by_sha256.entry(sha256.to_ascii_lowercase());
            same.or_default().push(transcript.stem.clone());
            self.sizes.extend(envelope.size_bytes);
            if let Some(sound) = &envelope.sound_hash {
                let same = self.by_sound.entry(sound.to_ascii_lowercase());
                same.or_default().push(transcript.stem.clone());
            }
            if envelope.size_bytes.is_none() || envelope.sound_hash.is_some() {
                let name = file_name(Path::new(&envelope.recording));
                self.names.extend(name);
            }
        }
        self.by_stem.insert(transcript.stem.clone(), transcript);
    }

    /// Removes a transcript that the queue now knows.
    pub fn remove(&mut self, stem: &Path) {
        self.by_stem.remove(stem);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_stem.is_empty()
    }

    /// Returns all transcripts, by path.
    pub fn iter(&self) -> impl Iterator<Item = &UnrecordedTranscript> {
        self.by_stem.values()
    }

    /// Whether a transcript of the same content may exist, so that the recording is worth hashing.
    #[must_use]
    pub fn may_contain(&self, recording: &Recording) -> bool {
        self.sizes.contains(&recording.revision.size_bytes)
            || file_name(&recording.relative).is_some_and(|name| self.names.contains(&name))
    }

    /// Returns the transcripts in `folder` that a recording of this name and `template` would have in any language, unless
    /// they belong to another recording.
    pub fn of_name<'a>(
        &'a self,
        folder: &'a Path,
        recording: &'a Recording,
        template: &'a FileNameTemplate,
        facts: &'a TemplateValues,
    ) -> impl Iterator<Item = &'a UnrecordedTranscript> {
        let name = recording.relative.file_name().unwrap_or_default();
        // The stem and the full name. Further ones are numbered.
        let bases = base_names(name).take(2);
        let bases = bases.flat_map(|base| base_forms(&base));
        let of_base = bases.flat_map(move |base| self.of_base(folder, base, template, facts));
        of_base.filter(|transcript| transcript.envelope.is_none() || transcript.names(recording))
    }

    fn of_base<'a>(
        &'a self,
        folder: &'a Path,
        base: OsString,
        template: &'a FileNameTemplate,
        facts: &'a TemplateValues,
    ) -> Vec<&'a UnrecordedTranscript> {
        if template.is_stem() {
            return self.by_stem.get(&folder.join(base)).into_iter().collect();
        }
        // Paths are ordered by their components, so those in a folder follow it, and equal beginnings follow each other.
        let start = match template.begins_with_stem() {
            true => &base,
            false => OsStr::new(""),
        };
        let is_near = |stem: &Path| {
            let inside = stem.strip_prefix(folder).ok();
            let first = inside.and_then(|inside| inside.components().next());
            first.is_some_and(|first| first.as_os_str().as_bytes().starts_with(start.as_bytes()))
        };
        let near = self.by_stem.range(folder.join(start)..);
        let near = near.take_while(|(stem, _)| is_near(stem));
        near.filter(|(stem, _)| stem.parent() == Some(folder))
            .filter(|(stem, _)| {
                let name = stem.file_name().unwrap_or_default();
                template.gives_in_some_language(name, &base, facts)
            })
            .map(|(_, transcript)| transcript)
            .collect()
    }

    /// Returns a transcript of the same content or sound that was made with `request`, or with any if it is `None`. One that
    /// names the recording is preferred.
    #[must_use]
    pub fn find(
        &self,
        recording: &Recording,
        hash: &RecordingHash,
        request: Option<&Request>,
    ) -> Option<&UnrecordedTranscript> {
        let same_bytes = self.by_sha256.get(&hash.sha256);
        let same_sound = hash
            .sound
            .as_ref()
            .and_then(|sound| self.by_sound.get(sound));
        let stems = same_bytes.into_iter().chain(same_sound).flatten();
        let same = stems
            .filter_map(|stem| self.by_stem.get(stem))
            .filter(|transcript| {
                let made_with = transcript.envelope.as_ref().map(Envelope::request);
                let is_same = |own: &Request, other: &Request| {
                    own.model_key() == other.model_key() && own.options() == other.options()
                };
                match (&made_with, request) {
                    (Some(own), Some(other)) => is_same(own, other),
                    (_, other) => other.is_none(),
                }
            });
        same.max_by_key(|transcript| transcript.names(recording))
    }
}

fn file_name(path: &Path) -> Option<OsString> {
    path.file_name().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Location, Revision, Timestamp};
    use serde_json::json;

    fn recording(source: &str, relative: &str, size_bytes: u64) -> Recording {
        Recording {
            source: source.into(),
            location: Location::File(Path::new("/audio").join(relative)),
            relative: relative.into(),
            revision: Revision {
                size_bytes,
                modified: Timestamp::from_millis(0),
            },
        }
    }

    fn hash(sha256: &str) -> RecordingHash {
        RecordingHash {
            sha256: sha256.to_owned(),
            sound: None,
        }
    }

    fn transcript(recording: &str, sha256: &str, size_bytes: Option<u64>) -> UnrecordedTranscript {
        let envelope = json!({
            "version": 1, "source": "talks", "recording": recording, "sha256": sha256, "size_bytes": size_bytes,
            "model": "m", "options": {"diarize": true},
            "recorded_at": "2026-11-21T03:04:05Z", "received_at": "2026-11-21T03:04:05Z",
        });
        UnrecordedTranscript {
            stem: Path::new("/out/talks").join(recording).with_extension(""),
            formats: BTreeSet::from([Format::Json]),
            envelope: Some(serde_json::from_value(envelope).unwrap()),
        }
    }

    fn request() -> Request {
        Request::new("m", [("diarize".to_owned(), json!(true))])
    }

    #[test]
    fn only_the_same_content_and_request_are_found() {
        let mut known = UnrecordedTranscripts::default();
        known.insert(transcript("a.mp3", "AB", Some(7)));
        let wanted = recording("talks", "a.mp3", 7);
        let find =
            |sha256, request: &Request| known.find(&wanted, &hash(sha256), Some(request)).cloned();
        assert!(find("ab", &request()).is_some());
        assert!(find("cd", &request()).is_none());
        assert!(find("ab", &Request::new("m", [])).is_none());
        assert!(known.find(&wanted, &hash("ab"), None).is_some());
    }

    #[test]
    fn the_same_sound_is_found_under_the_same_name() {
        let mut transcript = transcript("a.mp3", "ab", Some(7));
        let envelope = transcript.envelope.as_mut().unwrap();
        envelope.sound_hash = Some("5A".to_owned());
        let mut known = UnrecordedTranscripts::default();
        known.insert(transcript.clone());
        let tagged = recording("talks", "a.mp3", 9);
        assert!(known.may_contain(&tagged));
        let envelope = transcript.envelope.unwrap();
        for (sound, expected) in [(Some("5a"), true), (Some("5b"), false), (None, false)] {
            let hash = RecordingHash {
                sound: sound.map(str::to_owned),
                ..hash("cd")
            };
            let found = known.find(&tagged, &hash, Some(&request()));
            assert_eq!(found.is_some(), expected);
            assert_ne!(envelope.is_of_other_content(&tagged, Some(&hash)), expected);
        }
    }

    #[test]
    fn the_transcript_of_the_same_path_is_preferred() {
        for names in [["a.mp3", "b.mp3"], ["b.mp3", "a.mp3"]] {
            let mut known = UnrecordedTranscripts::default();
            known.insert(transcript(names[0], "ab", Some(7)));
            known.insert(transcript(names[1], "ab", Some(7)));
            let found = known.find(&recording("talks", "b.mp3", 7), &hash("ab"), None);
            assert_eq!(found.unwrap().stem, Path::new("/out/talks/b"));
            let moved = recording("moved", "c.mp3", 7);
            let found = known.find(&moved, &hash("ab"), None).unwrap().clone();
            assert!(!found.names(&moved));
            known.remove(&found.stem);
            assert_ne!(
                known.find(&moved, &hash("ab"), None).unwrap().stem,
                found.stem
            );
        }
    }

    #[test]
    fn transcripts_are_found_by_name() {
        let mut known = UnrecordedTranscripts::default();
        let without_envelope = |stem: &str| UnrecordedTranscript {
            stem: Path::new("/out/talks").join(stem),
            envelope: None,
            ..transcript("", "", None)
        };
        for stem in ["a", "a/nested", "b.wav", "d.en", "d.notes", "da", "e%3F"] {
            known.insert(without_envelope(stem));
        }
        known.insert(transcript("c.mp3", "ab", Some(7)));
        let count = |folder: &str, name: &str, template: &str| {
            let template: FileNameTemplate = template.parse().unwrap();
            let (recording, facts) = (recording("talks", name, 9), TemplateValues::default());
            let found = known.of_name(Path::new(folder), &recording, &template, &facts);
            found.count()
        };
        for (name, template, expected) in [
            ("a.wav", "{stem}", 1),
            ("b.wav", "{stem}", 1),
            ("b.mp3", "{stem}", 0),
            ("c.mp3", "{stem}", 1),
            // It belongs to c.mp3.
            ("c.wav", "{stem}", 0),
            ("d.wav", "{stem}", 0),
            ("d.wav", "{stem}.{lang}", 1),
            ("nested.wav", "{stem}", 0),
            ("e?.wav", "{stem}", 1),
        ] {
            let found = count("/out/talks", name, template);
            assert_eq!(found, expected, "{name} {template}");
        }
        assert_eq!(count("/out", "a.wav", "{stem}.{lang}"), 0);
    }

    #[test]
    fn only_recordings_of_a_known_size_or_name_are_hashed() {
        let mut known = UnrecordedTranscripts::default();
        assert!(known.is_empty());
        known.insert(transcript("2019/a.mp3", "ab", Some(7)));
        known.insert(transcript("2019/b.mp3", "cd", None));
        assert!(known.may_contain(&recording("moved", "x.mp3", 7)));
        assert!(known.may_contain(&recording("moved", "new/b.mp3", 8)));
        assert!(!known.may_contain(&recording("talks", "2019/a.mp3", 8)));
    }
}
