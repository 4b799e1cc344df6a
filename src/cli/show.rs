//! `nightscribe show`

use super::args::ShowArgs;
use super::exit::{CommandError, Exit};
use super::item::{JsonAttempt, JsonHook, JsonItem, location_text};
use super::json::to_json_line;
use crate::app::session::Session;
use super::terminal::{
    escape_control_chars, format_duration, format_table, new_table, printable_path,
};
use super::waiting::WaitContext;
use crate::domain::{JobId, JobState};
use crate::store::Store;
use crate::store::sqlite::hooks::HookRun;
use crate::store::sqlite::items::{Attempt, Item};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// JSON form of an item with its attempts and hook.
#[derive(Serialize)]
struct JsonItemDetails {
    #[serde(flatten)]
    item: JsonItem,
    history: Vec<JsonAttempt>,
    hook: Option<JsonHook>,
}

pub(super) async fn show(session: &Session, args: &ShowArgs) -> Result<Exit, CommandError> {
    let unknown = || {
        CommandError::new(
            Exit::Usage,
            format!(
                "there is no item `{}`; `nightscribe list` shows all items",
                escape_control_chars(&args.what)
            ),
        )
    };
    let store = session.existing_store().await?.ok_or_else(unknown)?;
    let item = find(session, &store, &args.what)
        .await?
        .ok_or_else(unknown)?;
    let attempts = store.attempts(item.id).await?;
    let standing = WaitContext::load(session, &store).await?;
    let hook = store.hook_run(item.id).await?;
    store.close().await;
    let waits_for = standing.reason(&item);
    let mut out = anstream::stdout().lock();
    if args.json {
        let history = attempts.iter().map(JsonAttempt::from).collect();
        writeln!(
            out,
            "{}",
            to_json_line(&JsonItemDetails {
                item: JsonItem::of(&item, waits_for),
                history,
                hook: hook.as_ref().map(JsonHook::from),
            })?
        )?;
    } else {
        let hook = hook.map_or_else(String::new, |hook| fact("hook", &hook_result(&hook)));
        let facts = facts(&item, waits_for);
        write!(out, "{facts}{hook}{}", history(&attempts))?;
    }
    Ok(Exit::Done)
}

/// Finds an item by ID, otherwise the newest item of the recording at this path or URL.
async fn find(session: &Session, store: &Store, what: &str) -> Result<Option<Item>, CommandError> {
    if let Ok(id) = what.parse()
        && let Some(item) = store.item(JobId(id)).await?
    {
        return Ok(Some(item));
    }
    let absolute = std::path::absolute(session.environment.working_dir.join(what))?;
    for place in [Path::new(what), &absolute] {
        if let Some(item) = store.items_at(place).await?.into_iter().next() {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn facts(item: &Item, waits_for: Option<String>) -> String {
    let mut facts = vec![
        ("item", item.id.to_string()),
        ("recording", printable_path(location_text(&item.location))),
        ("source", item.source.clone()),
        ("state", item.state.to_string()),
        ("model", item.request.model().to_owned()),
    ];
    facts.extend(waits_for.map(|why| ("waiting", escape_control_chars(&why))));
    if !item.request.options().is_empty() {
        facts.push(("options", item.request.options_json()));
    }
    if let Some(error) = &item.error {
        facts.push((
            "error",
            format!("{}: {}", error.class, escape_control_chars(&error.message)),
        ));
        facts.push(("", error.class.advice().to_owned()));
    }
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add(
        "duration",
        item.duration_s
            .map(|seconds| format_duration(Duration::from_secs_f64(seconds.max(0.0)))),
    );
    add(
        "size",
        (item.size_bytes > 0).then(|| format!("{} bytes", item.size_bytes)),
    );
    add("sha256", item.sha256.clone());
    add(
        "generation",
        item.generation_id
            .as_ref()
            .map(|id| escape_control_chars(id.as_str())),
    );
    let pending = item.state == JobState::Pending;
    add(
        "expires",
        item.expires_at
            .filter(|_| pending)
            .map(|time| time.to_string()),
    );
    add(
        "speech",
        item.silent
            .map(|silent| if silent { "none" } else { "yes" }.to_owned()),
    );
    add(
        "paid by",
        item.paid_by
            .map(|job| format!("item {job}, which has the same content")),
    );
    facts.push(("added", item.created_at.to_string()));
    facts.push(("updated", item.updated_at.to_string()));
    facts.extend(
        item.outputs
            .iter()
            .map(|path| ("transcript", printable_path(path))),
    );
    facts
        .iter()
        .map(|(name, value)| fact(name, value))
        .collect()
}

fn fact(name: &str, value: &str) -> String {
    format!("{name:<11} {value}\n")
}

/// Describes the result of a hook.
fn hook_result(hook: &HookRun) -> String {
    match (hook.ended_at, &hook.error) {
        (None, _) => "waiting".to_owned(),
        (Some(ended), None) => format!("exit status 0 at {ended}"),
        (Some(ended), Some(error)) => format!("{} at {ended}", escape_control_chars(error)),
    }
}

fn history(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let mut rows = new_table(&[
        "ATTEMPT",
        "STARTED",
        "ENDED",
        "OUTCOME",
        "HTTP",
        "GENERATION",
        "",
    ]);
    rows.add_rows((1..).zip(attempts).map(|(number, attempt)| {
        [
            number.to_string(),
            attempt.started_at.to_string(),
            attempt
                .ended_at
                .map_or_else(String::new, |time| time.to_string()),
            attempt.outcome.clone(),
            attempt
                .http_status
                .map_or_else(String::new, |status| status.to_string()),
            attempt
                .generation_id
                .as_ref()
                .map_or_else(String::new, |id| escape_control_chars(id.as_str())),
            attempt.error.as_ref().map_or_else(String::new, |error| {
                escape_control_chars(&error.to_string())
            }),
        ]
    }));
    format!("\n{}", format_table(&rows))
}
