"""Step of a container: the package in a system without systemd, with what `Containerfile` does after its installation."""

import shutil
import subprocess

from night import KEY, recording

INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "/tmp/nightscribe.deb")


def install_in_container(night, package, system, config, root):
    night.step("Install in a system without systemd, as in an image of a container")
    subprocess.run(["cp", "-a", system, root], check=True)
    shutil.copy(package, root / "tmp/nightscribe.deb")
    answer = run(root, "root", *INSTALL)
    night.see("apt installs it with systemd-standalone-sysusers", answer.returncode == 0, answer.stderr.strip()[-300:])
    answer = run(root, "root", "id", "nightscribe")
    night.see("it has a user", answer.returncode == 0, answer.stdout.strip() or answer.stderr.strip())
    run(root, "root", "install", "-d", "-o", "nightscribe", "-g", "nightscribe", "/var/lib/nightscribe")
    (root / "recordings").mkdir()
    (root / "recordings/talk.wav").write_bytes(recording(night.recordings))
    (root / "etc/nightscribe").mkdir()
    (root / "etc/nightscribe/config.toml").write_text(config)
    paid = night.sandbox.paid()
    answer = nightscribe(night, root, "check")
    failures = [line for line in answer.stdout.split("\n") if line.startswith("FAIL")]
    night.see("`check` finds it ready", answer.returncode == 0, "\n".join(failures) or "no FAIL")
    runs = [nightscribe(night, root, "run", "--once") for _ in range(2)]
    is_right = {answer.returncode for answer in runs} == {0} and night.sandbox.paid() == paid + 1
    night.see("two runs pay once", is_right, "\n".join(answer.stderr.strip().split("\n")[-1] for answer in runs))


def nightscribe(night, root, *arguments):
    """Runs the program as the entry point of the image, with the service on this machine."""
    variables = (f"AIMLAPI_KEY={KEY}", f"NIGHTSCRIBE__API__BASE_URL=http://127.0.0.1:{night.sandbox.port}/v1")
    return run(root, "nightscribe", "env", *variables, "nightscribe", "--config", "/etc/nightscribe/config.toml", *arguments)


def run(root, user, *command):
    return subprocess.run(["chroot", f"--userspec={user}", root, *command], capture_output=True, text=True)
