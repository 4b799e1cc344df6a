//! A lenient reader of JSON that needs no memory for the document.
//!
//! A response was paid for. What a strict parser rejects is therefore read as far as it can be: a byte order mark,
//! invalid UTF-8, lone surrogates, `NaN`, control characters in strings, duplicate names, deep nesting, and bytes after
//! the document. The document is read from a stream and never held as a tree.
//!
//! - [`reader`]: values, objects and arrays; [`scalar`]: other values; `flat`: objects of them
//! - `copy`: copy of a document that strict parsers accept
//! - `strict`: check of whether strict parsers accept a document
//! - `string`: strings and their escapes
//! - `list`: lists, and objects that stand in for one

mod copy;
mod flat;
pub(crate) mod list;
pub mod reader;
pub mod scalar;
pub(crate) mod strict;
mod string;
