//! Settings of the rules.

use super::attempts::WrongAttempts;
use super::hosts::AllowedHosts;
use super::token::AccessToken;

/// Name of the cookie of a login.
pub(in crate::http) const COOKIE: &str = "nightscribe_login";

/// Who may call the server, and under which names.
pub(in crate::http) struct Access {
    /// Names of the server.
    pub(in crate::http) hosts: AllowedHosts,
    /// Token. `None`: everybody who reaches the server may do everything.
    pub(in crate::http) token: Option<AccessToken>,
    /// Wrong tokens of the last minute.
    pub(in crate::http) wrong: WrongAttempts,
}
