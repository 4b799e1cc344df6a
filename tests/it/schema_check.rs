//! Comparison of printed JSON with the schemas in `docs/json`. The harness compares the output of every command.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Maximum number of lines that are compared. A queue may have a million items.
const MAX_LINES: usize = 500;

/// A schema, ready to be compared with values.
pub struct Schema {
    compiled: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// Reads the schema `name`. It is read once in each thread.
    ///
    /// # Panics
    ///
    /// If there is none, or it is not a valid JSON Schema.
    pub fn named(name: &str) -> Rc<Self> {
        thread_local!(static READ: RefCell<HashMap<String, Rc<Schema>>> = RefCell::default());
        READ.with_borrow_mut(|read| {
            let schema = read
                .entry(name.to_owned())
                .or_insert_with(|| Rc::new(Self::read(name)));
            Rc::clone(schema)
        })
    }

    fn read(name: &str) -> Self {
        let file = folder().join(format!("{name}.json"));
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let schema: Value = serde_json::from_str(&text).unwrap();
        let id = schema["$id"].as_str().unwrap().to_owned();
        let mut compiled = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(&id, schema).unwrap();
        let index = compiler.compile(&id, &mut compiled);
        let index = index.unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
        Self { compiled, index }
    }

    /// Returns why a value does not have the form of the schema.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let result = self.compiled.validate(value, self.index);
        result.map_err(|error| format!("{error:#}"))
    }
}

/// Returns the folder of the schemas.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json")
}

/// Asserts that a value has the form of the schema `name`.
pub fn assert_valid(name: &str, value: &Value) {
    if let Err(error) = Schema::named(name).check(value) {
        panic!("not as docs/json/{name}.json says: {error}\n{value:#}");
    }
}

/// Returns the schema of each object that a command prints. `None` without JSON.
pub fn schema_of(args: &[String]) -> Option<&'static str> {
    let has = |option: &str| args.iter().any(|arg| arg == option);
    if has("--events") {
        return Some("event");
    }
    if !has("--json") {
        return None;
    }
    args.iter().find_map(|command| {
        Some(match command.as_str() {
            "add" => "add",
            "adopt" => "adopt",
            "cancel" => "cancel",
            "check" => "check",
            "export" => "export",
            "init" => "init",
            "list" => "item",
            "models" => "model",
            "notify" => "notify",
            "open" => "open",
            "pause" => "pause",
            "plan" | "run" => "plan",
            "prices" => "price",
            "report" if has("--quality") => "quality-report",
            "report" => "report",
            "resume" => "resume",
            "retry" if has("--low-quality") => "retry-low-quality",
            "retry" => "retry",
            "scan" => "scan",
            "search" if has("--rebuild") => "search-rebuild",
            "search" => "search",
            "service" if has("install") => "service-install",
            "service" if has("uninstall") => "service-uninstall",
            "service" => "check",
            "show" => "item-details",
            "speakers" if args.iter().any(|arg| arg.contains('=')) => "export",
            "speakers" => "speakers",
            "status" => "status",
            "transcribe" => "transcribe",
            _ => return None,
        })
    })
}

/// Asserts that the objects that a command printed have the form of its schema.
pub fn assert_output(args: &[String], stdout: &str) {
    let objects = stdout.lines().filter(|line| line.starts_with('{'));
    for line in objects.take(MAX_LINES) {
        // A killed command may leave a part of a line.
        let Ok(object) = serde_json::from_str(line) else {
            continue;
        };
        if let Some(name) = schema_of(args) {
            assert_valid(name, &object);
        }
    }
}
