//! The ID of an item in a path.

use crate::domain::JobId;

/// Returns the ID that a part of a path names. `None` if it is not a number of digits only.
///
/// Use cases that take a word would read anything else as the path of a recording, which a request may not name.
pub(super) fn item_id(text: &str) -> Option<JobId> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).map(JobId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_an_id() {
        assert_eq!(item_id("17"), Some(JobId(17)));
        for other in ["", "-5", "+5", " 5", "1-3", "x", "9223372036854775808"] {
            assert_eq!(item_id(other), None, "{other}");
        }
    }
}
