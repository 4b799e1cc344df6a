"""The virtual machine: qemu, and commands through SSH."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

MEMORY_MIB = 1024
# Without hardware virtualization, a boot takes most of a minute.
BOOT_SECONDS = 600
COMMAND_SECONDS = 300


class CommandError(Exception):
    """A command in the machine that failed."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_kvm():
    """Whether the processor runs an unmodified kernel by KVM. `/dev/kvm` alone does not tell: kvm_pvm needs a kernel of its own."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    return os.access("/dev/kvm", os.R_OK | os.W_OK) and ("vmx" in flags or "svm" in flags)


class Machine:
    """A machine with a disk of its own, below `folder`. The disk survives `cut_power`, as far as the machine has flushed it."""

    def __init__(self, image, folder):
        self.image, self.folder, self.port = image, folder, free_port()
        self.accelerator = ["-accel", "kvm", "-cpu", "host"] if has_kvm() else ["-accel", "tcg", "-cpu", "max"]
        run = ["cp", "--sparse=always", image / "disk", folder / "disk"]
        subprocess.run(run, check=True)
        # SSH refuses a key that others can read.
        shutil.copy(image / "key", folder / "key")
        (folder / "key").chmod(0o600)
        self.process = None

    def boot(self):
        """Starts the machine and waits until its services are started. Returns the seconds."""
        started = time.monotonic()
        command = [
            "qemu-system-x86_64", *self.accelerator, "-m", str(MEMORY_MIB), "-nographic", "-no-reboot",
            "-kernel", self.image / "kernel", "-initrd", self.image / "initrd",
            "-append", "root=/dev/vda rw console=ttyS0 quiet",
            "-drive", f"file={self.folder / 'disk'},format=raw,if=virtio",
            "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{self.port}-:22",
        ]  # fmt: skip
        with open(self.folder / "console", "ab") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        while time.monotonic() - started < BOOT_SECONDS:
            if self.process.poll() is not None:
                break
            state = self.ssh("systemctl is-system-running --wait")
            if state.stdout.strip() in ("running", "degraded"):
                return time.monotonic() - started
            time.sleep(1)
        raise CommandError(f"the machine did not start, see {self.folder / 'console'}")

    def ssh(self, command, data=b"", seconds=COMMAND_SECONDS):
        options = {
            "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR", "ConnectTimeout": "10",
            "ControlMaster": "auto", "ControlPath": self.folder / "ssh", "ControlPersist": "600",
        }  # fmt: skip
        options = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        login = ["ssh", *options, "-i", self.folder / "key", "-p", str(self.port), "root@127.0.0.1"]
        answer = subprocess.run([*login, command], input=data, capture_output=True, timeout=seconds)
        answer.stdout, answer.stderr = answer.stdout.decode(errors="replace"), answer.stderr.decode(errors="replace")
        return answer

    def run(self, command, data=b"", seconds=COMMAND_SECONDS):
        """Runs a command of the shell as root. Returns its output. It must succeed."""
        answer = self.ssh(command, data, seconds)
        if answer.returncode != 0:
            raise CommandError(f"`{command}` exits with {answer.returncode}: {answer.stdout}{answer.stderr}")
        return answer.stdout.strip()

    def succeeds(self, command):
        return self.ssh(command).returncode == 0

    def write(self, path, content, mode="644"):
        content = content if isinstance(content, bytes) else content.encode()
        self.run(f"install -D -m {mode} /dev/stdin {path}", content)

    def cut_power(self):
        """Ends the machine without a warning."""
        self.process.kill()
        self.process.wait()
        self.forget_connection()

    def shut_down(self):
        self.ssh("systemctl poweroff")
        try:
            self.process.wait(timeout=BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise CommandError("the machine did not shut down") from None
        self.forget_connection()

    def forget_connection(self):
        """Ends the shared connection of SSH, which does not survive the machine."""
        command = ["ssh", "-O", "exit", "-o", f"ControlPath={self.folder / 'ssh'}", "root@127.0.0.1"]
        subprocess.run(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        (self.folder / "ssh").unlink(missing_ok=True)
