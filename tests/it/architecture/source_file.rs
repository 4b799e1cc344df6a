//! Imports, paths and items of a source file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Keywords that introduce an item. The name follows.
const ITEMS: [&str; 9] = [
    "struct", "enum", "union", "trait", "type", "fn", "const", "static", "macro",
];

/// A `use` of one name.
pub struct Import {
    /// Segments, the last one is `*` for a glob.
    pub path: Vec<String>,
    /// Name by which the item is known in the file.
    pub name: String,
    /// Whether it is a re-export.
    pub is_public: bool,
}

/// A source file without its tests.
#[derive(Default)]
pub struct SourceFile {
    /// Path below the root of the sources.
    pub name: String,
    pub imports: Vec<Import>,
    /// Paths with at least two segments, outside `use`.
    pub paths: Vec<Vec<String>>,
    /// Names of the items, without those inside functions and other items.
    pub items: BTreeSet<String>,
    /// Names of the modules under `#[cfg(test)]`.
    pub test_modules: BTreeSet<String>,
}

impl SourceFile {
    pub fn read(path: &Path, name: String) -> Self {
        let code = fs::read_to_string(path).unwrap();
        let tokens: TokenStream = code
            .parse()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut file = Self {
            name,
            ..Self::default()
        };
        let place = Place {
            depth: 0,
            is_module: true,
        };
        file.add(&tokens.into_iter().collect::<Vec<_>>(), place);
        file
    }

    /// Adds tokens.
    fn add(&mut self, mut tokens: &[TokenTree], place: Place) {
        let mut is_public = false;
        while let Some(first) = tokens.first() {
            let len = if is_word(first, "use") {
                self.add_use(tokens, is_public, place)
            } else {
                self.add_first(tokens, place)
            };
            is_public = is_word(first, "pub") || (is_public && is_parenthesis(first));
            tokens = &tokens[len.min(tokens.len())..];
        }
    }

    /// Adds the first item, group or path of the tokens. Returns the number of its tokens.
    fn add_first(&mut self, tokens: &[TokenTree], place: Place) -> usize {
        match &tokens[0] {
            _ if is_test_attribute(tokens) => self.skip_test(tokens),
            first if is_word(first, "mod") && tokens.get(2).is_some_and(is_block) => {
                self.items.insert(tokens[1].to_string());
                self.add(&contents(&tokens[2]), place.inside_module());
                3
            }
            group @ TokenTree::Group(_) => {
                self.add(&contents(group), place.inside_item());
                1
            }
            TokenTree::Ident(word) => {
                self.add_word(&word.to_string(), tokens, place);
                path(tokens).len() * 3 - 2
            }
            _ => 1,
        }
    }

    /// Adds the item that a keyword introduces, or the path that starts with the word.
    fn add_word(&mut self, word: &str, tokens: &[TokenTree], place: Place) {
        let is_item = place.is_module && ITEMS.contains(&word);
        if let (true, Some(TokenTree::Ident(name))) = (is_item, tokens.get(1)) {
            self.items.insert(name.to_string());
        }
        let path = path(tokens);
        if path.len() > 1 {
            self.paths.extend(outside(path, place.depth));
        }
    }

    /// Returns the number of tokens of a test with its attribute.
    fn skip_test(&mut self, tokens: &[TokenTree]) -> usize {
        let module = tokens.get(3).filter(|_| is_word(&tokens[2], "mod"));
        self.test_modules.extend(module.map(ToString::to_string));
        2 + item_len(&tokens[2..])
    }

    /// Adds a `use`. Returns the number of its tokens.
    fn add_use(&mut self, tokens: &[TokenTree], is_public: bool, place: Place) -> usize {
        let end = tokens.iter().position(|token| is_punct(token, ';'));
        let end = end.unwrap_or(tokens.len());
        for (path, name) in use_paths(&tokens[1..end], &[]) {
            let path = outside(path, place.depth);
            self.imports.extend(path.map(|path| Import {
                path,
                name,
                is_public,
            }));
        }
        end
    }
}

/// Place of tokens in a file.
#[derive(Clone, Copy)]
struct Place {
    /// Number of inline modules around them.
    depth: usize,
    /// Whether they are directly in a module, not inside another item.
    is_module: bool,
}

impl Place {
    const fn inside_module(self) -> Self {
        let depth = self.depth + 1;
        Self { depth, ..self }
    }

    const fn inside_item(self) -> Self {
        let is_module = false;
        Self { is_module, ..self }
    }
}

/// Returns the paths of the tree of a `use` after `prefix`, each with the name that it gets.
fn use_paths(tree: &[TokenTree], prefix: &[String]) -> Vec<(Vec<String>, String)> {
    let mut path = prefix.to_vec();
    let mut alias = None;
    for (index, token) in tree.iter().enumerate() {
        match token {
            TokenTree::Group(_) => {
                let branches = contents(token);
                let branches = branches.split(|token| is_punct(token, ','));
                let branches = branches.filter(|branch| !branch.is_empty());
                return branches
                    .flat_map(|branch| use_paths(branch, &path))
                    .collect();
            }
            _ if is_punct(token, ':') => {}
            _ if is_word(token, "as") => {
                alias = tree.get(index + 1).map(ToString::to_string);
                break;
            }
            _ => path.push(token.to_string()),
        }
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = alias.or_else(|| path.last().cloned());
    name.map(|name| (path, name)).into_iter().collect()
}

/// Returns `path` as seen from outside `depth` inline modules, or `None` if it does not leave them.
fn outside(mut path: Vec<String>, depth: usize) -> Option<Vec<String>> {
    let ups = path
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    if depth == 0 || path.first().is_some_and(|first| first == "crate") {
        return Some(path);
    }
    if ups < depth {
        return None;
    }
    path.drain(..depth);
    if ups == depth {
        path.insert(0, "self".to_owned());
    }
    Some(path)
}

/// Returns the segments of the path at the start of `tokens`, which start with a word.
fn path(tokens: &[TokenTree]) -> Vec<String> {
    let mut path = vec![tokens[0].to_string()];
    let mut rest = &tokens[1..];
    while let [colon, other, TokenTree::Ident(word), ..] = rest {
        if !is_punct(colon, ':') || !is_punct(other, ':') {
            break;
        }
        path.push(word.to_string());
        rest = &rest[3..];
    }
    path
}

/// Whether the tokens start with `#[cfg(test)]` or `#[test]`.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [hash, attribute, ..] = tokens else {
        return false;
    };
    let text = attribute.to_string().replace(' ', "");
    is_punct(hash, '#') && ["[cfg(test)]", "[test]"].contains(&text.as_str())
}

/// Returns the number of tokens of the item at the start of `tokens`.
fn item_len(tokens: &[TokenTree]) -> usize {
    let end = tokens
        .iter()
        .position(|token| is_block(token) || is_punct(token, ';'));
    end.map_or(tokens.len(), |end| end + 1)
}

fn contents(group: &TokenTree) -> Vec<TokenTree> {
    match group {
        TokenTree::Group(group) => group.stream().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn is_parenthesis(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
}
