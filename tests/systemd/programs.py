"""Steps about the programs of hooks and notifications, which run in the sandbox of the unit."""

from night import TRANSCRIPTS

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
    said = run_as_unit(night, "notify --test")
    night.see("a message through the local mail server fails there", mails(night) == 0, said.split("\n")[0])
    night.add_recordings(1)
    night.wait_done()
    shown = lambda: [line for line in night.machine.run(show(night)).split("\n") if "hook" in line]
    hook, _ = night.wait("the hook ends", shown)
    titles = night.machine.ssh("cat /srv/index/titles").stdout
    night.see("the hook fails there, and the transcript is done", not titles, "\n".join(hook))


def show(night):
    return f"nightscribe show {TRANSCRIPTS.replace('/var/lib/nightscribe/transcripts/recordings', '/srv/recordings')}/talk-{night.recordings - 1:03}.wav"


def lift_restrictions(night, drop_in):
    night.step("Allow them more, with the drop-in of docs/service.md")
    night.drop_in(drop_in, name="programs")
    said = run_as_unit(night, "notify --test")
    night.wait("the mail arrives", lambda: mails(night) > 0)
    night.see("the message arrives through the local mail server", True, said.split("\n")[0])
    night.add_recordings(1)
    night.wait_done()
    titles, _ = night.wait("the index has it", lambda: night.machine.ssh("cat /srv/index/titles").stdout.strip())
    night.see("the hook runs with Node.js and writes its index", True, titles)
    check = night.machine.ssh("nightscribe check").stdout
    line = [line for line in check.split("\n") if "programs" in line]
    found = [text for text in RESTRICTIONS if text in "".join(line)]
    night.see("`check` names only the folders that can be written", found == ["can write only"], "\n".join(line))
