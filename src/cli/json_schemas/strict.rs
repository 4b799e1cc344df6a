//! Forbids fields that a schema does not name.

use serde_json::{Map, Value, json};

/// Keywords that apply several schemas to the same value.
const BRANCHES: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// Forbids fields that the schema `document` does not name, in all its objects.
pub(super) fn close(document: &mut Value) {
    let definitions = document.get("$defs").cloned().unwrap_or_default();
    close_whole(document, &definitions);
    let own = document.get_mut("$defs").and_then(Value::as_object_mut);
    for (_, definition) in own.into_iter().flatten() {
        close_whole(definition, &definitions);
    }
    while remove_unused(document) {}
}

/// Removes the definitions that nothing refers to. Returns whether there were any.
fn remove_unused(document: &mut Value) -> bool {
    let text = document.to_string();
    let definitions = document.get_mut("$defs").and_then(Value::as_object_mut);
    definitions.is_some_and(|definitions| {
        let before = definitions.len();
        definitions.retain(|name, _| text.contains(&format!("\"#/$defs/{name}\"")));
        definitions.len() < before
    })
}

/// Closes the schema of a whole value.
fn close_whole(schema: &mut Value, definitions: &Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let has_properties = object.contains_key("properties");
    if has_properties {
        include_reference(object, definitions);
        // `additionalProperties` knows only the properties next to it.
        let is_extended = BRANCHES.iter().any(|branch| object.contains_key(*branch));
        let keyword = match is_extended {
            true => "unevaluatedProperties",
            false => "additionalProperties",
        };
        object.insert(keyword.to_owned(), json!(false));
    }
    close_parts(object, definitions);
    for schema in branches(object) {
        match has_properties {
            true => close_branch(schema, definitions),
            false => close_whole(schema, definitions),
        }
    }
}

/// Closes what is within a schema of some properties of an object. The object has others.
fn close_branch(schema: &mut Value, definitions: &Value) {
    if let Some(object) = schema.as_object_mut() {
        include_reference(object, definitions);
        close_parts(object, definitions);
        branches(object).for_each(|schema| close_branch(schema, definitions));
    }
}

/// Closes the schemas of properties and elements.
fn close_parts(object: &mut Map<String, Value>, definitions: &Value) {
    for (_, property) in object
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        close_whole(property, definitions);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(schema) = object.get_mut(keyword) {
            close_whole(schema, definitions);
        }
    }
}

fn branches(object: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    object
        .iter_mut()
        .filter(|(keyword, _)| BRANCHES.contains(&keyword.as_str()))
        .filter_map(|(_, branches)| branches.as_array_mut())
        .flatten()
}

/// Replaces a reference by the properties of its definition, because a closed definition allows no others.
fn include_reference(object: &mut Map<String, Value>, definitions: &Value) {
    let Some(Value::String(reference)) = object.shift_remove("$ref") else {
        return;
    };
    let definition = reference
        .strip_prefix("#/$defs/")
        .map(|name| &definitions[name]);
    let definition = definition.expect("references lead to definitions");
    for keyword in ["properties", "required"] {
        match (object.get_mut(keyword), &definition[keyword]) {
            (Some(Value::Object(own)), Value::Object(others)) => own.extend(others.clone()),
            (Some(Value::Array(own)), Value::Array(others)) => own.extend(others.iter().cloned()),
            (None, others) => {
                object.insert(keyword.to_owned(), others.clone());
            }
            (own, others) => unreachable!("{own:?} and {others}"),
        }
    }
}
