//! The program that shows a transcript.

use super::readable_file::ReadableFile;
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::config::Environment;
use crate::runtime::subprocess::{Invocation, run_attached};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Pagers that are tried without `$PAGER`.
const PAGERS: [&str; 2] = ["less", "more"];

/// Program that shows a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// The program that the desktop has for the file. It has a window of its own.
    Desktop(PathBuf),
    /// A pager on the terminal, with its arguments.
    Pager(PathBuf, Vec<OsString>),
    /// There is none. The text is printed.
    None,
}

/// Returns the viewer of this environment: the desktop, or `$PAGER`, or a usual pager.
#[must_use]
pub fn viewer(environment: &Environment) -> Viewer {
    desktop_opener(environment).map_or_else(|| pager(environment), Viewer::Desktop)
}

/// Returns the program that opens files on the desktop. `None` without a desktop, as in a remote session.
fn desktop_opener(environment: &Environment) -> Option<PathBuf> {
    let is_set = |name| environment.get(name).is_some();
    let name = match cfg!(target_os = "macos") {
        true if is_set("SSH_CONNECTION") => return None,
        true => "open",
        false if is_set("WAYLAND_DISPLAY") || is_set("DISPLAY") => "xdg-open",
        false => return None,
    };
    environment.find_program(Path::new(name))
}

fn pager(environment: &Environment) -> Viewer {
    let words = environment.get("PAGER").and_then(|pager| pager.to_str());
    let mut words = words.unwrap_or_default().split_whitespace();
    if let Some(program) = words.next() {
        return Viewer::Pager(program.into(), words.map(OsString::from).collect());
    }
    let found = PAGERS
        .iter()
        .find_map(|name| environment.find_program(Path::new(name)));
    found.map_or(Viewer::None, |program| Viewer::Pager(program, Vec::new()))
}

/// Shows a file with a program, and waits for it to end. A pager has the terminal.
///
/// # Errors
/// If the program cannot be started or fails.
pub async fn show(
    session: &Session,
    file: &ReadableFile,
    program: PathBuf,
    arguments: Vec<OsString>,
) -> Result<(), AppError> {
    let mut call = Invocation {
        program: program.clone(),
        arguments,
        withheld: session.config.secret_variables(),
    };
    call.arguments.push(file.file.clone().into_os_string());
    run_attached(&call).await.map_err(|error| AppError::Viewer {
        file: file.file.clone(),
        viewer: program,
        error,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Returns an environment with these programs and variables.
    fn environment(
        programs: &[&str],
        variables: &[(&str, &str)],
    ) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        for name in programs {
            let file = folder.path().join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut environment = Environment::default();
        let mut set = |name: &str, value: &std::ffi::OsStr| {
            environment.variables.insert(name.into(), value.into());
        };
        set("PATH", folder.path().as_os_str());
        for (name, value) in variables {
            set(name, value.as_ref());
        }
        (folder, environment)
    }

    /// Returns the viewer, with the name of its program.
    fn viewer_with(programs: &[&str], variables: &[(&str, &str)]) -> (String, usize) {
        let (_folder, environment) = environment(programs, variables);
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        match viewer(&environment) {
            Viewer::Desktop(program) => (format!("desktop {}", name(&program)), 0),
            Viewer::Pager(program, arguments) => (name(&program), arguments.len()),
            Viewer::None => ("none".to_owned(), 0),
        }
    }

    #[test]
    fn a_desktop_opens_the_file_and_a_pager_shows_it_otherwise() {
        let all = ["xdg-open", "less", "more"];
        let of = |programs: &[&str], variables: &[(&str, &str)]| viewer_with(programs, variables);
        assert_eq!(of(&all, &[("DISPLAY", ":0")]).0, "desktop xdg-open");
        assert_eq!(
            of(&all, &[("WAYLAND_DISPLAY", "wayland-0")]).0,
            "desktop xdg-open"
        );
        assert_eq!(of(&all, &[]).0, "less");
        assert_eq!(of(&all, &[("DISPLAY", "")]).0, "less");
        assert_eq!(of(&["more"], &[("DISPLAY", ":0")]).0, "more");
        assert_eq!(of(&all, &[("PAGER", "bat --plain")]), ("bat".to_owned(), 1));
        assert_eq!(of(&all, &[("PAGER", " ")]).0, "less");
        assert_eq!(of(&[], &[]).0, "none");
    }
}
