"""Steps of a running service: reload, journal, watchdog, kill, stop, power cut, upgrade, nightly runs, removal."""

import time

from night import SOURCE, TRANSCRIPTS

# More than the watchdog, the abort and the restart of the unit take together.
RESTART_SECONDS = 240


def read_the_journal(night):
    night.step("Read the journal by priority")
    machine = night.machine
    machine.run(f"touch -d '1 hour ago' {SOURCE}/empty.mp3 && chmod 640 {SOURCE}/empty.mp3")
    failed = lambda: night.counts()["failed"] == 1
    night.wait("the empty recording fails", failed)
    errors = night.journal("-p err")
    night.see("`-p err` shows the failed recording", "empty.mp3" in errors and len(errors.split("\n")) == 1, errors)
    lines = night.journal("-p warning").split("\n")
    night.see("`-p warning` shows only what needs a person", lines == errors.split("\n"), f"{len(lines)} of "
              f"{len(night.journal().splitlines())} lines")  # fmt: skip
    dated = machine.ssh("journalctl -u nightscribe --no-pager -o cat | grep -cE '[0-9]{4}-[0-9]{2}-[0-9]{2}T'").stdout.strip()
    night.see("no line is dated twice", dated == "0")
    machine.run(f"rm {SOURCE}/empty.mp3")


def reload(night):
    night.step("Reload")
    machine = night.machine
    pid = night.unit("MainPID")
    night.configure('s|^formats = .*|formats = ["txt", "json", "srt"]|')
    machine.run("systemctl reload nightscribe")
    night.add_recordings(1)
    night.wait_done()
    path = f"{TRANSCRIPTS}/talk-{night.recordings - 1:03}.srt"
    night.see("the new configuration is used", machine.succeeds(f"test -s {path}"), path.rpartition("/")[2])
    night.configure('s|^formats = .*|formats = ["txt", "nonsense"]|')
    machine.ssh("systemctl reload nightscribe")
    night.wait("the refusal is logged", lambda: "nonsense" in night.journal("-n 20 -p warning"))
    night.see("an invalid one is refused", True, night.journal("-p warning -n 4"))
    night.configure('s|^formats = .*|formats = ["txt", "json"]|')
    machine.run("systemctl reload nightscribe")
    night.add_recordings(1)
    night.wait_done()
    night.see("the service goes on in the same process", night.unit("MainPID") == pid, f"PID {pid}")


def hang(night):
    night.step("Hang (SIGSTOP), with WatchdogSec=20 in a drop-in to see it sooner")
    machine = night.machine
    night.see("the unit has a watchdog", night.unit("WatchdogUSec") == "2min", night.unit("WatchdogUSec"))
    night.drop_in("[Service]\nWatchdogSec=20\n", name="watchdog")
    machine.run("systemctl restart nightscribe")
    pid = night.unit("MainPID")
    time.sleep(45)
    night.see("a busy machine does not trip it", night.unit("MainPID") == pid and night.unit("NRestarts") == "0")
    night.add_recordings(4)
    night.wait_paid(night.recordings - 2)
    machine.run(f"kill -STOP {pid}")
    seconds = wait_for_restart(night, pid)
    night.see("systemd restarts it", "watchdog" in night.journal("-n 30").lower(), f"after {seconds:.0f} s")
    night.wait_done()
    night.see_each_paid_once()
    machine.run("rm /etc/systemd/system/nightscribe.service.d/watchdog.conf && systemctl daemon-reload")
    machine.run("systemctl restart nightscribe")


def wait_for_restart(night, pid):
    restarted = lambda: night.unit("MainPID") not in ("0", pid) and night.unit("ActiveState") == "active"
    return night.wait("the service is restarted", restarted, RESTART_SECONDS)[1]


def kill(night):
    night.step("Kill (SIGKILL) with transcripts in flight")
    night.add_recordings(8)
    night.wait_paid(night.recordings - 4)
    pid = night.unit("MainPID")
    night.machine.run("systemctl kill -s KILL nightscribe")
    night.see("systemd restarts it", True, f"after {wait_for_restart(night, pid):.0f} s")
    night.wait_done()
    night.see_each_paid_once()


def stop(night):
    night.step("Stop with transcripts in flight")
    night.add_recordings(8)
    night.wait_paid(night.recordings - 6)
    started = time.monotonic()
    night.machine.run("systemctl stop nightscribe")
    seconds = time.monotonic() - started
    result = night.unit("Result")
    night.see("it stops within the time of the unit", seconds < 90 and result == "success", f"{seconds:.0f} s, {result}")
    lines = night.journal("-n 6")
    night.see("the log says what waits at the service", "at the service" in lines, lines)
    night.machine.run("systemctl start nightscribe")
    night.wait_done()
    night.see_each_paid_once()


def cut_power(night, cuts=3, recordings=12):
    night.step("Cut the power in the middle of the night")
    for number in range(cuts):
        night.add_recordings(recordings)
        # The recordings themselves are on disk, as after a copy that has ended.
        night.machine.run("sync")
        night.wait_paid(night.recordings - recordings + 3 * (number + 1))
        paid = night.sandbox.paid()
        night.machine.cut_power()
        seconds = night.machine.boot()
        night.see("the machine boots, and the service is active", night.unit("ActiveState") == "active",
                  f"cut at {paid} paid of {night.recordings}, boot in {seconds:.0f} s")  # fmt: skip
        night.wait_done()
        night.see_each_paid_once()
    damaged = night.machine.ssh("nightscribe check").stdout
    line = [line for line in damaged.split("\n") if line.startswith("ok    state ")]
    night.see("the database is not damaged", len(line) == 1, "\n".join(line))


def upgrade(night, package):
    night.step("Upgrade the package while it runs")
    machine = night.machine
    night.add_recordings(6)
    night.wait_paid(night.recordings - 4)
    pid = night.unit("MainPID")
    machine.write("/var/tmp/newer.deb", package.read_bytes())
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get install -y /var/tmp/newer.deb 2>&1")
    version = machine.run("dpkg-query -W -f '${Version}' nightscribe")
    wait_for_restart(night, pid)
    night.see("the service runs the new program", True, version)
    night.wait_done()
    night.see_each_paid_once()
    kept = machine.succeeds("test -s /etc/nightscribe/config.toml && test -s /etc/systemd/system/nightscribe.service.d/key.conf")
    night.see("configuration and drop-ins are kept", kept and night.unit("UnitFileState") == "enabled")


# systemd forgets the result of a unit that nothing needs any more.
TELL_RESULT = "[Service]\nExecStopPost=/bin/sh -c 'echo result: $$SERVICE_RESULT, exit status $$EXIT_STATUS'\n"


def results(night):
    """Returns how the nightly runs have ended since the last boot."""
    lines = night.machine.run("journalctl -b -u nightscribe-once --no-pager -o cat | grep '^result: ' || true")
    return [line.removeprefix("result: ") for line in lines.splitlines()]


def run_once_a_night(night):
    night.step("Run once a night instead, with the timer")
    machine = night.machine
    for name in ("group", "key"):
        directory = "/etc/systemd/system/nightscribe-once.service.d"
        machine.run(f"install -D -m 644 /etc/systemd/system/nightscribe.service.d/{name}.conf {directory}/{name}.conf")
    night.drop_in(TELL_RESULT, unit="nightscribe-once.service", name="result")
    machine.run("systemctl start nightscribe-once.service")
    night.see("a run beside the daemon does nothing, and does not fail", results(night) == ["success, exit status 4"], results(night))
    machine.run("systemctl disable --now nightscribe.service && systemctl enable --now nightscribe-once.timer")
    shown = machine.run("systemctl list-timers --no-pager --no-legend nightscribe-once.timer")
    night.see("the timer waits for 22:05", "22:05:00" in shown, " ".join(shown.split()))
    set_timer(night, 20)
    night.add_recordings(3)
    night.wait_done()
    night.wait("the run ends", lambda: len(results(night)) == 2)
    night.see("it starts a run, which ends", results(night)[1] == "success, exit status 0", results(night)[1])
    run_missed_night(night)
    night.see_each_paid_once()
    machine.run(f"touch -d '1 hour ago' {SOURCE}/empty-again.mp3 && chmod 640 {SOURCE}/empty-again.mp3")
    machine.ssh("systemctl start nightscribe-once.service")
    failed = machine.run("systemctl --failed --no-legend --plain")
    night.see("`systemctl --failed` shows a run with a failed recording", "nightscribe-once.service" in failed, failed)
    machine.run(f"rm {SOURCE}/empty-again.mp3 && systemctl reset-failed")
    machine.run("systemctl disable --now nightscribe-once.timer && systemctl enable --now nightscribe.service")


def run_missed_night(night):
    night.add_recordings(2)
    set_timer(night, 90)
    due = time.monotonic() + 95
    night.machine.shut_down()
    time.sleep(max(0, due - time.monotonic()))
    night.machine.boot()
    night.wait("the run ends", lambda: results(night))
    is_right = results(night) == ["success, exit status 0"] and night.counts()["done"] == night.recordings
    night.see("a machine that was off at that time starts the run when it is on again", is_right, results(night)[0])


def set_timer(night, seconds):
    """Lets the timer start a run after this time."""
    moment = in_seconds(night.machine, seconds)
    night.drop_in(f"[Timer]\nOnCalendar=\nOnCalendar={moment}\nAccuracySec=1s\n", unit="nightscribe-once.timer")


def in_seconds(machine, seconds):
    """Returns a time of the machine for `OnCalendar=`."""
    return machine.run(f"date -d '+{seconds} seconds' '+%F %T'")


def remove(night, package):
    night.step("Remove, purge and install again")
    machine = night.machine
    machine.run("systemctl enable --now nightscribe-once.timer")
    paid = night.sandbox.paid()
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get remove -y nightscribe 2>&1")
    running = machine.ssh("pgrep -a nightscribe; systemctl list-units --no-legend --plain --state=active 'nightscribe*'").stdout
    night.see("remove stops the service and the timer", not running.strip(), running.strip())
    kept = machine.succeeds(f"test -s /etc/nightscribe/config.toml && test -s {TRANSCRIPTS}/talk-000.txt")
    night.see("configuration, queue and transcripts stay", kept)
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get purge -y nightscribe 2>&1")
    links = machine.run("find /etc/systemd/system /usr/bin /usr/lib/systemd /usr/share -name '*nightscribe*' -not -path '*.d' -not -path '*.d/*'")
    night.see("purge leaves no unit, link or program", not links, links)
    kept = machine.succeeds(f"test -s /etc/nightscribe/config.toml && test -s {TRANSCRIPTS}/talk-000.txt && id nightscribe")
    night.see("configuration, queue, transcripts and user stay after purge as well", kept)
    machine.write("/var/tmp/again.deb", package.read_bytes())
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get install -y /var/tmp/again.deb 2>&1")
    machine.run("systemctl enable --now nightscribe")
    night.add_recordings(1)
    night.wait_done()
    night.see("after a new installation only the new recording is paid", night.sandbox.paid() == paid + 1)
    night.see_each_paid_once()
