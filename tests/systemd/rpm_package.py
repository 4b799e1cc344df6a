"""Step of the RPM: its files and scripts in place of those of the Debian package, by the rpm of Debian."""

from night import SOURCE, TRANSCRIPTS
from running import wait_for_restart

# Debian has the libraries, but no RPM that provides them.
RPM = "rpm --nodeps"


def install_rpm(night, package):
    night.step("Install the RPM instead, with the rpm of Debian")
    machine = night.machine
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get purge -y nightscribe 2>&1 && userdel nightscribe")
    machine.write("/var/tmp/nightscribe.rpm", package.read_bytes())
    said = machine.run(f"{RPM} --install /var/tmp/nightscribe.rpm 2>&1")
    night.see("rpm installs it", "rror" not in said, said or machine.run("rpm -q nightscribe"))
    night.see("it has a user", machine.succeeds("id nightscribe"), machine.run("id nightscribe"))
    verified = machine.ssh(f"{RPM} --verify nightscribe; systemd-analyze verify --man=no nightscribe.service nightscribe-once.timer 2>&1")
    night.see("its files are complete, and systemd accepts its units", not verified.stdout, verified.stdout.strip())
    states = {unit: night.unit("UnitFileState", unit) for unit in ("nightscribe.service", "nightscribe-once.timer")}
    night.see("it starts nothing", set(states.values()) == {"disabled"}, states)
    # The new user may have another number.
    machine.run(f"chown -R nightscribe: /var/lib/nightscribe && setfacl -R -m u:nightscribe:rX,d:u:nightscribe:rX {SOURCE}")
    machine.run("systemctl enable --now nightscribe")
    night.add_recordings(2)
    night.wait_done()
    night.see_each_paid_once()
    pid = night.unit("MainPID")
    machine.run(f"{RPM} --upgrade --force /var/tmp/nightscribe.rpm 2>&1")
    night.see("an upgrade restarts the daemon", True, f"after {wait_for_restart(night, pid):.0f} s")
    machine.run("systemctl enable --now nightscribe-once.timer")
    machine.run("rpm --erase nightscribe 2>&1")
    running = machine.ssh("pgrep -a nightscribe; systemctl list-units --no-legend --plain --state=active 'nightscribe*'").stdout
    links = machine.run("find /etc/systemd/system -name 'nightscribe*' -type l")
    night.see("a removal stops and disables the service and the timer", not running.strip() and not links, running.strip() or links)
    kept = machine.succeeds(f"test -s /etc/nightscribe/config.toml && test -s {TRANSCRIPTS}/talk-000.txt")
    night.see("configuration, queue and transcripts stay", kept)
