//! Parsing of a three-hour result.

use crate::three_hours;
use divan::Bencher;
use divan::counter::BytesCount;
use nightscribe::provider::read_transcript;

#[divan::bench]
fn read_three_hours(bencher: Bencher) {
    let raw = three_hours::result();
    bencher
        .counter(BytesCount::of_str(&raw))
        .bench(|| read_transcript(divan::black_box(&raw)));
}
