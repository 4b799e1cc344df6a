//! A quantile of values that nobody saw: of each, only an interval is known that it lies in.

/// Rounds of the estimate. A quantile in the middle hardly moves after them.
const ROUNDS: usize = 10;

/// Below what this part of the values lies (a half: the median), of which each lies in one of the intervals, from a lower
/// bound to a higher one: at first as if they lay anywhere with equal chance, then each value is shared out over its
/// interval as all of them together were found to lie there (B. W. Turnbull, 1976). The bounds are finite; without
/// intervals it is zero.
#[must_use]
pub fn quantile(intervals: &[(f64, f64)], part: f64) -> f64 {
    let mut bounds: Vec<_> = intervals
        .iter()
        .flat_map(|&(low, high)| [low, high])
        .collect();
    bounds.sort_unstable_by(f64::total_cmp);
    bounds.dedup();
    let (Some(&least), Some(&most)) = (bounds.first(), bounds.last()) else {
        return 0.0;
    };
    let place = |bound: f64| bounds.partition_point(|other| *other < bound);
    let spans: Vec<_> = intervals
        .iter()
        .map(|&(low, high)| (place(low), place(high)))
        .collect();
    let mut below: Vec<_> = bounds
        .iter()
        .map(|bound| (bound - least) / (most - least))
        .collect();
    for _ in 0..ROUNDS {
        below = shared_out(&below, &spans);
    }
    at(part, &bounds, &below)
}

/// Which part of the values lies below each bound, once each is shared out over its span by what was known of that.
fn shared_out(below: &[f64], spans: &[(usize, usize)]) -> Vec<f64> {
    // By how much the density changes at each bound.
    let mut changes = vec![0.0; below.len()];
    for &(low, high) in spans {
        let inside = below[high] - below[low];
        if inside > 0.0 {
            changes[low] += 1.0 / inside;
            changes[high] -= 1.0 / inside;
        }
    }
    let (mut density, mut sum) = (0.0, 0.0);
    let mut shared = vec![0.0; below.len()];
    for (place, step) in below.windows(2).enumerate() {
        density += changes[place];
        sum += density * (step[1] - step[0]);
        shared[place + 1] = sum;
    }
    shared.iter_mut().for_each(|part| *part /= sum);
    shared
}

/// Where the part of the values lies below.
fn at(part: f64, bounds: &[f64], below: &[f64]) -> f64 {
    let place = below.partition_point(|other| *other < part);
    if place == 0 || place == bounds.len() {
        return bounds[0];
    }
    let (low, high) = (bounds[place - 1], bounds[place]);
    let between = (part - below[place - 1]) / (below[place] - below[place - 1]);
    low + (high - low) * between
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn median(intervals: &[(f64, f64)]) -> f64 {
        quantile(intervals, 0.5)
    }

    #[test]
    fn the_median_of_one_value_is_in_the_middle_of_its_interval() {
        assert!(median(&[]).abs() < f64::EPSILON);
        assert!((median(&[(2.0, 4.0)]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn where_all_intervals_overlap_the_values_are_taken_to_be_the_same() {
        let narrowed = [(0.0, 10.0), (4.0, 5.0), (1.0, 4.5), (2.0, 9.0)].repeat(16);
        let median = median(&narrowed);
        assert!((4.0..4.5).contains(&median), "{median}");
    }

    #[test]
    fn half_of_the_values_lie_below() {
        let exact = |value: i32| (f64::from(value) - 0.01, f64::from(value) + 0.01);
        let values = [1, 2, 3, 40, 50].map(exact);
        assert!((median(&values) - 3.0).abs() < 0.01);
        // Those that are known to be low, but not how low, count as well.
        let values = [&values[..], &[(-100.0, 2.5), (-100.0, 2.5)]].concat();
        let median = median(&values);
        assert!((1.9..2.51).contains(&median), "{median}");
    }

    #[test]
    fn any_part_of_the_values_lies_below() {
        let values: Vec<_> = (0..100)
            .map(|value| (f64::from(value), f64::from(value) + 1.0))
            .collect();
        for part in [0.1, 0.5, 0.55, 0.9] {
            assert!(
                (quantile(&values, part) - part * 100.0).abs() < 0.01,
                "{part}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_quantile_lies_within_the_bounds(intervals in proptest::collection::vec((-1e3..1e3f64, 1e-3..1e3f64), 1..200), part in 0.01..0.99f64) {
            let intervals: Vec<_> = intervals.into_iter().map(|(low, width)| (low, low + width)).collect();
            let least = intervals.iter().map(|interval| interval.0).fold(f64::MAX, f64::min);
            let most = intervals.iter().map(|interval| interval.1).fold(f64::MIN, f64::max);
            prop_assert!((least..=most).contains(&quantile(&intervals, part)));
        }
    }
}
