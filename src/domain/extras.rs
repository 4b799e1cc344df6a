//! Parts of a result other than the transcript, to compare them with the request.

/// Parts of a result, and what is known of its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// A summary.
    pub summary: bool,
    /// Topics.
    pub topics: bool,
    /// Intents.
    pub intents: bool,
    /// Sentiments.
    pub sentiments: bool,
    /// Entities.
    pub entities: bool,
    /// Whether the result has fields, but none that this version knows, and no text.
    pub unknown_shape: bool,
}

impl Extras {
    /// Records the field `name` of a result, which is not null. Returns whether it is one of these parts.
    pub fn record(&mut self, name: &str) -> bool {
        let part = match name {
            "summary" => &mut self.summary,
            "topics" | "iab_categories_result" => &mut self.topics,
            "intents" => &mut self.intents,
            "sentiments" | "sentiment_segments" | "sentiment_analysis_results" => {
                &mut self.sentiments
            }
            "entities" => &mut self.entities,
            _ => return false,
        };
        *part = true;
        true
    }

    /// Adds the parts that `other` has.
    pub const fn add(&mut self, other: Self) {
        self.summary |= other.summary;
        self.topics |= other.topics;
        self.intents |= other.intents;
        self.sentiments |= other.sentiments;
        self.entities |= other.entities;
    }
}
