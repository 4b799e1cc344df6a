//! Application of the rules to a request.

use super::access::COOKIE;
use super::origin::{Caller, is_allowed};
use super::token::AccessToken;
use crate::http::site::{Peer, Site};
use axum::extract::{Extension, Request, State};
use axum::http::header::{
    AUTHORIZATION, COOKIE as COOKIES, HOST, HeaderMap, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

/// Paths that need no login.
const PUBLIC: [&str; 3] = ["/healthz", "/readyz", "/login"];
/// Folder of files that need no login.
const PUBLIC_FOLDER: &str = "/assets/";
/// Paths for programs, which get a status in place of the login page.
const PROGRAMS: [&str; 2] = ["/api/", "/metrics"];

/// Refuses requests under another name, and requests that another site may have caused.
pub(in crate::http) async fn check_caller(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let host = text(request.headers(), HOST.as_str()).unwrap_or_default();
    // A request for a proxy has the name in its target.
    let target = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let is_known = site.access.hosts.allows(host)
        && target.is_none_or(|target| site.access.hosts.allows(target));
    if !is_known {
        let text = "This name of the server is not listed in `http.hosts` of the configuration.\n";
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let caller = Caller {
        fetch_site: text(request.headers(), "sec-fetch-site"),
        origin: text(request.headers(), ORIGIN.as_str()),
        host,
    };
    if !is_allowed(request.method(), caller) {
        let text =
            "This request came from another site. Behind a reverse proxy, let it pass on `Host`.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// Refuses requests without the token or a login, if there is a token.
pub(in crate::http) async fn check_login(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &site.access.token else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    if PUBLIC.contains(&path) || path.starts_with(PUBLIC_FOLDER) {
        return next.run(request).await;
    }
    let now = site.session.now();
    if is_logged_in(token, request.headers(), &site) {
        return next.run(request).await;
    }
    if let Some(presented) = bearer(request.headers()) {
        if !site.access.wrong.may_try(peer.0, now) {
            return too_many();
        }
        if token.is(presented) {
            return next.run(request).await;
        }
        site.access.wrong.count(peer.0, now);
    }
    if PROGRAMS.iter().any(|prefix| path.starts_with(prefix)) {
        let text = "This needs the token: `Authorization: Bearer TOKEN`.\n";
        return (
            StatusCode::UNAUTHORIZED,
            [(WWW_AUTHENTICATE, "Bearer")],
            text,
        )
            .into_response();
    }
    let mut target = format!("{}/login", site.base());
    if request.method() == Method::GET
        && let Some(asked) = request.uri().path_and_query()
    {
        let next: String =
            url::form_urlencoded::byte_serialize(asked.as_str().as_bytes()).collect();
        target.push_str(&format!("?next={next}"));
    }
    Redirect::to(&target).into_response()
}

/// Returns the answer to an address that presented too many wrong tokens.
pub(in crate::http) fn too_many() -> Response {
    let text = "Too many wrong tokens. Try again in a minute.\n";
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], text).into_response()
}

fn is_logged_in(token: &AccessToken, headers: &HeaderMap, site: &Site) -> bool {
    let now = site.session.now();
    let cookies = headers.get_all(COOKIES).into_iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut values = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE);
    values.any(|(_, value)| token.is_login(value, now))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = text(headers, AUTHORIZATION.as_str())?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // A value that is not text is none that is allowed.
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("\u{fffd}"))
}
