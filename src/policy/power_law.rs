//! Power law between the size of a recording and the time that a step takes, fitted to observations.

/// Smallest size and time that are told apart. Their logarithms must be finite.
const MIN_VALUE: f64 = 1e-3;
/// Variance of the assumed exponent.
const EXPONENT_VARIANCE: f64 = 0.1;
/// Assumed variance of the logarithms of times of the same size. It counts as much as two observations.
const TIME_VARIANCE: f64 = 0.06;
/// Minimum weight of the assumed exponent, as a variance of logarithms of sizes. Sizes that differ by a hundredth tell nothing.
const MIN_WEIGHT: f64 = 1e-4;

/// Time as a power of a size: `factor × size ^ exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    factor: f64,
    exponent: f64,
}

impl PowerLaw {
    /// Returns the law without an influence of the size.
    #[must_use]
    pub const fn constant(time: f64) -> Self {
        Self {
            factor: time,
            exponent: 0.0,
        }
    }

    /// Fits the law to pairs of a size and a time. The exponent is between 0 and 1. It is `assumed` as long as all sizes are alike.
    /// The more observations there are, and the less their times vary, the less that counts. Returns `None` without observations.
    #[must_use]
    pub fn fit(observations: &[(f64, f64)], assumed: f64) -> Option<Self> {
        let log = |value: f64| value.max(MIN_VALUE).ln();
        let logs = observations
            .iter()
            .map(|(size, time)| (log(*size), log(*time)));
        let logs: Vec<_> = logs.collect();
        let count = logs.len() as f64;
        if logs.is_empty() {
            return None;
        }
        let mean_size = logs.iter().map(|(size, _)| size).sum::<f64>() / count;
        let mean_time = logs.iter().map(|(_, time)| time).sum::<f64>() / count;
        let (mut variance, mut covariance, mut time_variance) = (0.0, 0.0, 0.0);
        for (size, time) in &logs {
            variance += (size - mean_size).powi(2) / count;
            covariance += (size - mean_size) * (time - mean_time) / count;
            time_variance += (time - mean_time).powi(2) / count;
        }
        let explained = covariance.powi(2) / variance.max(MIN_WEIGHT);
        let residual = (time_variance - explained).max(0.0);
        let residual = (residual * count + TIME_VARIANCE * 2.0) / (count + 2.0);
        let weight = (residual / (count * EXPONENT_VARIANCE)).max(MIN_WEIGHT);
        let exponent = (covariance + weight * assumed) / (variance + weight);
        let exponent = exponent.clamp(0.0, 1.0);
        Some(Self {
            factor: (mean_time - exponent * mean_size).exp(),
            exponent,
        })
    }

    /// Returns the time for a size.
    #[must_use]
    pub fn at(&self, size: f64) -> f64 {
        self.factor * size.max(MIN_VALUE).powf(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(left: f64, right: f64) {
        assert!((left / right - 1.0).abs() < 0.05, "{left} {right}");
    }

    #[test]
    fn observations_of_different_sizes_give_the_exponent() {
        let observed = |exponent: f64| {
            let sizes = [1.0_f64, 10.0, 100.0, 1000.0];
            let pairs = sizes.map(|size| (size, 3.0 * size.powf(exponent)));
            PowerLaw::fit(&pairs, 0.3).unwrap()
        };
        assert_near(observed(1.0).at(5000.0), 15_000.0);
        assert_near(observed(0.5).at(10_000.0), 300.0);
        assert_near(observed(0.0).at(5000.0), 3.0);
        // A longer recording is never faster.
        assert_near(observed(-1.0).at(1000.0), observed(-1.0).at(1.0));
    }

    #[test]
    fn alike_sizes_leave_the_assumed_exponent() {
        let law = PowerLaw::fit(&[(10.0, 4.0), (10.0, 4.0)], 0.5).unwrap();
        assert_near(law.at(10.0), 4.0);
        assert_near(law.at(40.0), 8.0);
        assert_eq!(PowerLaw::fit(&[], 0.5), None);
        assert_near(PowerLaw::constant(7.0).at(99.0), 7.0);
    }

    #[test]
    fn empty_sizes_and_times_are_finite() {
        let law = PowerLaw::fit(&[(0.0, 0.0), (1e12, 1e9)], 1.0).unwrap();
        assert!(law.at(0.0).is_finite() && law.at(f64::MAX.sqrt()).is_finite());
    }
}
