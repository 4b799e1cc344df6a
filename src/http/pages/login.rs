//! The login with the token.

use super::frame::{Frame, page};
use crate::http::guard::access::COOKIE;
use crate::http::guard::layer::too_many;
use crate::http::guard::token::LOGIN_LASTS;
use crate::http::site::{Peer, Site};
use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::header::{ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    next: String,
    is_wrong: bool,
}

/// Shows the form.
pub(super) async fn form(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Response {
    if site.access.token.is_none() {
        return to(&site, "/").into_response();
    }
    let next = field(query.as_deref().unwrap_or_default(), "next");
    show(&site, next, false)
}

/// Checks the token, and sets the cookie of the login.
pub(super) async fn login(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let next = field(&body, "next");
    let Some(token) = &site.access.token else {
        return to(&site, &next).into_response();
    };
    let now = site.session.now();
    if !site.access.wrong.may_try(peer.0, now) {
        return too_many();
    }
    if !token.is(field(&body, "token").trim()) {
        site.access.wrong.count(peer.0, now);
        return show(&site, next, true);
    }
    let is_secure = headers
        .get(ORIGIN)
        .is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let value = token.login(now.after(LOGIN_LASTS));
    let cookie = cookie(&site, &value, LOGIN_LASTS.as_secs(), is_secure);
    ([(SET_COOKIE, cookie)], to(&site, &next)).into_response()
}

/// Removes the cookie.
pub(super) async fn logout(State(site): State<Arc<Site>>) -> Response {
    let cookie = cookie(&site, "", 0, false);
    ([(SET_COOKIE, cookie)], to(&site, "/login")).into_response()
}

fn show(site: &Site, next: String, is_wrong: bool) -> Response {
    let frame = Frame {
        has_logout: false,
        ..Frame::new(site, "login")
    };
    let status = match is_wrong {
        true => StatusCode::UNAUTHORIZED,
        false => StatusCode::OK,
    };
    let template = LoginPage {
        frame,
        next,
        is_wrong,
    };
    page(status, &template)
}

fn cookie(site: &Site, value: &str, max_age_s: u64, is_secure: bool) -> String {
    let path = if site.base().is_empty() {
        "/"
    } else {
        site.base()
    };
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
}

/// Leads to a path of this server, and to the first page if it is none.
fn to(site: &Site, next: &str) -> Redirect {
    // `//name` and `/\name` lead to another server.
    let is_path = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && next.chars().all(|char| char.is_ascii_graphic());
    let path = if is_path { next } else { "/" };
    match (site.base(), path) {
        ("", path) => Redirect::to(path),
        (base, "/") => Redirect::to(base),
        (base, path) => Redirect::to(&format!("{base}{path}")),
    }
}

fn field(form: &str, name: &str) -> String {
    let found = form_urlencoded::parse(form.as_bytes()).find(|(key, _)| key == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
}
