//! Forms of the file that are accepted.

use super::{SOURCE, built, errors_of};

#[test]
fn toml_number_syntax_is_supported() {
    let config = built("[limits]\nmax_pending = 1_000\nmax_uploads = 0x10", &[]).unwrap();
    assert_eq!(
        (config.limits.max_pending, config.limits.max_uploads),
        (1000, 16)
    );
    for odd in ["nan", "inf", "-inf", "-0.5"] {
        let errors = errors_of(&format!("{SOURCE}[source.options]\nutt_split = {odd}"));
        assert!(errors.contains("option `utt_split` takes"), "{errors}");
    }
}

#[test]
fn a_byte_order_mark_and_crlf_are_accepted() {
    let config = built("\u{feff}[limits]\r\nmax_uploads = 2\r\n", &[]).unwrap();
    assert_eq!(config.limits.max_uploads, 2);
}
