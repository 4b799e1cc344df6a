//! Chance, from a seed: the same seed gives the same night.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// At least `from`, less than `to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from) as u64) as i64
    }

    /// Milliseconds that a generation takes: mostly around `median`, sometimes many times as long.
    pub fn service_time(&mut self, median: i64) -> i64 {
        // Four uniform draws make a bell; its power, a distribution with a long tail.
        let bell = (0..4).map(|_| self.unit()).sum::<f64>() - 2.0;
        let tail = if self.chance(0.002) { 60.0 } else { 1.0 };
        (median as f64 * (1.2 * bell).exp() * tail) as i64
    }
}
