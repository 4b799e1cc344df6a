//! Which file of a crate imports which other one.
//!
//! An import is a `use` or a path in the code that leads to an item of another file. A parent that declares or
//! re-exports its children does not import them. An import through a re-export leads to the file that defines the item.
//! Code under `#[cfg(test)]` is left out.

use super::source_file::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files that each file imports, by their paths below the root.
pub type ImportGraph = BTreeMap<String, BTreeSet<String>>;

/// Module path of a file, such as `["store", "sqlite"]`.
type Module = Vec<String>;

/// Paths that were followed, because re-exports may be circular.
type Seen = BTreeSet<(Module, Vec<String>)>;

/// Returns the imports between the files below `root`, the folder of `lib.rs`.
pub fn import_graph(root: &Path) -> ImportGraph {
    let modules = Modules::read(root);
    let mut graph = ImportGraph::new();
    for (module, file) in &modules.0 {
        let imports = modules.imports(module).into_iter();
        let names = imports.map(|target| modules.0[&target].name.clone());
        graph.insert(file.name.clone(), names.collect());
    }
    graph
}

/// The files of a crate by their module paths.
struct Modules(BTreeMap<Module, SourceFile>);

impl Modules {
    fn read(root: &Path) -> Self {
        let files = walkdir::WalkDir::new(root).into_iter();
        let files = files.map(|entry| entry.unwrap().into_path());
        let code = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let modules = code.map(|path| {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            (module_of(&name), SourceFile::read(&path, name))
        });
        let mut modules: BTreeMap<Module, SourceFile> = modules.collect();
        let tests: Vec<Module> = modules
            .iter()
            .flat_map(|(module, file)| file.test_modules.iter().map(|name| child(module, name)))
            .collect();
        modules.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Self(modules)
    }

    /// Returns the modules whose items `module` imports.
    fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let file = &self.0[module];
        let mut imports = BTreeSet::new();
        for path in &file.paths {
            imports.extend(self.definition(module, path, &mut Seen::new()));
        }
        for import in &file.imports {
            let Some(target) = self.definition(module, &import.path, &mut Seen::new()) else {
                continue;
            };
            if !(import.is_public && target.starts_with(module)) {
                imports.insert(target);
            }
        }
        imports.remove(module);
        imports
    }

    /// Returns the module that defines the item to which `path` leads from `module`.
    ///
    /// Returns `None` for another crate, an item of the standard library and a path that ends at a module: the items
    /// that are reached through it count instead.
    fn definition(&self, module: &Module, path: &[String], seen: &mut Seen) -> Option<Module> {
        if !seen.insert((module.clone(), path.to_vec())) {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            _ => return self.item(module, first, rest, seen),
        };
        for (index, name) in rest.iter().enumerate() {
            match name.as_str() {
                "super" => at.pop().map(drop)?,
                "self" => return None,
                "*" => return Some(at),
                _ => return self.item(&at, name, &rest[index + 1..], seen),
            }
        }
        None
    }

    /// Returns the module that defines the item `name` of `module`, or that `rest` leads to from there.
    fn item(
        &self,
        module: &Module,
        name: &str,
        rest: &[String],
        seen: &mut Seen,
    ) -> Option<Module> {
        let child = child(module, name);
        if self.0.contains_key(&child) {
            return self.definition(&child, &join(&["self".to_owned()], rest), seen);
        }
        let file = self.0.get(module)?;
        if file.items.contains(name) {
            return Some(module.clone());
        }
        let named = file.imports.iter().filter(|import| import.name == name);
        let named = named.map(|import| join(&import.path, rest));
        let globs = file.imports.iter().filter(|import| import.name == "*");
        let globs = globs.map(|glob| {
            let parent = &glob.path[..glob.path.len() - 1];
            join(&join(parent, &[name.to_owned()]), rest)
        });
        named
            .chain(globs)
            .filter(|path| path[0] != name && self.is_internal(module, path))
            .find_map(|path| self.definition(module, &path, seen))
    }

    /// Whether `path`, used in `module`, starts in this crate.
    fn is_internal(&self, module: &Module, path: &[String]) -> bool {
        ["crate", "self", "super"].contains(&path[0].as_str())
            || self.0.contains_key(&child(module, &path[0]))
    }
}

fn child(module: &Module, name: &str) -> Module {
    join(module, &[name.to_owned()])
}

fn join(first: &[String], second: &[String]) -> Vec<String> {
    [first, second].concat()
}

/// Returns the module path of a file, such as `["a", "b"]` of `a/b.rs` and `a/b/mod.rs`.
fn module_of(name: &str) -> Module {
    let mut module: Module = name
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if module
        .last()
        .is_some_and(|last| ["mod", "lib"].contains(&last.as_str()))
    {
        module.pop();
    }
    module
}
