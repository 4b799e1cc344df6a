//! Configuration files and environment variables.

use super::is_control_char;
use nightscribe::config::load::from_text;
use nightscribe::config::{Config, ConfigError, Environment};
use nightscribe::output::naming;
use nightscribe::output::portable_name::NameForm;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Parses the bytes up to the first zero byte as a file, and each following part as `SECTION__KEY=VALUE`.
pub fn holds(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let Some(Ok(text)) = parts.next().map(std::str::from_utf8) else {
        return;
    };
    let mut environment = Environment {
        working_dir: PathBuf::from("/here"),
        ..Environment::default()
    };
    for part in parts {
        let (name, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (&part[..at], &part[at + 1..]),
            None => (part, &[][..]),
        };
        let name = [b"NIGHTSCRIBE__", name].concat();
        let value = OsString::from_vec(value.to_vec());
        environment
            .variables
            .insert(OsString::from_vec(name), value);
    }
    match from_text(Some(PathBuf::from("/here/n.toml")), text, &environment) {
        Ok(config) => check_accepted(&config),
        Err(ConfigError::Invalid(problems)) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.message.is_empty());
            }
        }
        Err(ConfigError::Unreadable { .. }) => unreachable!("no file is read"),
    }
}

/// Checks the invariants of an accepted configuration.
fn check_accepted(config: &Config) {
    assert!(config.state.dir.is_absolute() && config.output.dir.is_absolute());
    assert!(!config.output.formats.is_empty());
    assert!(config.polling.interval <= config.polling.max_interval);
    assert!(config.limits.max_uploads > 0 && config.limits.max_pending > 0);
    for source in &config.sources {
        assert!(source.path.is_absolute());
        assert!(!source.name.chars().any(is_control_char));
        let root = Path::new("/out");
        let form = NameForm::Original;
        let folder = naming::transcript_folder(root, &source.name, Path::new("a.mp3"), form);
        assert_eq!(folder, root.join(&source.name));
        assert_eq!(folder.parent(), Some(root));
    }
}
