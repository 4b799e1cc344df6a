//! Speakers, as services name them.

use smol_str::SmolStr;

/// Prefix of the numbers of some services: `speaker_0`, `SPEAKER_00`.
const NUMBER_PREFIX: &str = "speaker_";

/// Speaker label, as text: a number from 0 (Deepgram), a letter (AssemblyAI), or `speaker_0` (ElevenLabs).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speaker(pub SmolStr);

impl Speaker {
    /// Returns the name that the service uses, without `speaker_` before a number.
    #[must_use]
    pub fn key(&self) -> &str {
        let name = self.0.trim();
        let prefix = name.get(..NUMBER_PREFIX.len());
        match prefix.filter(|prefix| prefix.eq_ignore_ascii_case(NUMBER_PREFIX)) {
            Some(_) => number(&name[NUMBER_PREFIX.len()..]).unwrap_or(name),
            None => number(name).unwrap_or(name),
        }
    }
}

/// Returns a number without leading zeros.
fn number(text: &str) -> Option<&str> {
    text.parse::<u32>().ok()?;
    let digits = text.trim_start_matches(['0', '+']);
    Some(if digits.is_empty() { "0" } else { digits })
}
