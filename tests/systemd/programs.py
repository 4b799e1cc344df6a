"""Steps about the programs of hooks and notifications, which run in the sandbox of the unit."""

from night import SOURCE

CONFIG = "/etc/nightscribe/config.toml"
# What an administrator is likely to have: a script for Node.js that keeps an index on the disk, and mail through the local server.
INDEX = """#!/usr/bin/env node
require("fs").appendFileSync("/srv/index/titles", process.argv[2] + "\\n");
"""
MAIL = """#!/bin/sh
{ echo "Subject: nightscribe"; echo; cat; } | /usr/sbin/sendmail root
"""
RESTRICTIONS = ("can write only", "no privileges", "just-in-time compiler", "network interfaces")


def install_programs(night):
    machine = night.machine
    machine.write("/usr/local/bin/index-transcript", INDEX, mode="755")
    machine.write("/usr/local/bin/tell-me", MAIL, mode="755")
    machine.run("install -d -o nightscribe -g nightscribe /srv/index")
    night.configure("s|^# command = .*|command = [\"/usr/local/bin/tell-me\"]|",
                    "s|^# on_done = .*|on_done = [\"/usr/local/bin/index-transcript\", \"{txt}\"]|")  # fmt: skip


def run_as_unit(night, command):
    """Runs a command of nightscribe before the start of the service, in its sandbox. Returns its lines in the journal."""
    night.drop_in(f"[Service]\nExecStartPre=-/usr/bin/nightscribe --config {CONFIG} {command}\n", name="before")
    before = night.machine.run("date '+%F %T'")
    night.machine.run("systemctl restart nightscribe")
    lines = night.journal(f"--since '{before}'")
    night.machine.run("rm /etc/systemd/system/nightscribe.service.d/before.conf && systemctl daemon-reload")
    return lines


def mails(night):
    return int(night.machine.run("cat /var/mail/* 2>/dev/null | grep -c '^Subject: nightscribe' || true"))


def find_restrictions(night):
    night.step("Find programs that the sandbox of the unit would break")
    install_programs(night)
    outside = night.machine.ssh("nightscribe check").stdout
    line = [line for line in outside.split("\n") if "programs" in line]
    found = all(text in "".join(line) for text in RESTRICTIONS)
    night.see("`check` by the administrator names all of them", found, "\n".join(line))
    inside = run_as_unit(night, "check")
    found = all(text in inside for text in RESTRICTIONS)
    night.see("`check` run as the unit does, too", found)
    said = told(run_as_unit(night, "notify --test"))
    night.see("a message through the local mail server fails there", "error: " in said and mails(night) == 0, said)
    night.add_recordings(1)
    night.wait_done()
    hook, _ = night.wait("the hook ends", lambda: ended_hook(night))
    titles = night.machine.ssh("cat /srv/index/titles").stdout
    night.see("the hook fails there, and the transcript is done", "killed" in hook and not titles, hook)


def told(lines):
    """Returns the lines of `notify --test` about the command, of those in the journal."""
    return "\n".join(line for line in lines.split("\n") if "command: " in line)


def ended_hook(night):
    """Returns the line about the hook of the newest recording, once the hook has ended."""
    shown = night.machine.run(f"nightscribe show {SOURCE}/talk-{night.recordings - 1:03}.wav").split("\n")
    return next((line for line in shown if line.startswith("hook") and "waiting" not in line), None)


def lift_restrictions(night, drop_in):
    night.step("Allow them more, with the drop-in of docs/service.md")
    night.drop_in(drop_in, name="programs")
    said = told(run_as_unit(night, "notify --test"))
    night.wait("the mail arrives", lambda: mails(night) > 0)
    night.see("the message arrives through the local mail server", "accepted" in said, said)
    night.add_recordings(1)
    night.wait_done()
    titles, _ = night.wait("the index has it", lambda: night.machine.ssh("cat /srv/index/titles").stdout.strip())
    night.see("the hook runs with Node.js and writes its index", True, titles)
    check = night.machine.ssh("nightscribe check").stdout
    line = [line for line in check.split("\n") if "programs" in line]
    found = [text for text in RESTRICTIONS if text in "".join(line)]
    night.see("`check` names only the folders that can be written", found == ["can write only"], "\n".join(line))
