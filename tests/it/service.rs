//! The system service: installing the unit, calling systemd, and the checks of an installed service.

use crate::harness::{CommandResult, TestEnv, run_command, settings};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A `systemctl` that reports success and appends each command to `$CALLS`.
const SYSTEMCTL: &str = "#!/bin/sh
case \"$*\" in
  *is-system-running*) echo running ;;
  *is-enabled*) echo enabled ;;
  *is-active*) echo active ;;
  *) echo \"$*\" >> \"$CALLS\" ;;
esac
";

/// A test environment with a home folder and an optional service manager.
struct Host {
    env: TestEnv,
}

impl Host {
    fn new() -> Self {
        let env = TestEnv::new(settings());
        fs::create_dir_all(env.path("home")).unwrap();
        fs::create_dir_all(env.path("bin")).unwrap();
        Self { env }
    }

    /// Installs the fake `systemctl`.
    fn with_systemd(self) -> Self {
        let systemctl = self.env.path("bin/systemctl");
        fs::write(&systemctl, SYSTEMCTL).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Writes the API key to the environment file of the service.
    fn with_key(self) -> Self {
        let file = self.env.path("home/.config/nightscribe/environment");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "AIMLAPI_KEY=sk-test-key\n").unwrap();
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.env.command(args);
        command
            .env("PATH", self.env.path("bin"))
            .env("HOME", self.env.path("home"))
            .env("CALLS", self.env.path("calls"));
        command
    }

    fn run(&self, args: &[&str]) -> CommandResult {
        run_command(&mut self.command(args))
    }

    fn install(&self) -> String {
        let install = self.run(&["service", "install", "--user"]);
        assert_eq!(install.code, 0, "{}", install.stderr);
        install.stdout
    }

    fn unit(&self) -> PathBuf {
        self.env
            .path("home/.config/systemd/user/nightscribe.service")
    }

    /// Returns and clears the recorded commands.
    fn take_calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.env.path("calls")).unwrap_or_default();
        fs::write(self.env.path("calls"), "").unwrap();
        calls.lines().map(str::to_owned).collect()
    }
}

#[test]
fn without_systemd_install_prints_the_commands() {
    let host = Host::new().with_key();
    let output = host.install();
    assert!(
        output.contains(
            "systemd is not running here, so nothing was started. To start the service: systemctl --user daemon-reload && \
             systemctl --user enable nightscribe.service && systemctl --user restart nightscribe.service"
        ),
        "{output}"
    );
    let unit = fs::read_to_string(host.unit()).unwrap();
    assert!(unit.contains("WantedBy=default.target"));
    assert!(host.env.path("transcripts").is_dir());
    let state = fs::metadata(host.env.path("state")).unwrap();
    assert_eq!(state.mode() & 0o777, 0o700);
    assert!(host.install().starts_with("Unchanged: "));
    assert_eq!(fs::read_to_string(host.unit()).unwrap(), unit);
    let uninstall = |host: &Host| host.run(&["service", "uninstall", "--user"]);
    assert!(uninstall(&host).stdout.starts_with("Removed "));
    assert!(!host.unit().exists() && host.env.path("state").is_dir());
    let repeated = uninstall(&host);
    assert_eq!(repeated.code, 0);
    assert!(
        repeated.stdout.ends_with("nothing to do.\n"),
        "{}",
        repeated.stdout
    );
}

#[test]
fn install_restarts_a_changed_service() {
    let host = Host::new().with_systemd().with_key();
    let output = host.install();
    assert!(
        output.contains("The service is running and will start automatically."),
        "{output}"
    );
    let restart = [
        "--user daemon-reload",
        "--user enable nightscribe.service",
        "--user restart nightscribe.service",
    ];
    assert_eq!(host.take_calls(), restart);
    host.install();
    assert_eq!(host.take_calls()[2], "--user start nightscribe.service");

    let status = |host: &Host| host.run(&["service", "status", "--user"]);
    let before = status(&host);
    assert_eq!(before.code, 0, "{}", before.stdout);
    for line in [
        "ok    installed",
        "ok    enabled",
        "ok    active",
        "warn  linger",
    ] {
        assert!(before.stdout.contains(line), "{line}: {}", before.stdout);
    }
    fs::write(
        host.env.path("nightscribe.toml"),
        "[state]\ndir = 'queue'\n[[source]]\nname = 'talks'\npath = 'recordings'\n",
    )
    .unwrap();
    let after = status(&host);
    assert_eq!(after.code, 2, "{}", after.stdout);
    assert!(
        after.stdout.contains("FAIL  service unit"),
        "{}",
        after.stdout
    );
    host.install();
    assert_eq!(host.take_calls(), restart);
    assert_eq!(status(&host).code, 0);

    assert_eq!(host.run(&["service", "uninstall", "--user"]).code, 0);
    assert_eq!(
        host.take_calls(),
        [
            "--user disable --now nightscribe.service",
            "--user daemon-reload"
        ]
    );
    let uninstalled = status(&host);
    assert_eq!(uninstalled.code, 2);
    assert!(
        uninstalled.stdout.contains("FAIL  installed"),
        "{}",
        uninstalled.stdout
    );
}

#[test]
fn a_service_without_a_key_is_not_started() {
    let host = Host::new().with_systemd();
    let output = host.install();
    assert!(output.contains("once it has a key"), "{output}");
    assert!(
        output.contains("The service has no AIMLAPI_KEY"),
        "{output}"
    );
    assert_eq!(host.take_calls().len(), 2);
    let check = host.run(&["check"]);
    assert_eq!(check.code, 2, "{}", check.stdout);
    assert!(check.stdout.contains("ok    key "), "{}", check.stdout);
    assert!(
        check.stdout.contains("FAIL  service key"),
        "{}",
        check.stdout
    );
    let host = host.with_key();
    let check = host.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    assert!(
        check.stdout.contains("ok    service key"),
        "{}",
        check.stdout
    );
    assert!(check.stdout.contains("warn  linger"), "{}", check.stdout);
    assert!(!check.stdout.contains("sk-test-key"));
}

#[test]
fn check_finds_folders_hidden_by_a_custom_unit() {
    let host = Host::new();
    fs::create_dir_all(host.unit().parent().unwrap()).unwrap();
    let config = host.env.path("nightscribe.toml");
    let config = config.to_str().unwrap();
    host.env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = '/home/nobody/at all'\n",
    );
    let unit = format!(
        "[Service]\nExecStart=/bin/nightscribe --config {config} run\nProtectHome=yes\nLoadCredential=key:/nowhere/key\n"
    );
    fs::write(host.unit(), unit).unwrap();
    let check = host.run(&["check"]);
    assert!(
        check
            .stdout
            .contains("/home/nobody/at all: hidden by ProtectHome= of the unit"),
        "{}",
        check.stdout
    );
    assert!(
        check.stdout.contains("FAIL  service key   /nowhere/key"),
        "{}",
        check.stdout
    );
    let rejected = host.run(&["service", "install", "--user"]);
    assert_eq!(rejected.code, 2);
    assert!(
        rejected.stderr.contains("move it away first"),
        "{}",
        rejected.stderr
    );
    assert_eq!(host.run(&["service", "uninstall", "--user"]).code, 2);
    assert!(host.unit().exists());
}

#[test]
fn check_omits_a_service_that_is_not_installed() {
    let host = Host::new();
    let check = host.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    assert!(!check.stdout.contains("linger"), "{}", check.stdout);
}

#[test]
fn the_system_service_never_runs_as_root() {
    let host = Host::new();
    let image = host.env.path("image");
    let install = host.run(&[
        "service",
        "install",
        "--system",
        "--root",
        image.to_str().unwrap(),
    ]);
    if fs::metadata(host.env.path("")).unwrap().uid() == 0 {
        assert_eq!(install.code, 2);
        assert!(
            install
                .stderr
                .contains("set state.dir = \"/var/lib/nightscribe/state\""),
            "{}",
            install.stderr
        );
        assert!(!image.exists());
    } else {
        let unit = fs::read_to_string(image.join("etc/systemd/system/nightscribe.service"));
        assert!(unit.unwrap().contains("\nUser="));
    }
}

/// Creates a host whose configuration has only paths with special characters.
fn host_with_unusual_paths() -> Host {
    let host = Host::new();
    let source = "[[source]]\nname = 'talks'\npath = '''it's 100% \"loud\" \\ $HOME'''\n\
                  [[source]]\nname = 'beds'\npath = '/srv/a b'\n";
    let text = format!(
        "[api]\nkey_file = '''/etc/a \"key\" 5%'''\n[state]\ndir = '/var/lib/nightscribe/state'\n\
         [output]\ndir = '/var/lib/nightscribe/out put'\n{source}"
    );
    let folder = host.env.path("co%n \"f\"");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("$x.toml"), text).unwrap();
    host
}

/// Installs the unit below `image` for `--user` or `--system`. Returns its path.
fn install_unit(host: &Host, scope: &str) -> PathBuf {
    let image = host.env.path("image");
    let config = host.env.path("co%n \"f\"/$x.toml");
    let install = host.run(&[
        "--config",
        config.to_str().unwrap(),
        "service",
        "install",
        scope,
        "--root",
        image.to_str().unwrap(),
    ]);
    assert_eq!(install.code, 0, "{}", install.stderr);
    PathBuf::from(
        install
            .stdout
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("Wrote "),
    )
}

/// Runs `systemd-analyze`. Returns `None` if it is not installed.
fn analyze(host: &Host, arguments: &[&str], unit: &Path) -> Option<CommandResult> {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).arg(unit);
    command.env("XDG_RUNTIME_DIR", host.env.path(""));
    let output = command.output().ok()?;
    Some(CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[test]
fn systemd_accepts_the_units_and_their_exposure() {
    for scope in ["--system", "--user"] {
        let host = host_with_unusual_paths();
        let unit = install_unit(&host, scope);
        let text = fs::read_to_string(&unit).unwrap();
        let Some(verified) = analyze(&host, &[scope, "verify"], &unit) else {
            return;
        };
        assert_eq!(verified.stderr, "", "{text}");
        assert_eq!(verified.code, 0);
        let security = ["security", "--no-pager", "--offline=true", "--threshold=49"];
        let exposure = analyze(&host, &security, &unit).unwrap();
        assert_eq!(exposure.code, 0, "{}", exposure.stdout);
        assert!(exposure.stdout.contains(" OK "), "{}", exposure.stdout);
    }
}

#[test]
fn unusual_paths_are_escaped_in_the_unit() {
    let host = host_with_unusual_paths();
    let unit = fs::read_to_string(install_unit(&host, "--system")).unwrap();
    for line in [
        r#"LoadCredential=key:/etc/a "key" 5%%"#,
        r#"ReadOnlyPaths="-/srv/a b""#,
        "DynamicUser=yes",
    ] {
        assert!(
            unit.lines().any(|unit_line| unit_line == line),
            "{line}: {unit}"
        );
    }
    assert!(unit.contains(r#"it's 100%% \"loud\" \\ $HOME""#), "{unit}");
    assert!(unit.contains(r#"/co%%n \"f\"/$$x.toml" run"#), "{unit}");
    assert!(!unit.contains("ReadWritePaths"), "{unit}");
}

#[test]
fn the_system_service_has_the_user_of_the_packages() {
    let host = host_with_unusual_paths();
    fs::create_dir_all(host.env.path("image/etc")).unwrap();
    let passwd = host.env.path("image/etc/passwd");
    fs::write(
        passwd,
        "nightscribe:x:990:990::/var/lib/nightscribe:/bin/sh\n",
    )
    .unwrap();
    let unit = fs::read_to_string(install_unit(&host, "--system")).unwrap();
    assert!(unit.contains("\nUser=nightscribe\n"), "{unit}");
    assert!(unit.contains("\nStateDirectory=nightscribe\n"), "{unit}");
    assert!(!unit.contains("DynamicUser"), "{unit}");
}

#[test]
fn status_reads_the_unit_of_a_package_and_its_drop_ins() {
    let host = Host::new();
    let hook = host.env.path("bin/hook");
    fs::write(&hook, "").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "[api]\nkey_file = '/nowhere'\n[state]\ndir = '/var/lib/nightscribe/state'\n\
         [output]\ndir = '/var/lib/nightscribe/out'\n[hooks]\non_done = ['{}']\n",
        hook.display()
    );
    let config = host.env.path("nightscribe.toml");
    fs::write(&config, text).unwrap();
    let image = host.env.path("image");
    let write = |path: &str, text: &str| {
        let path = image.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let unit = include_str!("../../config/nightscribe.service")
        .replace("DynamicUser=yes", "User=nobody")
        .replace("/etc/nightscribe/config.toml", config.to_str().unwrap());
    write("usr/lib/systemd/system/nightscribe.service", &unit);
    let status = || {
        let image = image.to_str().unwrap();
        host.run(&["service", "status", "--system", "--root", image])
            .stdout
    };
    let plain = status();
    for line in [
        "usr/lib/systemd/system/nightscribe.service of a package",
        "FAIL  service key   /etc/nightscribe/key",
        "they can write only to the folders of the service",
        "just-in-time compiler",
    ] {
        assert!(plain.contains(line), "{line}: {plain}");
    }
    assert!(!plain.contains("service folder"), "{plain}");
    let drop_ins = "systemd/system/nightscribe.service.d";
    write(
        &format!("etc/{drop_ins}/key.conf"),
        "[Service]\nLoadCredentialEncrypted=key:/k\n",
    );
    write(
        &format!("usr/lib/{drop_ins}/more.conf"),
        "[Service]\nMemoryDenyWriteExecute=no\nNoNewPrivileges=no\n",
    );
    // Hides the file of the same name.
    write(
        &format!("etc/{drop_ins}/more.conf"),
        "[Service]\nMemoryDenyWriteExecute=no\n",
    );
    let changed = status();
    assert!(
        changed.contains("from an encrypted credential"),
        "{changed}"
    );
    assert!(!changed.contains("just-in-time compiler"), "{changed}");
    assert!(changed.contains("no privileges"), "{changed}");
}

#[test]
fn a_key_that_only_the_service_has_is_no_failure() {
    let host = Host::new().with_key();
    host.install();
    let check = |host: &Host| run_command(host.command(&["check"]).env_remove("AIMLAPI_KEY"));
    let with_own = check(&host);
    assert_eq!(with_own.code, 0, "{}", with_own.stdout);
    for text in ["warn  key", "has a key of its own", "ok    service key"] {
        assert!(
            with_own.stdout.contains(text),
            "{text}: {}",
            with_own.stdout
        );
    }
    fs::write(host.env.path("home/.config/nightscribe/environment"), "").unwrap();
    let without = check(&host);
    assert_eq!(without.code, 2);
    assert!(without.stdout.contains("FAIL  key"), "{}", without.stdout);
}
