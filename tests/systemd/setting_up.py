"""Steps of an administrator from the package to the first transcripts, with nothing but docs/service.md."""

from night import KEY, SOURCE, STATE, TRANSCRIPTS


def install(night, package):
    night.step("Install the package")
    machine = night.machine
    machine.write("/var/tmp/nightscribe.deb", package.read_bytes())
    output = machine.run("DEBIAN_FRONTEND=noninteractive apt-get install -y /var/tmp/nightscribe.deb 2>&1")
    night.see("apt installs it", "rror" not in output, machine.run("nightscribe --version"))
    night.see("it has a user", machine.succeeds("id nightscribe"), machine.run("id nightscribe"))
    states = {unit: (night.unit("UnitFileState", unit), night.unit("ActiveState", unit))
              for unit in ("nightscribe.service", "nightscribe-once.timer")}  # fmt: skip
    night.see("it starts nothing", set(states.values()) == {("disabled", "inactive")}, states)
    verified = machine.run("systemd-analyze verify --man=no nightscribe.service nightscribe-once.timer 2>&1")
    night.see("systemd accepts its units", not verified, verified)
    owned = machine.run("dpkg -L nightscribe | xargs stat -c '%U %a %F' | grep -c 'root .* regular file'")
    night.see("its files belong to root", int(owned) > 30, f"{owned} files")


def configure(night):
    night.step("Configure, as docs/service.md says")
    machine = night.machine
    machine.run(f"install -d -m 750 {SOURCE} && groupadd transcripts && useradd -G transcripts member && useradd outsider")
    machine.run(f"setfacl -R -m u:nightscribe:rX,d:u:nightscribe:rX {SOURCE}")
    night.add_recordings(3)
    machine.run("install -Dm 600 /dev/stdin /etc/nightscribe/key", KEY.encode())
    said = machine.run(f"nightscribe init {SOURCE} --config /etc/nightscribe/config.toml")
    night.see("`init` writes the configuration", "/etc/nightscribe/config.toml" in said, said)
    # The only changes that the documents do not name: the service on the host, and a faster night.
    night.configure(f"s|^base_url = .*|base_url = \"{night.sandbox.base_url}\"|", "s|^settle = .*|settle = \"1s\"|",
                    "s|^interval = .*|interval = \"1s\"|", "s|^backoff = .*|backoff = \"2s\"|",
                    "s|^submits_per_minute = .*|submits_per_minute = 120|")  # fmt: skip
    check = machine.ssh("nightscribe check")
    failures = [line for line in check.stdout.split("\n") if line.startswith("FAIL")]
    night.see("`check` finds it ready, for the user of the unit", check.returncode == 0, "\n".join(failures) or "no FAIL")
    night.see("`check` reads the packaged unit", "ok    service key" in check.stdout)


def start(night):
    night.step("Enable and start")
    machine = night.machine
    # Watches the folder from before it exists.
    watch = f"while ! test -e /run/seen; do stat -c %a {STATE} 2>/dev/null; done | sort -u >/run/modes"
    machine.run(f"systemd-run --quiet --unit=watch-modes sh -c \"{watch}\"")
    machine.run("systemctl enable --now nightscribe")
    night.see("the service is active when it says so (Type=notify)", night.unit("ActiveState") == "active", night.unit("StatusText"))
    seconds = night.wait_done()
    night.see("recordings become transcripts", True, f"3 done in {seconds:.0f} s")
    machine.run("touch /run/seen")
    night.wait("the watch ends", lambda: machine.succeeds("! systemctl is-active --quiet watch-modes"))
    modes = machine.run("cat /run/modes")
    night.see("the state folder is private from the first moment", modes == "700", f"modes seen: {modes}")
    files = machine.run(f"stat -c '%a %n' {STATE}/* | sort -u")
    is_private = all(line.startswith(("600 ", "700 ")) for line in files.split("\n"))
    night.see("its files are private", is_private, files.replace(f"{STATE}/", ""))
    night.see("`sudo nightscribe status` shows the queue of the service", night.counts()["done"] == 3)
    night.see_each_paid_once()


def share_with_a_group(night):
    night.step("Give the transcripts to a group, with a drop-in")
    machine = night.machine
    everyone = machine.succeeds(f"runuser -u outsider -- cat {TRANSCRIPTS}/talk-000.txt")
    night.see("without a drop-in, everyone reads transcripts", everyone)
    night.drop_in("[Service]\nGroup=transcripts\nUMask=0027\n", name="group")
    machine.run("systemctl restart nightscribe")
    night.add_recordings(2)
    night.wait_done()
    path = f"{TRANSCRIPTS}/talk-004.txt"
    may = {user: machine.succeeds(f"runuser -u {user} -- cat {path}") for user in ("member", "outsider")}
    night.see("then only the group reads new ones", may == {"member": True, "outsider": False},
              f"{machine.run(f'stat -c %A,%U,%G {path}')} {may}")  # fmt: skip
    is_private = machine.run(f"stat -c %a {STATE}") == "700"
    may = machine.succeeds(f"runuser -u member -- ls {STATE}")
    night.see("the group does not read the queue", is_private and not may)


def encrypt_the_key(night):
    night.step("Encrypt the key, with a drop-in")
    machine = night.machine
    machine.run("systemd-creds encrypt --name=key /etc/nightscribe/key /etc/nightscribe/key.cred && rm /etc/nightscribe/key")
    night.drop_in("[Service]\nLoadCredential=\nLoadCredentialEncrypted=key:/etc/nightscribe/key.cred\n", name="key")
    machine.run("systemctl restart nightscribe")
    night.add_recordings(1)
    night.wait_done()
    night.see("the service uses the encrypted key", True)
    check = machine.ssh("nightscribe check").stdout
    line = [line for line in check.split("\n") if "service key" in line]
    night.see("`check` knows it", line == ["ok    service key   from an encrypted credential"], "\n".join(line))
    failures = [line for line in check.split("\n") if line.startswith("FAIL")]
    night.see("it is no FAIL of `check`", not failures, "\n".join(failures))
    leaks = machine.ssh(f"grep -rl {KEY} /etc/nightscribe /var/lib/nightscribe; journalctl | grep -c {KEY}").stdout.split()
    night.see("the key is in no file and in no log", leaks == ["0"], leaks)
