"""Makes the disk of the virtual machine: Debian with systemd, a kernel, and the programs that hooks and notifications start."""

import hashlib
import pathlib
import shutil
import subprocess

MIRROR = "http://deb.debian.org/debian"
# postfix and nodejs are what the sandbox of the unit stops: a mail program with a set-group-ID helper, and a compiler.
PACKAGES = (
    "systemd systemd-sysv udev dbus linux-image-cloud-amd64 openssh-server iproute2 ca-certificates kmod acl rpm postfix nodejs"
).split()
# An image of a container has no systemd.
CONTAINER_PACKAGES = ("ca-certificates", "systemd-standalone-sysusers")
SIZE = "4G"
NETWORK = "[Match]\nName=en*\n[Network]\nDHCP=yes\n"


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def debootstrap(suite, packages, folder):
    """Mounts only for itself. If it is killed, no mounted `/proc` stays behind below `folder`, which is removed before the next try."""
    run("unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, folder, MIRROR)


def prepare(root, public_key):
    """Lets the machine be reached by SSH, and its disk be mounted."""
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(public_key, ssh / "authorized_keys")
    (root / "etc/systemd/network/80-dhcp.network").write_text(NETWORK)
    (root / "etc/hostname").write_text("night\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost night\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    run("chroot", root, "systemctl", "enable", "systemd-networkd", "ssh")


def make_disk(suite, cache):
    """Returns the folder with `disk`, `kernel`, `initrd` and `key`. Makes it if this recipe has not been followed before."""
    recipe = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    folder = cache / f"{suite}-{recipe}"
    if folder.exists():
        return folder
    new = cache / f"{folder.name}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    root = new / "root"
    debootstrap(suite, PACKAGES, root)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", new / "key")
    prepare(root, new / "key.pub")
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copy(next((root / "boot").glob(pattern)), new / name)
    run("truncate", "-s", SIZE, new / "disk")
    run("mkfs.ext4", "-q", "-d", root, new / "disk")
    shutil.rmtree(root)
    new.rename(folder)
    return folder


def make_container(suite, cache):
    """Returns the root folder of a system without systemd, as in images of containers."""
    folder = cache / f"{suite}-container"
    if not folder.exists():
        new = cache / f"{folder.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        debootstrap(suite, CONTAINER_PACKAGES, new)
        new.rename(folder)
    return folder
