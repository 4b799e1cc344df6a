//! JSON Schemas of everything that programs read, made from the types. The test compares them with `docs/json`.
//!
//! - `strict`: forbids fields that a schema does not name

mod strict;

use super::display::event_view::EventLine;
use super::service::{install::InstallResult, uninstall::UninstallResult};
use super::transcribe::printer::NamedOutcome;
use super::{init, scan};
use crate::app::actions::add::AddResult;
use crate::app::actions::adopt::Adopted;
use crate::app::actions::cancel::Cancelled;
use crate::app::actions::export_result::ExportResult;
use crate::app::actions::pause::{PauseResult, ResumeResult};
use crate::app::actions::retry::Requeued;
use crate::app::actions::retry_low_quality::LowQualityRetry;
use crate::app::actions::speakers::ItemSpeakers;
use crate::app::actions::test_message::TestDelivery;
use crate::app::billing::BillingReport;
use crate::app::catalogue::ModelView;
use crate::app::doctor::check_result::CheckResult;
use crate::app::item_list::ItemList;
use crate::app::items::{ItemDetails, ItemView};
use crate::app::open::readable_file::ReadableFile;
use crate::app::passage::Passage;
use crate::app::plan::Plan;
use crate::app::prices::{ModelPrice, UnpricedModel};
use crate::app::quality::QualityReport;
use crate::app::search::answer::SearchAnswer;
use crate::app::search::indexing::Rebuilt;
use crate::app::status::Status;
use crate::notify::notification::Notification;
use crate::output::render::EnvelopeFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A line of `prices --json`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the JSON Schema is made from it")]
enum PriceLine {
    Priced(ModelPrice),
    Unpriced(UnpricedModel),
}

/// Returns the schemas by the names of their files.
fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        schema::<AddResult>("add", "Line of `add --json`: a file or URL."),
        schema::<Adopted>("adopt", "Output of `adopt --json`."),
        schema::<Cancelled>("cancel", "Output of `cancel --json`."),
        schema::<CheckResult>(
            "check",
            "Line of `check --json` and `service status --json`: a check.",
        ),
        schema::<EventLine<'static>>("event", "Line of `run --events`: an event of the run."),
        schema::<ExportResult>(
            "export",
            "Line of `export --json` and of `speakers --json` with names: an item and its files.",
        ),
        schema::<init::InitResult>("init", "Output of `init --json`."),
        schema::<ItemView<String>>("item", "Line of `list --json`: an item."),
        schema::<ItemDetails<String>>(
            "item-details",
            "Line of `show --json`: an item with its attempts.",
        ),
        schema::<ItemList>(
            "item-list",
            "Answer of the MCP tool `list`, and of `GET /api/v1/items`: a page of items.",
        ),
        schema::<ModelView>("model", "Line of `models --json`: a model of the service."),
        schema::<Notification>(
            "notification",
            "Standard input of `notify.command`, and body of `notify.webhook`.",
        ),
        schema::<TestDelivery>("notify", "Line of `notify --test --json`: a channel."),
        schema::<ReadableFile>("open", "Output of `open --json`: the file of a transcript."),
        schema::<Passage>(
            "passage",
            "Answer of the MCP tool `read_passage`: the text around a time.",
        ),
        schema::<PauseResult>("pause", "Output of `pause --json`."),
        schema::<Plan>(
            "plan",
            "Output of `plan --json` and `run --dry-run --json`.",
        ),
        schema::<PriceLine>("price", "Line of `prices --json`: a model."),
        schema::<QualityReport>("quality-report", "Output of `report --quality --json`."),
        schema::<BillingReport>("report", "Output of `report --json`."),
        schema::<ResumeResult>("resume", "Output of `resume --json`."),
        schema::<Requeued>("retry", "Output of `retry --json`."),
        schema::<LowQualityRetry>(
            "retry-low-quality",
            "Output of `retry --low-quality --json`.",
        ),
        schema::<scan::ScanResult>("scan", "Output of `scan --json`."),
        schema::<SearchAnswer>("search", "Output of `search --json`."),
        schema::<Rebuilt>("search-rebuild", "Output of `search --rebuild --json`."),
        schema::<InstallResult>("service-install", "Output of `service install --json`."),
        schema::<UninstallResult>("service-uninstall", "Output of `service uninstall --json`."),
        schema::<ItemSpeakers>("speakers", "Output of `speakers --json`."),
        schema::<Status>(
            "status",
            "Output of `status --json`; with `--watch`, one line per second.",
        ),
        schema::<NamedOutcome>("transcribe", "Line of `transcribe --json`: a file or URL."),
        schema::<EnvelopeFile<'static>>("transcript", "Transcript of the format `json`."),
    ]
}

/// Version of all schemas. A field that is removed or renamed, or whose meaning changes, raises that of its schema.
const VERSION: u32 = 1;

fn schema<T: JsonSchema>(name: &'static str, description: &str) -> (&'static str, Value) {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let made = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let mut document = Map::new();
    document.insert("$schema".to_owned(), made["$schema"].clone());
    document.insert(
        "$id".to_owned(),
        json!(format!("nightscribe:{name}/{VERSION}")),
    );
    document.insert("title".to_owned(), json!(name));
    document.insert("description".to_owned(), json!(description));
    for (key, value) in made.as_object().into_iter().flatten() {
        document.entry(key).or_insert_with(|| value.clone());
    }
    let mut document = Value::Object(document);
    strict::close(&mut document);
    describe(&mut document);
    (name, document)
}

/// Turns the documentation of Rust items into that of JSON.
fn describe(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(describe),
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "description" => *text = description(text),
                    value => describe(value),
                }
            }
        }
        _ => {}
    }
}

fn description(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ").replace("`None`", "`null`");
    // Links of rustdoc.
    let text = text.replace("[`", "`").replace("`]", "`");
    let rule = "fields may be added, but never removed or renamed.";
    let text = match text.find(" This is the ").filter(|_| text.ends_with(rule)) {
        Some(start) => text[..start].to_owned(),
        None => text,
    };
    text.split_once(" Fields may be added, but")
        .map_or(text.clone(), |(before, _)| before.to_owned())
}

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json");
    let is_updated = std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always");
    let mut names = BTreeSet::new();
    for (name, schema) in schemas() {
        let file = folder.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if is_updated {
            fs::write(&file, &text).unwrap();
        }
        let documented = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            documented == text,
            "{} is not current: run this test with INSTA_UPDATE=always",
            file.display()
        );
        assert!(names.insert(format!("{name}.json")), "{name}");
    }
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = files.map(|entry| entry.file_name().into_string().unwrap());
    let documented: BTreeSet<_> = files.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(documented, names);
}
