//! The decision whether recordings look as if they were paid for before this queue knew them.
//!
//! They look so after the state folder was lost, or after a program has rewritten a whole archive. To pay for an archive a
//! second time costs more than a question. A few stray files must not block an archive, so they hold only their own
//! recordings.

use std::fmt;

/// Number of recordings that are few in any source. So many may change at once without a question, or have a transcript
/// without holding the whole source.
const FEW: u64 = 2;
/// Part of the queued recordings that must have a transcript before the whole source is held: one in this number.
const ONE_IN: u64 = 10;

/// Facts about the recordings of one source, without those whose payment is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaidFacts {
    /// Number of queued recordings.
    pub queued: u64,
    /// Number of those with a transcript that the queue does not know.
    pub transcribed: u64,
    /// Number of those that were transcribed and have another content since.
    pub changed: u64,
    /// Number of recordings that were transcribed, including the changed ones.
    pub known: u64,
}

/// Why recordings look as if they were paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// Transcripts exist that the queue does not know.
    Transcribed {
        /// Number of recordings with such a transcript.
        count: u64,
        /// Number of queued recordings.
        queued: u64,
    },
    /// Most of the known recordings changed at once.
    Changed {
        /// Number of changed recordings.
        count: u64,
        /// Number of recordings that were transcribed.
        known: u64,
    },
}

/// Whether most of the known recordings changed at once.
#[must_use]
pub const fn is_mass_change(changed: u64, known: u64) -> bool {
    changed > FEW && changed > known / 2
}

impl PaidFacts {
    /// Returns why recordings of the source should not be submitted without a question, if so.
    #[must_use]
    pub const fn suspicion(&self) -> Option<Suspicion> {
        let transcribed = Suspicion::Transcribed {
            count: self.transcribed,
            queued: self.queued,
        };
        let is_mass_change = is_mass_change(self.changed, self.known);
        if self.transcribed > 0 && (transcribed.holds_source() || !is_mass_change) {
            Some(transcribed)
        } else if is_mass_change {
            Some(Suspicion::Changed {
                count: self.changed,
                known: self.known,
            })
        } else {
            None
        }
    }
}

impl Suspicion {
    /// Whether the whole source is held. Otherwise only the recordings with a transcript are.
    #[must_use]
    pub const fn holds_source(&self) -> bool {
        match *self {
            Self::Transcribed { count, queued } => {
                count > FEW && count.saturating_mul(ONE_IN) >= queued
            }
            Self::Changed { .. } => true,
        }
    }
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transcribed { count, queued } => write!(
                f,
                "{count} of {queued} queued recordings have a transcript that the queue does not know"
            ),
            Self::Changed { count, known } => write!(
                f,
                "{count} of {known} transcribed recordings have changed at once"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn transcribed(transcribed: u64, queued: u64) -> Option<Suspicion> {
        let facts = PaidFacts {
            queued,
            transcribed,
            ..PaidFacts::default()
        };
        facts.suspicion()
    }

    #[test]
    fn a_change_of_most_known_recordings_is_suspicious() {
        for (changed, known) in [(3, 3), (3, 5), (31, 61), (40, 60)] {
            assert!(is_mass_change(changed, known), "{changed} of {known}");
        }
        for (changed, known) in [(0, 0), (2, 2), (3, 6), (20, 60)] {
            assert!(!is_mass_change(changed, known), "{changed} of {known}");
        }
    }

    #[test]
    fn one_transcript_in_ten_holds_the_source_unless_few() {
        for (count, queued) in [(3, 3), (3, 30), (400, 4000)] {
            let suspicion = transcribed(count, queued).unwrap();
            assert!(suspicion.holds_source(), "{suspicion}");
        }
        for (count, queued) in [(1, 1), (2, 3), (3, 31), (399, 4000)] {
            let suspicion = transcribed(count, queued).unwrap();
            assert!(!suspicion.holds_source(), "{suspicion}");
        }
        assert_eq!(transcribed(0, 4000), None);
    }

    #[test]
    fn a_changed_archive_is_not_hidden_by_stray_files() {
        let facts = PaidFacts {
            queued: 100,
            transcribed: 1,
            changed: 90,
            known: 90,
        };
        assert_eq!(
            facts.suspicion().unwrap().to_string(),
            "90 of 90 transcribed recordings have changed at once"
        );
    }

    proptest! {
        #[test]
        fn no_recording_with_a_transcript_is_free(
            queued in 1_u64..10_000, transcribed in 1_u64..10_000, changed in 0_u64..10_000, known in 0_u64..10_000,
        ) {
            let facts = PaidFacts { queued: queued.max(transcribed), transcribed, changed, known };
            prop_assert!(facts.suspicion().is_some());
        }

        #[test]
        fn more_evidence_never_ends_a_hold(
            queued in 1_u64..1_000, transcribed in 0_u64..1_000, changed in 0_u64..1_000, known in 0_u64..1_000,
        ) {
            let facts = PaidFacts { queued: queued.max(transcribed), transcribed, changed, known };
            let more = PaidFacts { transcribed: (transcribed + 1).min(facts.queued), ..facts };
            let holds = |facts: PaidFacts| facts.suspicion().is_some_and(|found| found.holds_source());
            prop_assert!(!holds(facts) || holds(more));
        }
    }
}
