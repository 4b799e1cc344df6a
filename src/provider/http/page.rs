//! Pages: HTML or XML in place of JSON, as proxies, firewalls and gateways send it.

/// Whether a response is an HTML or XML page.
pub(crate) fn is_page(media_type: Option<&str>, body: &[u8]) -> bool {
    const TYPES: [&str; 4] = [
        "text/html",
        "text/xml",
        "application/xml",
        "application/xhtml+xml",
    ];
    media_type.is_some_and(|value| TYPES.contains(&essence(value).as_str()))
        || without_bom(body).trim_ascii_start().starts_with(b"<")
}

/// Returns a media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Returns a body without the byte order mark that some servers write before the text.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
}
