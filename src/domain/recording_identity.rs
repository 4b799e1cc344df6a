//! Equality of recordings: by their bytes, or by their encoded sound without tags, pictures and containers.

/// Hashes of the content of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingHash {
    /// SHA-256 of the file in lowercase hexadecimal.
    pub sha256: String,
    /// BLAKE3 of the encoded sound in lowercase hexadecimal. `None` if the sound cannot be told from the rest of the file.
    pub sound: Option<String>,
}

/// Key that recordings with the same sound share. It is read from a small part of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundKey {
    /// Hash of the format and the first packets, in lowercase hexadecimal.
    pub head: String,
    /// Length in seconds, if it is exact. Containers differ by less than a second.
    pub length_s: Option<f64>,
}

/// Known hashes and key of a recording, by which recordings with the same content are found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordingIdentity {
    /// Hashes, if the file was read as a whole.
    pub hash: Option<RecordingHash>,
    /// Key of the sound, if it can be told from the rest of the file.
    pub sound_key: Option<SoundKey>,
}

/// Greatest difference in seconds of two lengths that may be of the same sound.
const MAX_LENGTH_DIFFERENCE_S: f64 = 1.0;

impl SoundKey {
    /// Whether the sound may be the same.
    #[must_use]
    pub fn may_equal(&self, other: &Self) -> bool {
        let difference = self
            .length_s
            .zip(other.length_s)
            .map(|(own, other)| own - other);
        let is_near = difference.is_none_or(|s| s.abs() < MAX_LENGTH_DIFFERENCE_S);
        self.head == other.head && is_near
    }
}

impl RecordingIdentity {
    /// Whether the content is the same, or may be the same as far as it is known.
    #[must_use]
    pub fn may_equal(&self, other: &Self) -> bool {
        match (&self.hash, &other.hash) {
            (Some(own), Some(other)) => {
                own.sha256 == other.sha256 || own.sound.is_some() && own.sound == other.sound
            }
            _ => match (&self.sound_key, &other.sound_key) {
                (Some(own), Some(other)) => own.may_equal(other),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(head: &str, length_s: Option<f64>) -> SoundKey {
        SoundKey {
            head: head.to_owned(),
            length_s,
        }
    }

    fn hashed(sha256: &str, sound: Option<&str>) -> RecordingIdentity {
        RecordingIdentity {
            hash: Some(RecordingHash {
                sha256: sha256.to_owned(),
                sound: sound.map(str::to_owned),
            }),
            sound_key: Some(key("k", None)),
        }
    }

    #[test]
    fn keys_are_equal_with_a_similar_length() {
        let own = key("a", Some(60.0));
        for (other, expected) in [
            (key("a", Some(60.9)), true),
            (key("a", Some(59.1)), true),
            (key("a", None), true),
            (key("a", Some(61.0)), false),
            (key("b", Some(60.0)), false),
        ] {
            assert_eq!(own.may_equal(&other), expected, "{other:?}");
            assert_eq!(other.may_equal(&own), expected, "{other:?}");
        }
    }

    #[test]
    fn the_hashes_decide_if_both_are_known() {
        let own = hashed("a", Some("s"));
        let unhashed = RecordingIdentity {
            sound_key: Some(key("k", None)),
            ..RecordingIdentity::default()
        };
        for (other, expected) in [
            (hashed("a", None), true),
            (hashed("b", Some("s")), true),
            (hashed("b", Some("t")), false),
            (hashed("b", None), false),
            (unhashed.clone(), true),
            (RecordingIdentity::default(), false),
        ] {
            assert_eq!(own.may_equal(&other), expected, "{other:?}");
            assert_eq!(other.may_equal(&own), expected, "{other:?}");
        }
        assert!(!hashed("a", None).may_equal(&hashed("b", None)));
        assert!(unhashed.may_equal(&unhashed));
    }
}
