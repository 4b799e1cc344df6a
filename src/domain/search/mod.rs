//! Search in transcripts: its words, its queries, and the passages that answer them.
//!
//! - [`words`]: the words of a text, in the form in which they are compared
//! - [`query`]: a query; [`parse`](mod@parse): its language; `lexer`: its tokens
//! - [`occurrences`]: the places where a query occurs in a text
//! - [`passages`]: the passages to show
//! - [`entry`]: what the index stores of a transcript

pub mod entry;
mod lexer;
pub mod occurrences;
pub mod parse;
pub mod passages;
pub mod query;
pub mod words;
