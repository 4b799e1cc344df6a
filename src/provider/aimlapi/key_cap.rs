//! Refusals for lack of credit: a cap of the key, told from an empty account by the words of the message.

/// Words of a message about a cap.
const CAP_WORDS: [&str; 7] = [
    "limit",
    "cap ",
    "capped",
    "quota",
    "budget",
    "threshold",
    "allowance",
];
/// Words of a message about an empty account or its plan, which may also mention a limit.
const ACCOUNT_WORDS: [&str; 6] = [
    "balance",
    "top up",
    "top-up",
    "out of credit",
    "insufficient",
    "upgrade",
];

/// Whether the message of a 402 or 403 says that the key has reached a cap of its own.
pub(crate) fn names_key_cap(message: &str) -> bool {
    let message = format!("{} ", message.to_lowercase());
    let mentions = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let names_key = message.contains("key") || message.contains("spending limit");
    mentions(&CAP_WORDS) && (names_key || !mentions(&ACCOUNT_WORDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_of_the_key_is_told_from_an_empty_account() {
        for message in [
            "API key spending limit exceeded",
            "This key has reached its monthly budget",
            "Key usage limit reached",
            "the quota of this key is used up",
            "Spending limit reached",
        ] {
            assert!(names_key_cap(message), "{message}");
        }
        for message in [
            "You have run out of credit",
            "Insufficient balance",
            "You've reached the limit of your free plan, please top up your balance",
            "Forbidden",
            "",
        ] {
            assert!(!names_key_cap(message), "{message}");
        }
    }
}
