//! Micro-benchmarks of single steps: `cargo bench --bench micro`.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(unreachable_pub, reason = "the benchmarks are one binary")]

mod answer;
mod render;
mod store;
mod three_hours;
mod walk;

fn main() {
    divan::main();
}
