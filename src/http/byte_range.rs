//! Ranges of bytes that players ask for (RFC 9110, section 14).

use std::ops::Range;

/// The part of a recording that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// A part of it, not empty.
    Part(Range<u64>),
    /// A part beyond its end.
    Beyond,
}

/// Returns the part that a value of `Range` asks for, of `len` bytes.
///
/// Several ranges, other units and values that are not valid ask for the whole, as the standard allows.
pub(super) fn asked(range: Option<&str>, len: u64) -> Asked {
    let spec = range.and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((from, to)) = spec.and_then(|spec| spec.trim().split_once('-')) else {
        return Asked::Whole;
    };
    let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Some(digits.parse().unwrap_or(u64::MAX)),
        false => None,
    };
    let part = match (from, to) {
        ("", "") => return Asked::Whole,
        ("", last) => number(last).map(|last| len.saturating_sub(last)..len),
        (from, "") => number(from).map(|from| from..len),
        (from, to) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from > to => None,
            (Some(from), Some(to)) => Some(from..to.saturating_add(1).min(len)),
            _ => None,
        },
    };
    match part {
        None => Asked::Whole,
        Some(part) if part.start >= part.end => Asked::Beyond,
        Some(part) => Asked::Part(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_form_asks_for_its_part() {
        let part = |range| Asked::Part(range);
        for (range, expected) in [
            ("bytes=0-", part(0..10)),
            ("bytes=3-", part(3..10)),
            ("bytes=3-3", part(3..4)),
            ("bytes=3-99", part(3..10)),
            ("bytes=3-99999999999999999999", part(3..10)),
            ("bytes=-4", part(6..10)),
            ("bytes=-99", part(0..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=99999999999999999999-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=4-3", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("items=0-1", Asked::Whole),
        ] {
            assert_eq!(asked(Some(range), 10), expected, "{range}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Beyond);
    }

    proptest! {
        #[test]
        fn a_part_lies_within(range in "bytes=[0-9-]{0,12}", len in 0..1000_u64) {
            if let Asked::Part(part) = asked(Some(&range), len) {
                prop_assert!(part.start < part.end && part.end <= len);
            }
        }
    }
}
