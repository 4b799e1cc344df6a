//! Quantiles of interval-censored values: for each value, only an interval that contains it is known.

/// Number of iterations. After these, a quantile near the median hardly changes.
const ITERATIONS: usize = 10;

/// Returns a quantile of interval-censored values (`part` = 0.5 is the median).
///
/// Each interval contains one value and is given as a lower and a higher bound. The bounds must be finite. Without
/// intervals, the result is zero.
///
/// The estimate is the self-consistent one of B. W. Turnbull (1976). It starts with a uniform distribution. Each iteration
/// then distributes every value over its interval, in proportion to the previous estimate.
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
    let index = |bound: f64| bounds.partition_point(|other| *other < bound);
    let spans: Vec<_> = intervals
        .iter()
        .map(|&(low, high)| (index(low), index(high)))
        .collect();
    let mut below: Vec<_> = bounds
        .iter()
        .map(|bound| (bound - least) / (most - least))
        .collect();
    for _ in 0..ITERATIONS {
        below = redistribute(&below, &spans);
    }
    interpolate(part, &bounds, &below)
}

/// Performs one iteration. Returns the cumulative distribution at each bound, computed from the previous one.
fn redistribute(below: &[f64], spans: &[(usize, usize)]) -> Vec<f64> {
    // Change of the density at each bound.
    let mut changes = vec![0.0; below.len()];
    for &(low, high) in spans {
        let inside = below[high] - below[low];
        if inside > 0.0 {
            changes[low] += 1.0 / inside;
            changes[high] -= 1.0 / inside;
        }
    }
    let (mut density, mut sum) = (0.0, 0.0);
    let mut redistributed = vec![0.0; below.len()];
    for (index, step) in below.windows(2).enumerate() {
        density += changes[index];
        sum += density * (step[1] - step[0]);
        redistributed[index + 1] = sum;
    }
    redistributed.iter_mut().for_each(|part| *part /= sum);
    redistributed
}

/// Returns the quantile, interpolated linearly between the bounds.
fn interpolate(part: f64, bounds: &[f64], below: &[f64]) -> f64 {
    let index = below.partition_point(|other| *other < part);
    if index == 0 || index == bounds.len() {
        return bounds[0];
    }
    let (low, high) = (bounds[index - 1], bounds[index]);
    let between = (part - below[index - 1]) / (below[index] - below[index - 1]);
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
    fn the_median_of_one_interval_is_its_midpoint() {
        assert!(median(&[]).abs() < f64::EPSILON);
        assert!((median(&[(2.0, 4.0)]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_median_lies_where_all_intervals_overlap() {
        let narrowed = [(0.0, 10.0), (4.0, 5.0), (1.0, 4.5), (2.0, 9.0)].repeat(16);
        let median = median(&narrowed);
        assert!((4.0..4.5).contains(&median), "{median}");
    }

    #[test]
    fn half_of_the_values_lie_below_the_median() {
        let exact = |value: i32| (f64::from(value) - 0.01, f64::from(value) + 0.01);
        let values = [1, 2, 3, 40, 50].map(exact);
        assert!((median(&values) - 3.0).abs() < 0.01);
        // Values with an almost unknown lower bound also count.
        let values = [&values[..], &[(-100.0, 2.5), (-100.0, 2.5)]].concat();
        let median = median(&values);
        assert!((1.9..2.51).contains(&median), "{median}");
    }

    #[test]
    fn any_quantile_can_be_estimated() {
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
