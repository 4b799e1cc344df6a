//! Configuration of the whole machine, in `/etc/nightscribe`. Its queue and transcripts are in `/var/lib/nightscribe`, because
//! `/etc` holds no data, and a service cannot write there.

use super::TEMPLATE;
use std::borrow::Cow;
use std::path::Path;

/// Folder of the configuration.
const CONFIG_FOLDER: &str = "/etc/nightscribe";
/// Folder of the queue and the transcripts. systemd creates it and gives it to the user of the service.
pub const STATE_FOLDER: &str = "/var/lib/nightscribe";
/// Key file that `init` writes into the configuration.
pub const KEY_FILE: &str = "/etc/nightscribe/key";

/// Whether a configuration file is that of the whole machine.
#[must_use]
pub fn is_system_config(file: &Path) -> bool {
    file.parent() == Some(Path::new(CONFIG_FOLDER))
}

/// Returns the annotated file with the defaults of this configuration file.
pub(super) fn template_of(file: &Path) -> Cow<'static, str> {
    if !is_system_config(file) {
        return TEMPLATE.into();
    }
    let with_folder = |text: String, name: &str| {
        let default = format!("\ndir = \"{name}\"\n");
        text.replace(&default, &format!("\ndir = \"{STATE_FOLDER}/{name}\"\n"))
    };
    let text = with_folder(TEMPLATE.to_owned(), "state");
    with_folder(text, "transcripts").into()
}

#[cfg(test)]
mod tests {
    use crate::config::{Environment, load};

    #[test]
    fn only_the_machine_s_configuration_has_its_folders_elsewhere() {
        let folders = |file: &str, text: &str| {
            let config = load::from_text(Some(file.into()), text, &Environment::default()).unwrap();
            [config.state.dir, config.output.dir].map(|path| path.to_str().unwrap().to_owned())
        };
        let system = "/etc/nightscribe/config.toml";
        assert_eq!(
            folders(system, ""),
            [
                "/var/lib/nightscribe/state",
                "/var/lib/nightscribe/transcripts"
            ]
        );
        assert_eq!(
            folders(system, "[state]\ndir = 'q'\n[output]\ndir = '/srv/out'\n"),
            ["/etc/nightscribe/q", "/srv/out"]
        );
        assert_eq!(
            folders("/etc/n/config.toml", ""),
            ["/etc/n/state", "/etc/n/transcripts"]
        );
    }
}
