//! The installed service file, which may be that of a package, and its drop-ins.

use super::target::ServiceTarget;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::terminal::printable_path;
use crate::service_manager::scope::SYSTEM_UNIT_FOLDERS;
use crate::service_manager::systemd::UNIT;
use crate::service_manager::{Scope, ServiceManager};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A service file.
pub(super) struct InstalledUnit {
    pub(super) file: PathBuf,
    pub(super) text: String,
}

/// Drop-ins of a unit.
#[derive(Default)]
pub(super) struct DropIns {
    /// Texts of the files that can be read, in the order in which systemd applies them.
    pub(super) text: String,
    /// Files and folders that cannot be read.
    pub(super) unreadable: Vec<PathBuf>,
}

/// Returns the service file that the manager uses: that of `service install`, or that of a package. `None` if there is none.
pub(super) fn find(target: &ServiceTarget) -> Result<Option<InstalledUnit>, CommandError> {
    for folder in folders(target) {
        let file = folder.join(target.file.file_name().unwrap_or(UNIT.as_ref()));
        if let Some(text) = read(&file)? {
            return Ok(Some(InstalledUnit { file, text }));
        }
    }
    Ok(None)
}

/// Returns the text of a service file. `None` if it does not exist.
pub(super) fn read(file: &Path) -> Result<Option<String>, CommandError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", printable_path(file));
            Err(CommandError::new(Exit::Usage, message))
        }
    }
}

/// Reads the drop-ins of the unit.
pub(super) fn drop_ins(target: &ServiceTarget) -> DropIns {
    let mut drop_ins = DropIns::default();
    let mut files = BTreeMap::new();
    for folder in folders(target) {
        let folder = folder.join(format!("{UNIT}.d"));
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => {
                drop_ins.unreadable.push(folder);
                continue;
            }
        };
        for file in entries.flatten().map(|entry| entry.path()) {
            if let Some(name) = file.file_name().filter(|_| has_extension(&file, "conf")) {
                files.entry(name.to_owned()).or_insert(file);
            }
        }
    }
    for file in files.into_values() {
        match std::fs::read_to_string(&file) {
            Ok(text) => drop_ins.text.push_str(&format!("\n{text}\n")),
            Err(_) => drop_ins.unreadable.push(file),
        }
    }
    drop_ins
}

/// Returns the folders with the service file and its drop-ins. The first one takes precedence.
fn folders(target: &ServiceTarget) -> Vec<PathBuf> {
    match (target.manager, target.scope) {
        (ServiceManager::Systemd, Scope::System) => SYSTEM_UNIT_FOLDERS
            .iter()
            .map(|folder| target.rebased(Path::new(folder)))
            .collect(),
        _ => Vec::from_iter(target.file.parent().map(Path::to_owned)),
    }
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}
