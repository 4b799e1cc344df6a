//! systemd unit: the hardened unit of `config/nightscribe.service`, adapted to the paths and the user of this machine.

use crate::config::system::STATE_FOLDER;
use crate::service_manager::marker::GENERATED_MARKER;
use crate::service_manager::quote::{argument, escape_specifiers, list_item};
use crate::service_manager::scope::Scope;
use crate::service_manager::setup::{Identity, ServiceKey, ServiceSpec};
use std::path::Path;

/// Unit for packages. All settings are kept, except those that name a path or a user.
const TEMPLATE: &str = include_str!("../../config/nightscribe.service");

/// Name of the unit.
pub const UNIT: &str = "nightscribe.service";

/// Folders that `PrivateTmp=` hides from the service.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Returns the text of the unit.
#[must_use]
pub fn unit(setup: &ServiceSpec) -> String {
    let mut unit = head(setup.scope);
    let mut comments = String::new();
    let lines = TEMPLATE
        .lines()
        .skip_while(|line| !line.starts_with("[Unit]"));
    for line in lines {
        if line.starts_with('#') {
            comments.push_str(&format!("{line}\n"));
            continue;
        }
        let adapted = adapted(line, setup);
        // A comment is dropped together with the setting below it.
        let comment = std::mem::take(&mut comments);
        if adapted.iter().any(|adapted| adapted == line) {
            unit.push_str(&comment);
        }
        for adapted in adapted {
            if !(adapted.is_empty() && unit.ends_with("\n\n")) {
                unit.push_str(&format!("{adapted}\n"));
            }
        }
    }
    unit
}

fn head(scope: Scope) -> String {
    let edit = match scope {
        Scope::System => "systemctl edit",
        Scope::User => "systemctl --user edit",
    };
    format!(
        "# {GENERATED_MARKER}. Run it again after changing the configuration.\n\
         # It overwrites this file. Put your own settings in a drop-in: {edit} {UNIT}\n\n"
    )
}

/// Returns the lines that replace a line of the template.
fn adapted(line: &str, setup: &ServiceSpec) -> Vec<String> {
    let is_user = setup.scope == Scope::User;
    let kept = || vec![line.to_owned()];
    let kept_if = |keep: bool| if keep { kept() } else { Vec::new() };
    let Some((key, _)) = line.split_once('=') else {
        return kept();
    };
    match key {
        "Documentation" => Vec::new(),
        // A user manager does not know system units, and `RemoveIPC=` has no effect there.
        "Wants" | "After" | "RemoveIPC" => kept_if(!is_user),
        "ExecStart" => vec![format!(
            "ExecStart={} --config {} run",
            list_item(&setup.binary),
            argument(&setup.config)
        )],
        "LoadCredential" => credential(setup),
        // The path of the credential.
        "Environment" if line.contains("%d/") => kept_if(matches!(setup.key, ServiceKey::File(_))),
        "StateDirectory" | "StateDirectoryMode" => kept_if(
            setup
                .write_paths
                .iter()
                .any(|path| is_state_folder(path, setup)),
        ),
        "DynamicUser" => {
            let mut lines = identity(setup);
            lines.extend(path_settings(setup));
            lines
        }
        // Programs may have a just-in-time compiler, read the state of the machine, or list its network interfaces.
        "MemoryDenyWriteExecute" | "ProcSubset" => kept_if(!setup.starts_programs),
        "RestrictAddressFamilies" if setup.starts_programs => vec![format!("{line} AF_NETLINK")],
        "WantedBy" if is_user => vec!["WantedBy=default.target".to_owned()],
        _ => kept(),
    }
}

fn credential(setup: &ServiceSpec) -> Vec<String> {
    match &setup.key {
        ServiceKey::File(path) => vec![format!("LoadCredential=key:{}", escape_specifiers(path))],
        ServiceKey::Variable { name, file } => vec![
            format!("# API key: a line {name}=... in this file (mode 600)."),
            format!("EnvironmentFile=-{}", escape_specifiers(file)),
        ],
    }
}

fn identity(setup: &ServiceSpec) -> Vec<String> {
    match &setup.identity {
        Identity::Dynamic => vec!["DynamicUser=yes".to_owned()],
        Identity::Named(name) => vec![format!("User={}", escape_specifiers(name))],
        // Without it, a user manager cannot set up the sandbox.
        Identity::Caller => vec!["PrivateUsers=yes".to_owned()],
    }
}

/// Returns the settings that make the configured paths visible, and the written ones writable, inside the sandbox.
fn path_settings(setup: &ServiceSpec) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(home) = &setup.home {
        let variable = format!("HOME={home}");
        lines.push(format!("Environment={}", list_item(&variable)));
    }
    let files = [&setup.binary, &setup.config]
        .into_iter()
        .filter(|path| is_temporary(path));
    lines.extend(files.map(|path| setting("BindReadOnlyPaths", path)));
    for path in &setup.read_paths {
        let key = match is_temporary(path) {
            true => "BindReadOnlyPaths",
            false => "ReadOnlyPaths",
        };
        lines.push(setting(key, path));
    }
    for path in &setup.write_paths {
        match is_temporary(path) {
            true => lines.push(setting("BindPaths", path)),
            false if is_state_folder(path, setup) => {}
            false => lines.push(setting("ReadWritePaths", path)),
        }
    }
    lines
}

/// Whether systemd creates the folder for the service and makes it writable (`StateDirectory=`).
fn is_state_folder(path: &str, setup: &ServiceSpec) -> bool {
    setup.scope == Scope::System && Path::new(path).starts_with(STATE_FOLDER)
}

fn is_temporary(path: &str) -> bool {
    TEMPORARY
        .iter()
        .any(|folder| Path::new(path).starts_with(folder))
}

/// Returns a setting with one path. The `-` prefix lets the service start if the path is missing, as on a disk that is
/// mounted later.
fn setting(key: &str, path: &str) -> String {
    format!("{key}={}", list_item(&format!("-{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(scope: Scope, identity: Identity) -> ServiceSpec {
        ServiceSpec {
            scope,
            identity,
            binary: "/opt/night scribe/nightscribe".to_owned(),
            config: "/home/ann/100% \"mine\"/$x.toml".to_owned(),
            home: None,
            key: ServiceKey::File("/home/ann/a key".to_owned()),
            read_paths: vec!["/home/ann/Pod casts".to_owned(), "/tmp/in:box".to_owned()],
            write_paths: vec![
                "/var/lib/nightscribe/state".to_owned(),
                "/var/tmp/out".to_owned(),
            ],
            starts_programs: false,
        }
    }

    fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
        unit.lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .collect()
    }

    #[test]
    fn a_system_unit_has_a_dynamic_user_and_state_folder() {
        let unit = unit(&setup(Scope::System, Identity::Dynamic));
        assert_eq!(
            values(&unit, "ExecStart"),
            [r#""/opt/night scribe/nightscribe" --config "/home/ann/100%% \"mine\"/$$x.toml" run"#]
        );
        assert_eq!(values(&unit, "LoadCredential"), ["key:/home/ann/a key"]);
        assert_eq!(
            values(&unit, "Environment"),
            ["MALLOC_ARENA_MAX=2", "NIGHTSCRIBE__API__KEY_FILE=%d/key"]
        );
        assert_eq!(values(&unit, "DynamicUser"), ["yes"]);
        assert_eq!(values(&unit, "StateDirectory"), ["nightscribe"]);
        assert_eq!(
            values(&unit, "ReadOnlyPaths"),
            [r#""-/home/ann/Pod casts""#]
        );
        assert_eq!(values(&unit, "BindReadOnlyPaths"), [r#""-/tmp/in:box""#]);
        assert_eq!(values(&unit, "BindPaths"), ["-/var/tmp/out"]);
        assert!(values(&unit, "ReadWritePaths").is_empty());
        assert_eq!(values(&unit, "WantedBy"), ["multi-user.target"]);
    }

    #[test]
    fn a_user_unit_omits_system_settings() {
        let mut setup = setup(Scope::User, Identity::Caller);
        setup.key = ServiceKey::Variable {
            name: "AIMLAPI_KEY".to_owned(),
            file: "/home/ann/.config/nightscribe/environment".to_owned(),
        };
        let unit = unit(&setup);
        for key in [
            "DynamicUser",
            "StateDirectory",
            "StateDirectoryMode",
            "Wants",
            "After",
            "RemoveIPC",
            "LoadCredential",
            "User",
        ] {
            assert!(values(&unit, key).is_empty(), "{key}: {unit}");
        }
        assert_eq!(values(&unit, "Environment"), ["MALLOC_ARENA_MAX=2"]);
        assert_eq!(
            values(&unit, "EnvironmentFile"),
            ["-/home/ann/.config/nightscribe/environment"]
        );
        assert_eq!(values(&unit, "PrivateUsers"), ["yes"]);
        assert_eq!(
            values(&unit, "ReadWritePaths"),
            ["-/var/lib/nightscribe/state"]
        );
        assert_eq!(values(&unit, "WantedBy"), ["default.target"]);
    }

    #[test]
    fn a_named_user_keeps_its_folders_and_home() {
        let mut setup = setup(Scope::System, Identity::Named("ann".to_owned()));
        setup.home = Some("/home/ann lee".to_owned());
        setup.write_paths = vec!["/home/ann lee/state".to_owned()];
        let unit = unit(&setup);
        assert_eq!(values(&unit, "User"), ["ann"]);
        assert_eq!(
            values(&unit, "Environment"),
            [
                "MALLOC_ARENA_MAX=2",
                "NIGHTSCRIBE__API__KEY_FILE=%d/key",
                r#""HOME=/home/ann lee""#
            ]
        );
        assert_eq!(
            values(&unit, "ReadWritePaths"),
            [r#""-/home/ann lee/state""#]
        );
        assert!(values(&unit, "StateDirectory").is_empty());
    }

    #[test]
    fn a_unit_with_programs_lets_them_work() {
        let mut setup = setup(Scope::System, Identity::Dynamic);
        setup.starts_programs = true;
        let unit = unit(&setup);
        for key in ["MemoryDenyWriteExecute", "ProcSubset"] {
            assert!(values(&unit, key).is_empty(), "{key}");
        }
        let families = values(&unit, "RestrictAddressFamilies");
        assert_eq!(families, ["AF_INET AF_INET6 AF_UNIX AF_NETLINK"]);
        assert_eq!(values(&unit, "ProtectSystem"), ["strict"]);
    }

    #[test]
    fn other_settings_of_the_packaged_unit_are_kept() {
        let unit = unit(&setup(Scope::System, Identity::Dynamic));
        let replaced = [
            "ExecStart",
            "Environment",
            "LoadCredential",
            "Documentation",
        ];
        let kept = TEMPLATE
            .lines()
            .skip_while(|line| !line.starts_with("[Unit]"))
            .filter(|line| !line.starts_with('#'))
            .filter(|line| !replaced.iter().any(|key| line.starts_with(key)));
        for line in kept {
            assert!(unit.lines().any(|other| other == line), "{line}");
        }
    }
}
