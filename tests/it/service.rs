//! The service of a machine or a user: its unit, its manager, and what keeps it from working at night.

use crate::harness::{CommandResult, TestEnv, run_command, settings};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A manager that runs, writes down what it is told, and says yes to everything.
const SYSTEMCTL: &str = "#!/bin/sh
case \"$*\" in
  *is-system-running*) echo running ;;
  *is-enabled*) echo enabled ;;
  *is-active*) echo active ;;
  *) echo \"$*\" >> \"$TOLD\" ;;
esac
";

/// An environment whose owner has a home and, at first, no service manager.
struct Machine {
    env: TestEnv,
}

impl Machine {
    fn new() -> Self {
        let env = TestEnv::new(settings());
        fs::create_dir_all(env.path("home")).unwrap();
        fs::create_dir_all(env.path("bin")).unwrap();
        Self { env }
    }

    fn with_systemd(self) -> Self {
        let systemctl = self.env.path("bin/systemctl");
        fs::write(&systemctl, SYSTEMCTL).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

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
            .env("TOLD", self.env.path("told"));
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

    /// What the manager was told since it was asked last.
    fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.env.path("told")).unwrap_or_default();
        fs::write(self.env.path("told"), "").unwrap();
        told.lines().map(str::to_owned).collect()
    }
}

#[test]
fn without_a_service_manager_the_unit_is_written_and_it_says_what_to_type() {
    let machine = Machine::new().with_key();
    let said = machine.install();
    assert!(
        said.contains(
            "systemd is not running here, so nothing was started. To start the service: systemctl --user daemon-reload && \
             systemctl --user enable nightscribe.service && systemctl --user restart nightscribe.service"
        ),
        "{said}"
    );
    let unit = fs::read_to_string(machine.unit()).unwrap();
    assert!(unit.contains("WantedBy=default.target"));
    assert!(machine.env.path("state").is_dir() && machine.env.path("transcripts").is_dir());
    assert!(machine.install().starts_with("Unchanged: "));
    assert_eq!(fs::read_to_string(machine.unit()).unwrap(), unit);
    let uninstall = |machine: &Machine| machine.run(&["service", "uninstall", "--user"]);
    assert!(uninstall(&machine).stdout.starts_with("Removed "));
    assert!(!machine.unit().exists() && machine.env.path("state").is_dir());
    let again = uninstall(&machine);
    assert_eq!(again.code, 0);
    assert!(
        again.stdout.ends_with("nothing to do.\n"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_manager_that_runs_is_told_to_start_once_and_again_after_a_change() {
    let machine = Machine::new().with_systemd().with_key();
    let said = machine.install();
    assert!(
        said.contains("The service is running and will start automatically."),
        "{said}"
    );
    let restart = [
        "--user daemon-reload",
        "--user enable nightscribe.service",
        "--user restart nightscribe.service",
    ];
    assert_eq!(machine.told(), restart);
    machine.install();
    assert_eq!(machine.told()[2], "--user start nightscribe.service");

    let status = |machine: &Machine| machine.run(&["service", "status", "--user"]);
    let before = status(&machine);
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
        machine.env.path("nightscribe.toml"),
        "[state]\ndir = 'queue'\n[[source]]\nname = 'talks'\npath = 'recordings'\n",
    )
    .unwrap();
    let after = status(&machine);
    assert_eq!(after.code, 2, "{}", after.stdout);
    assert!(
        after.stdout.contains("FAIL  service unit"),
        "{}",
        after.stdout
    );
    machine.install();
    assert_eq!(machine.told(), restart);
    assert_eq!(status(&machine).code, 0);

    assert_eq!(machine.run(&["service", "uninstall", "--user"]).code, 0);
    assert_eq!(
        machine.told(),
        [
            "--user disable --now nightscribe.service",
            "--user daemon-reload"
        ]
    );
    let gone = status(&machine);
    assert_eq!(gone.code, 2);
    assert!(gone.stdout.contains("FAIL  installed"), "{}", gone.stdout);
}

#[test]
fn a_service_without_a_key_is_not_started_and_check_says_why() {
    let machine = Machine::new().with_systemd();
    let said = machine.install();
    assert!(said.contains("once it has a key"), "{said}");
    assert!(said.contains("The service has no AIMLAPI_KEY"), "{said}");
    assert_eq!(machine.told().len(), 2);
    let check = machine.run(&["check"]);
    assert_eq!(check.code, 2, "{}", check.stdout);
    assert!(check.stdout.contains("ok    key "), "{}", check.stdout);
    assert!(
        check.stdout.contains("FAIL  service key"),
        "{}",
        check.stdout
    );
    let machine = machine.with_key();
    let check = machine.run(&["check"]);
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
fn check_finds_folders_that_a_unit_written_by_hand_does_not_see() {
    let machine = Machine::new();
    fs::create_dir_all(machine.unit().parent().unwrap()).unwrap();
    let config = machine.env.path("nightscribe.toml");
    let config = config.to_str().unwrap();
    machine.env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = '/home/nobody/at all'\n",
    );
    let unit = format!(
        "[Service]\nExecStart=/bin/nightscribe --config {config} run\nProtectHome=yes\nLoadCredential=key:/nowhere/key\n"
    );
    fs::write(machine.unit(), unit).unwrap();
    let check = machine.run(&["check"]);
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
    let refused = machine.run(&["service", "install", "--user"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("move it away first"),
        "{}",
        refused.stderr
    );
    assert_eq!(machine.run(&["service", "uninstall", "--user"]).code, 2);
    assert!(machine.unit().exists());
}

#[test]
fn check_says_nothing_of_services_where_none_is_installed() {
    let machine = Machine::new();
    let check = machine.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    assert!(!check.stdout.contains("linger"), "{}", check.stdout);
}

#[test]
fn the_machine_s_service_is_never_root() {
    let machine = Machine::new();
    let image = machine.env.path("image");
    let install = machine.run(&[
        "service",
        "install",
        "--system",
        "--root",
        image.to_str().unwrap(),
    ]);
    if fs::metadata(machine.env.path("")).unwrap().uid() == 0 {
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

/// A configuration in which every path is an odd one.
fn odd_machine() -> Machine {
    let machine = Machine::new();
    let source = "[[source]]\nname = 'talks'\npath = '''it's 100% \"loud\" \\ $HOME'''\n\
                  [[source]]\nname = 'beds'\npath = '/srv/a b'\n";
    let text = format!(
        "[api]\nkey_file = '''/etc/a \"key\" 5%'''\n[state]\ndir = '/var/lib/nightscribe/state'\n\
         [output]\ndir = '/var/lib/nightscribe/out put'\n{source}"
    );
    let folder = machine.env.path("co%n \"f\"");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("$x.toml"), text).unwrap();
    machine
}

fn odd_unit(machine: &Machine, whose: &str) -> PathBuf {
    let image = machine.env.path("image");
    let config = machine.env.path("co%n \"f\"/$x.toml");
    let install = machine.run(&[
        "--config",
        config.to_str().unwrap(),
        "service",
        "install",
        whose,
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

/// `systemd-analyze` with what it says; `None` on a machine that does not have it.
fn analyze(machine: &Machine, arguments: &[&str], unit: &Path) -> Option<CommandResult> {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).arg(unit);
    command.env("XDG_RUNTIME_DIR", machine.env.path(""));
    let output = command.output().ok()?;
    Some(CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_calls_their_exposure_ok() {
    for (whose, verify) in [("--system", "--system"), ("--user", "--user")] {
        let machine = odd_machine();
        let unit = odd_unit(&machine, whose);
        let text = fs::read_to_string(&unit).unwrap();
        let Some(verified) = analyze(&machine, &[verify, "verify"], &unit) else {
            return;
        };
        assert_eq!(verified.stderr, "", "{text}");
        assert_eq!(verified.code, 0);
        let security = ["security", "--no-pager", "--offline=true", "--threshold=49"];
        let exposure = analyze(&machine, &security, &unit).unwrap();
        assert_eq!(exposure.code, 0, "{}", exposure.stdout);
        assert!(exposure.stdout.contains(" OK "), "{}", exposure.stdout);
    }
}

#[test]
fn odd_names_arrive_in_the_unit_as_they_are() {
    let machine = odd_machine();
    let unit = fs::read_to_string(odd_unit(&machine, "--system")).unwrap();
    for line in [
        r#"LoadCredential=key:/etc/a "key" 5%%"#,
        r#"ReadOnlyPaths="-/srv/a b""#,
        "DynamicUser=yes",
    ] {
        assert!(unit.lines().any(|other| other == line), "{line}: {unit}");
    }
    assert!(unit.contains(r#"it's 100%% \"loud\" \\ $HOME""#), "{unit}");
    assert!(unit.contains(r#"/co%%n \"f\"/$$x.toml" run"#), "{unit}");
    assert!(!unit.contains("ReadWritePaths"), "{unit}");
}
