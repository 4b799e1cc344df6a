//! The `nightscribe` binary: everything is in the library.
fn main() {}
