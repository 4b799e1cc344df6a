//! Parsing of a three-hour result.

use crate::three_hours;
use divan::Bencher;
use divan::counter::BytesCount;
use nightscribe::provider::Completed;

#[divan::bench]
fn read_three_hours(bencher: Bencher) {
    let raw = three_hours::result();
    bencher
        .counter(BytesCount::of_str(&raw))
        .with_inputs(|| raw.clone().into_bytes())
        .bench_values(|body| Completed::from_body(body).unwrap());
}
