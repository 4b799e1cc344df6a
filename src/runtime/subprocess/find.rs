//! The file of a program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns the executable file for `program`, if it exists. A bare name is looked up in `path`, the value of `PATH`.
#[must_use]
pub fn find_executable(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if program.components().count() > 1 || program.is_absolute() {
        return Some(program.to_owned()).filter(is_program);
    }
    std::env::split_paths(path?)
        .map(|folder| folder.join(program))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_path_or_by_name() {
        let path = OsStr::new("/nowhere:/bin");
        assert_eq!(
            find_executable(Path::new("sh"), Some(path)),
            Some("/bin/sh".into())
        );
        assert_eq!(
            find_executable(Path::new("/bin/sh"), None),
            Some("/bin/sh".into())
        );
        assert_eq!(
            find_executable(Path::new("/etc/passwd"), None),
            None,
            "not executable"
        );
        assert_eq!(
            find_executable(Path::new("no-such-program"), Some(path)),
            None
        );
    }
}
