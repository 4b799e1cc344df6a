//! Lists, and objects that stand in for one.

use super::reader::{JsonReader, Kind};
use super::scalar::Scalar;

/// Reads the items of a list into values of type `T`.
///
/// A list may be an array, a single item, or an object with one item in each field, as in `{"0": {…}}`. A single item is
/// recognized by the `names` of its fields. `field` reads one field of an item. For an item that is not an object, it is
/// called with an empty name and reads the item itself. `done` receives each item.
pub(crate) fn each<T: Default>(
    json: &mut JsonReader<'_>,
    names: &[&str],
    mut field: impl FnMut(&mut T, &mut JsonReader<'_>, &str),
    mut done: impl FnMut(T),
) {
    let mut read_item =
        |json: &mut JsonReader<'_>, field: &mut dyn FnMut(&mut T, &mut JsonReader<'_>, &str)| {
            let mut item = T::default();
            match json.kind() {
                Kind::Object => json.object(|json, name| field(&mut item, json, name)),
                _ => field(&mut item, json, ""),
            }
            done(item);
        };
    match json.kind() {
        Kind::Array => json.array(|json| read_item(json, &mut field)),
        Kind::Object => {
            let mut single = None;
            json.object(|json, name| {
                if names.contains(&name) {
                    field(single.get_or_insert_default(), json, name);
                } else if matches!(json.kind(), Kind::Object) {
                    read_item(json, &mut field);
                }
            });
            if let Some(item) = single {
                done(item);
            }
        }
        _ => json.skip(),
    }
}

/// Reads a list as [`each`] does, whose items have only strings and words as fields. Most items are read without a copy.
pub(crate) fn each_flat<T: Default>(
    json: &mut JsonReader<'_>,
    names: &[&str],
    field: impl Fn(&mut T, &str, Scalar<'_>),
    mut done: impl FnMut(T),
) {
    let general = |item: &mut T, json: &mut JsonReader<'_>, name: &str| {
        json.value(|value| field(item, name, value));
    };
    if json.kind() != Kind::Array {
        return each(json, names, general, done);
    }
    json.array(|json| {
        let mut item = T::default();
        if json.flat_object(|name, value| field(&mut item, name, value)) {
            return done(item);
        }
        let mut item = T::default();
        match json.kind() {
            Kind::Object => json.object(|json, name| general(&mut item, json, name)),
            _ => general(&mut item, json, ""),
        }
        done(item);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &str) -> Vec<Option<String>> {
        let mut texts = Vec::new();
        let field = |text: &mut Option<String>, json: &mut JsonReader<'_>, name: &str| {
            if matches!(name, "text" | "") {
                *text = json.text();
            }
        };
        let mut json = JsonReader::new(list.as_bytes());
        each(&mut json, &["text", "other"], field, |text| {
            texts.push(text)
        });
        texts
    }

    #[test]
    fn arrays_objects_and_single_items_are_lists() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            texts(r#"[{"text": "a"}, {"text": "b"}, "c", {}]"#),
            [some("a"), some("b"), some("c"), None]
        );
        assert_eq!(
            texts(r#"{"0": {"text": "a"}, "1": {"text": "b"}, "count": 2}"#),
            [some("a"), some("b")]
        );
        assert_eq!(texts(r#"{"other": 1, "text": "a"}"#), [some("a")]);
        for nothing in ["null", "3", "\"a\"", "[]", "{}"] {
            assert_eq!(texts(nothing), [], "{nothing}");
        }
    }
}
