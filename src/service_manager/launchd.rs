//! Property list for launchd, the service manager of macOS.

use crate::service_manager::marker::GENERATED_MARKER;
use crate::service_manager::scope::Scope;
use crate::service_manager::setup::{Identity, ServiceKey, ServiceSpec};

/// launchd label of the service.
pub const LABEL: &str = "nightscribe";

/// Returns the text of the property list. launchd cannot pass credentials, so the service reads the key file itself.
#[must_use]
pub fn property_list(setup: &ServiceSpec) -> String {
    let arguments = [setup.binary.as_str(), "--config", &setup.config, "run"];
    let arguments: String = arguments
        .map(|text| format!("\n        {}", string(text)))
        .concat();
    let mut entries = vec![
        ("Label", string(LABEL)),
        (
            "ProgramArguments",
            format!("<array>{arguments}\n    </array>"),
        ),
        ("RunAtLoad", "<true/>".to_owned()),
        // launchd also restarts after an invalid configuration. The throttle keeps that infrequent.
        (
            "KeepAlive",
            "<dict><key>SuccessfulExit</key><false/></dict>".to_owned(),
        ),
        ("ThrottleInterval", "<integer>30</integer>".to_owned()),
        ("ExitTimeOut", "<integer>60</integer>".to_owned()),
        ("ProcessType", string("Background")),
        ("Umask", "<integer>18</integer>".to_owned()),
        ("StandardErrorPath", string(&log(setup))),
    ];
    if let Identity::Named(name) = &setup.identity {
        entries.push(("UserName", string(name)));
    }
    if let Some(home) = &setup.home {
        let home = format!("<dict><key>HOME</key>{}</dict>", string(home));
        entries.push(("EnvironmentVariables", home));
    }
    let entries: String = entries
        .iter()
        .map(|(key, value)| format!("    <key>{key}</key>\n    {value}\n"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <!-- {GENERATED_MARKER}. Run it again after changing the configuration. -->\n\
         {}<plist version=\"1.0\">\n<dict>\n{entries}</dict>\n</plist>\n",
        hint(setup)
    )
}

fn hint(setup: &ServiceSpec) -> String {
    match &setup.key {
        ServiceKey::File(_) => String::new(),
        ServiceKey::Variable { name, .. } => format!(
            "<!-- launchd does not set {name}: put the key in a file and set api.key_file. -->\n"
        ),
    }
}

/// Returns the path of the log file, because launchd has no journal. A user's log is next to the queue.
fn log(setup: &ServiceSpec) -> String {
    let folder = match (setup.scope, setup.write_paths.first()) {
        (Scope::User, Some(state)) => state,
        _ => "/Library/Logs",
    };
    format!("{folder}/nightscribe.log")
}

fn string(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<string>{escaped}</string>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> ServiceSpec {
        ServiceSpec {
            scope: Scope::User,
            identity: Identity::Caller,
            binary: "/usr/local/bin/nightscribe".to_owned(),
            config: "/Users/ann/a & <b>.toml".to_owned(),
            home: None,
            key: ServiceKey::File("/Users/ann/key".to_owned()),
            read_paths: vec!["/Users/ann/Podcasts".to_owned()],
            write_paths: vec!["/Users/ann/state".to_owned()],
            starts_programs: false,
        }
    }

    #[test]
    fn a_user_s_list_logs_next_to_the_queue() {
        let list = property_list(&setup());
        assert!(list.contains(
            "<array>\n        <string>/usr/local/bin/nightscribe</string>\n        <string>--config</string>\n        \
             <string>/Users/ann/a &amp; &lt;b&gt;.toml</string>\n        <string>run</string>\n    </array>"
        ));
        assert!(list.contains("<string>/Users/ann/state/nightscribe.log</string>"));
        assert!(!list.contains("UserName") && !list.contains("HOME"));
        let opened = list.matches("<key>").count();
        assert_eq!(opened, list.matches("</key>").count());
    }

    #[test]
    fn the_system_s_list_names_its_user_and_the_missing_variable() {
        let mut setup = setup();
        setup.scope = Scope::System;
        setup.identity = Identity::Named("ann".to_owned());
        setup.home = Some("/Users/ann".to_owned());
        setup.key = ServiceKey::Variable {
            name: "AIMLAPI_KEY".to_owned(),
            file: String::new(),
        };
        let list = property_list(&setup);
        assert!(list.contains("<key>UserName</key>\n    <string>ann</string>"));
        assert!(list.contains("<dict><key>HOME</key><string>/Users/ann</string></dict>"));
        assert!(list.contains("<string>/Library/Logs/nightscribe.log</string>"));
        assert!(list.contains("launchd does not set AIMLAPI_KEY"));
    }
}
