//! Marker by which this program recognizes the service files that it wrote.

/// Whether this text of a service file was written by this program, which may then replace or remove the file.
#[must_use]
pub fn is_generated(text: &str) -> bool {
    text.contains(GENERATED_MARKER)
}

/// Marker in every service file that this program writes.
pub(super) const GENERATED_MARKER: &str = "Written by `nightscribe service install`";
