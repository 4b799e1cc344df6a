//! Comparison of `docs/openapi.json` with the routes, the schemas of the commands and the output formats.

use super::{DESCRIPTION, routes};
use crate::domain::Format;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Schemas of commands whose objects the interface answers with.
const SCHEMAS: [&str; 11] = [
    "status",
    "item",
    "item-details",
    "add",
    "retry",
    "cancel",
    "export",
    "speakers",
    "pause",
    "resume",
    "search",
];

/// Lets the references of a schema lead to the schemas of the description.
fn lift(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(lift),
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(target) if key == "$ref" => {
                        *target = target.replace("#/$defs/", "#/components/schemas/");
                    }
                    value => lift(value),
                }
            }
        }
        _ => {}
    }
}

/// Returns the schemas of the commands, as the description has them.
fn expected_schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for name in SCHEMAS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/json/{name}.json"));
        let mut schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        lift(&mut schema);
        let object = schema.as_object_mut().unwrap();
        object.shift_remove("$schema");
        object.shift_remove("$id");
        let inner = object.shift_remove("$defs").unwrap_or_default();
        schemas.insert(name.to_owned(), schema);
        for (name, schema) in inner.as_object().into_iter().flatten() {
            schemas.entry(name).or_insert_with(|| schema.clone());
        }
    }
    schemas.insert("Format".to_owned(), format_schema());
    schemas
}

/// Returns the schema of the output formats, which requests name.
fn format_schema() -> Value {
    let mut schema = schemars::schema_for!(Format);
    schema.remove("$schema");
    schema.remove("title");
    schema.to_value()
}

#[test]
fn the_description_has_the_schemas_of_the_commands() {
    let mut description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let schemas = description["components"]["schemas"]
        .as_object_mut()
        .unwrap();
    let problem = schemas["problem"].clone();
    let mut expected = expected_schemas();
    expected.shift_insert(0, "problem".to_owned(), problem);
    *schemas = expected;
    let text = serde_json::to_string_pretty(&description).unwrap() + "\n";
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
        fs::write(file, &text).unwrap();
        return;
    }
    assert!(
        text == DESCRIPTION,
        "docs/openapi.json is not current: run this test with INSTA_UPDATE=always"
    );
}

#[test]
fn the_description_has_exactly_the_routes() {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let described: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    let actual = routes().into_iter();
    let actual: BTreeSet<_> = actual
        .map(|(method, path, _)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(described, actual);
}
