//! Protection of the routes. Each rule is a function of the request's headers.
//!
//! - [`hosts`]: names under which the server may be called, against DNS rebinding
//! - [`origin`]: requests that another site may have caused
//! - [`token`]: the token, and the cookie of a login
//! - [`attempts`]: limit on wrong tokens
//! - [`access`]: settings of these rules; [`layer`]: their application to a request
//! - [`headers`]: headers of every response

pub(super) mod access;
pub(super) mod attempts;
pub(super) mod headers;
pub(super) mod hosts;
pub(super) mod layer;
pub(super) mod origin;
pub(super) mod token;
