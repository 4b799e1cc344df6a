//! What a recording costs on this side, piece by piece: `cargo bench --bench micro`.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(unreachable_pub, reason = "the benchmarks are one program")]

mod answer;
mod render;
mod store;
mod three_hours;
mod walk;

fn main() {
    divan::main();
}
