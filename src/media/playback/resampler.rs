//! Conversion of a sample rate, at any position and without state: the same position has the same value in every block.

/// Zero crossings of the low-pass filter on each side.
const ZERO_CROSSINGS: f64 = 16.0;
/// Part of the band that passes. The rest is the slope of the filter.
const PASS: f64 = 0.95;

/// A converter between two sample rates, with a windowed sinc as its low-pass filter.
#[derive(Debug)]
pub(super) struct Resampler {
    /// Samples per second of the input and the output, without their common divisor.
    ratio: (u64, u64),
    /// Samples before and after a position that the filter needs.
    reach: u64,
    /// The filter for each position between two samples of the input.
    phases: Vec<Vec<f32>>,
}

impl Resampler {
    /// Creates a converter. The rates are samples per second, and not zero.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let divisor = greatest_common_divisor(from, to);
        let ratio = (u64::from(from / divisor), u64::from(to / divisor));
        let band = (f64::from(to) / f64::from(from)).min(1.0) * PASS;
        let reach = (ZERO_CROSSINGS / band).ceil() as u64;
        let phases = (0..ratio.1).map(|phase| {
            let between = (phase * ratio.0 % ratio.1) as f64 / ratio.1 as f64;
            let taps = (0..=2 * reach).map(|tap| tap as f64 - reach as f64 - between);
            let taps: Vec<_> = taps.map(|at| filter(at, band)).collect();
            let sum: f64 = taps.iter().sum();
            taps.iter().map(|tap| (tap / sum) as f32).collect()
        });
        Self {
            phases: phases.collect(),
            ratio,
            reach,
        }
    }

    /// Returns the number of samples of the output for a number of samples of the input.
    pub(super) fn output_len(&self, input: u64) -> u64 {
        (u128::from(input) * u128::from(self.ratio.1) / u128::from(self.ratio.0)) as u64
    }

    /// Returns the first sample of the input that is needed for the outputs from `first` on. It may be negative.
    pub(super) const fn input_start(&self, first: u64) -> i64 {
        (first * self.ratio.0 / self.ratio.1) as i64 - self.reach as i64
    }

    /// Returns the number of samples of the input that are needed for `count` outputs from `first` on.
    pub(super) const fn input_len(&self, first: u64, count: u64) -> u64 {
        let last = (first + count) * self.ratio.0 / self.ratio.1;
        last - first * self.ratio.0 / self.ratio.1 + 2 * self.reach + 1
    }

    /// Returns `count` samples of the output from number `first` on. `input` begins at `input_start`, and has `input_len`
    /// samples.
    pub(super) fn convert(&self, input: &[f32], first: u64, count: u64) -> Vec<f32> {
        let start = first * self.ratio.0 / self.ratio.1;
        (first..first + count)
            .map(|number| {
                let at = (number * self.ratio.0 / self.ratio.1 - start) as usize;
                let taps = &self.phases[(number % self.ratio.1) as usize];
                let window = input.get(at..).unwrap_or_default();
                taps.iter()
                    .zip(window)
                    .map(|(tap, value)| tap * value)
                    .sum()
            })
            .collect()
    }
}

/// Value of the filter at a distance in samples of the input. `band` is the part of the band that passes.
fn filter(at: f64, band: f64) -> f64 {
    let x = std::f64::consts::PI * at * band;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    let place = (at * band / ZERO_CROSSINGS).clamp(-1.0, 1.0);
    let window = (std::f64::consts::FRAC_PI_2 * place).cos().powi(2);
    sinc * window
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(hertz: f64, rate: u32, from: i64, count: u64) -> Vec<f32> {
        let sample = |at: i64| (TAU * hertz * at as f64 / f64::from(rate)).sin() as f32;
        (from..from + count as i64).map(sample).collect()
    }

    fn converted(hertz: f64, rate: u32, first: u64, count: u64) -> Vec<f32> {
        let resampler = Resampler::new(rate, 16_000);
        let (start, len) = (
            resampler.input_start(first),
            resampler.input_len(first, count),
        );
        resampler.convert(&tone(hertz, rate, start, len), first, count)
    }

    #[test]
    fn a_tone_stays_in_its_place() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            let expected = tone(1000.0, 16_000, 12_345, 500);
            for (is, should) in converted(1000.0, rate, 12_345, 500).iter().zip(expected) {
                assert!((is - should).abs() < 0.01, "{rate}: {is} for {should}");
            }
        }
    }

    #[test]
    fn a_tone_above_the_band_is_silent() {
        let loudest = converted(12_000.0, 48_000, 100, 500)
            .into_iter()
            .fold(0.0, |loudest, value| value.abs().max(loudest));
        assert!(loudest < 0.01, "{loudest}");
    }

    #[test]
    fn a_part_is_equal_to_that_of_the_whole() {
        let whole = converted(440.0, 44_100, 0, 1000);
        assert_eq!(converted(440.0, 44_100, 700, 300), whole[700..]);
    }
}
