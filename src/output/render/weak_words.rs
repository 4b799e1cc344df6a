//! Words that belong to the next one, so that no line or subtitle should end with them.

use crate::domain::Language;
use std::collections::HashMap;

/// Weak words of a language.
struct WeakWords {
    code: &'static str,
    /// Conjunctions and prepositions. A line may well begin with them.
    connectives: &'static [&'static str],
    /// Articles, pronouns and auxiliary verbs.
    others: &'static [&'static str],
}

/// How a word binds to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// It binds to the next word, and begins a phrase.
    Connective,
    /// It binds to the next word.
    Weak,
    /// It stands by itself.
    Free,
}

const LANGUAGES: [WeakWords; 7] = [
    WeakWords {
        code: "de",
        connectives: &[
            "aber", "als", "am", "an", "auf", "aus", "bei", "beim", "bis", "da", "damit", "dass",
            "denn", "durch", "für", "gegen", "hinter", "im", "in", "ins", "mit", "nach", "ob",
            "obwohl", "oder", "ohne", "sondern", "sowie", "um", "und", "unter", "vom", "von",
            "vor", "weil", "wenn", "zu", "zum", "zur", "zwischen", "über",
        ],
        others: &[
            "das", "dein", "deine", "dem", "den", "der", "des", "die", "diese", "dieser", "dieses",
            "du", "ein", "eine", "einem", "einen", "einer", "eines", "er", "es", "ich", "ihr",
            "ihre", "ist", "kein", "keine", "mein", "meine", "sein", "seine", "sie", "sind",
            "unser", "unsere", "war", "waren", "wir",
        ],
    },
    WeakWords {
        code: "en",
        connectives: &[
            "about", "after", "against", "although", "among", "and", "around", "as", "at",
            "because", "before", "behind", "between", "but", "by", "during", "for", "from", "if",
            "in", "into", "like", "near", "nor", "of", "on", "onto", "or", "over", "per", "since",
            "so", "than", "that", "through", "to", "toward", "towards", "under", "unless", "until",
            "upon", "when", "where", "whereas", "whether", "which", "while", "who", "whose",
            "with", "within", "without",
        ],
        others: &[
            "a", "am", "an", "are", "be", "can", "could", "every", "had", "has", "have", "he",
            "he's", "her", "his", "i", "i'd", "i'll", "i'm", "i've", "is", "it", "it's", "its",
            "may", "might", "must", "my", "not", "our", "shall", "she", "she's", "should",
            "that's", "the", "their", "there's", "these", "they", "they're", "they've", "this",
            "those", "very", "was", "we", "we'll", "we're", "we've", "were", "what", "will",
            "would", "you", "you'll", "you're", "you've", "your",
        ],
    },
    WeakWords {
        code: "es",
        connectives: &[
            "a", "al", "ante", "aunque", "bajo", "como", "con", "contra", "cuando", "de", "del",
            "desde", "donde", "durante", "en", "entre", "hacia", "hasta", "ni", "o", "para",
            "pero", "por", "porque", "pues", "que", "según", "si", "sin", "sino", "sobre", "tras",
            "u", "y",
        ],
        others: &[
            "el", "ella", "ellos", "es", "esta", "estas", "este", "estos", "la", "las", "le",
            "les", "lo", "los", "me", "mi", "mis", "no", "nos", "nuestra", "nuestro", "se", "son",
            "su", "sus", "te", "tu", "tus", "un", "una", "unas", "unos", "yo",
        ],
    },
    WeakWords {
        code: "fr",
        connectives: &[
            "au", "aux", "avec", "car", "chez", "comme", "contre", "dans", "de", "depuis", "des",
            "donc", "dont", "du", "en", "entre", "et", "lorsque", "mais", "ni", "ou", "où", "par",
            "parce", "pendant", "pour", "puisque", "quand", "que", "qui", "sans", "si", "sous",
            "sur", "vers", "à",
        ],
        others: &[
            "c'est", "ce", "ces", "cet", "cette", "elle", "elles", "est", "il", "ils", "je", "la",
            "le", "les", "leur", "leurs", "ma", "mes", "mon", "ne", "nos", "notre", "nous", "on",
            "sa", "se", "ses", "son", "sont", "ta", "tes", "ton", "tu", "un", "une", "vos",
            "votre", "vous", "était",
        ],
    },
    WeakWords {
        code: "it",
        connectives: &[
            "a", "ai", "al", "alla", "alle", "anche", "che", "come", "con", "da", "dal", "dalla",
            "dei", "del", "della", "delle", "di", "dove", "e", "ed", "fra", "in", "ma", "nel",
            "nella", "o", "per", "perché", "quando", "se", "senza", "su", "sul", "sulla", "tra",
        ],
        others: &[
            "ci", "gli", "i", "il", "io", "l'", "la", "le", "lei", "lo", "loro", "lui", "mi",
            "mia", "mio", "noi", "non", "quella", "quello", "questa", "questo", "si", "sono",
            "sua", "suo", "ti", "tu", "un", "una", "uno", "voi", "è",
        ],
    },
    WeakWords {
        code: "nl",
        connectives: &[
            "aan", "als", "bij", "binnen", "dan", "dat", "die", "door", "dus", "en", "in", "maar",
            "met", "na", "naar", "of", "om", "omdat", "onder", "op", "over", "per", "sinds", "te",
            "tegen", "terwijl", "toen", "tot", "tussen", "uit", "van", "voor", "waar", "wanneer",
            "want", "zonder",
        ],
        others: &[
            "de", "deze", "dit", "een", "haar", "heeft", "het", "hij", "hun", "ik", "is", "je",
            "jij", "jouw", "jullie", "mijn", "niet", "ons", "onze", "waren", "was", "we", "wij",
            "ze", "zij", "zijn",
        ],
    },
    WeakWords {
        code: "pt",
        connectives: &[
            "a", "ao", "aos", "até", "com", "como", "contra", "da", "das", "de", "desde", "do",
            "dos", "e", "em", "embora", "entre", "mas", "na", "nas", "nem", "no", "nos", "onde",
            "ou", "para", "pela", "pelo", "por", "porque", "quando", "que", "se", "sem", "sob",
            "sobre", "à",
        ],
        others: &[
            "as", "ela", "elas", "ele", "eles", "essa", "esse", "esta", "este", "eu", "foi", "me",
            "meu", "minha", "nossa", "nosso", "não", "o", "os", "seu", "sua", "são", "te", "um",
            "uma", "você", "é",
        ],
    },
];

/// Longest word in the lists, in bytes.
const MAX_BYTES: usize = 12;

/// Judge of the words of one language. Knows no weak words in a language without a list.
#[derive(Debug, Clone)]
pub(super) struct WordBinding(HashMap<&'static str, Binding>);

impl WordBinding {
    /// Returns the judge for a language. An unknown language counts as English, as it does at the service.
    pub(super) fn of(language: Option<&Language>) -> Self {
        let code = language.map_or("en", Language::primary);
        let known = LANGUAGES.iter().filter(|known| known.code == code);
        let words = known.flat_map(|known| {
            let connectives = known
                .connectives
                .iter()
                .map(|word| (*word, Binding::Connective));
            connectives.chain(known.others.iter().map(|word| (*word, Binding::Weak)))
        });
        Self(words.collect())
    }

    /// Returns how a word, without punctuation after it, binds to its neighbours.
    pub(super) fn binding(&self, word: &str) -> Binding {
        let word = word.trim_start_matches(|char: char| !char.is_alphanumeric());
        if self.0.is_empty() || word.is_empty() || word.len() > MAX_BYTES {
            return Binding::Free;
        }
        let mut word = word.to_lowercase();
        if word.contains('’') {
            word = word.replace('’', "'");
        }
        self.0.get(&*word).copied().unwrap_or(Binding::Free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(language: &str, word: &str) -> Binding {
        WordBinding::of(Language::parse(language).as_ref()).binding(word)
    }

    #[test]
    fn words_bind_by_language() {
        assert_eq!(binding("en", "The"), Binding::Weak);
        assert_eq!(binding("en", "“and"), Binding::Connective);
        assert_eq!(binding("en", "I’m"), Binding::Weak);
        assert_eq!(binding("en", "der"), Binding::Free);
        assert_eq!(binding("de-AT", "der"), Binding::Weak);
        assert_eq!(binding("de", "Über"), Binding::Connective);
        assert_eq!(binding("ja", "the"), Binding::Free);
        assert_eq!(WordBinding::of(None).binding("of"), Binding::Connective);
    }

    #[test]
    fn listed_words_are_short() {
        for language in LANGUAGES {
            let words = language.connectives.iter().chain(language.others);
            assert!(words.clone().all(|word| word.len() <= MAX_BYTES));
        }
    }
}
