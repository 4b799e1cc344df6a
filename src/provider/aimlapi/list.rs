//! Lists that the service offers without a key.

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListPath {
    /// Models with their prices.
    Models,
    /// Deprecated models.
    Deprecations,
}

/// Response to a request for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListResponse {
    /// The list.
    Body {
        /// JSON of the service.
        body: Vec<u8>,
        /// `ETag` of the response, if it had one.
        etag: Option<String>,
    },
    /// The list has not changed since the response with the given `ETag`.
    NotModified,
    /// The service has no such list.
    Unsupported,
}
