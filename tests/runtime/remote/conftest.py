"""A device: an sshd of our own on the loopback address, with a Python that has no TensorFlow."""

import contextlib
import getpass
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tfedge.runtime.remote.device import RemoteDevice

_SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
LogLevel ERROR
SetEnv TMPDIR={folder}/tmp
"""

_CLIENT = """
Host *
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    IdentityFile {folder}/key
    IdentitiesOnly yes
    IdentityAgent none
"""


class Sshd:
    """An ssh server of the current user, its keys and what a client needs to know."""

    def __init__(self, folder, program):
        self.folder, self.port, self.temporary = folder, _free_port(), folder / "tmp"
        self.temporary.mkdir()
        for name in ("host_key", "key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True, timeout=30)
        shutil.copy(folder / "key.pub", folder / "authorized_keys")
        host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}\n")
        (folder / "server").write_text(_SERVER.format(port=self.port, folder=folder))
        self.config = folder / "client"
        self.config.write_text(_CLIENT.format(folder=folder))
        command = [program, "-D", "-e", "-f", str(folder / "server")]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)

    def wait(self):
        """Return whether the server answers within ten seconds."""
        for _ in range(100):
            if self.process.poll() is not None:
                return False
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            time.sleep(0.1)
        return False

    def address(self, python="python3", config=None, port=None):
        """Return the address of this device."""
        where = f"{getpass.getuser()}@127.0.0.1:{port or self.port}"
        return f"ssh://{where}?python={python}&config={config or self.config}"

    def processes(self):
        """Return the ids of the processes that work in temporary folders of this device."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if str(self.temporary).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return sorted(found)

    def serving(self):
        """Return the id of the Python that serves; the others are its workers."""
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.processes()}
        (found,) = (pid for pid, command in commands.items() if b"s.readline" in command)
        return found

    def is_clean(self, seconds=10):
        """Return whether within some seconds nothing is left on the device."""
        for _ in range(10 * seconds):
            if not self.processes() and not list(self.temporary.iterdir()):
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        """End the server."""
        self.process.kill()
        self.process.wait()


def _free_port():
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    """The server, or a skip that says why there is none."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
        pytest.skip("needs sshd, ssh and ssh-keygen (Debian: openssh-server, openssh-client)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = Sshd(tmp_path_factory.mktemp("sshd"), program)
    if not server.wait():
        server.stop()
        pytest.skip(f"sshd does not start: {(server.folder / 'log').read_text()[-300:]}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def environment():
    """A function that makes environments."""
    return _environment


def _environment(*requirements):
    """Return the Python of an environment with these packages alone, or skip; kept between runs."""
    key = hashlib.sha256(repr(("bare", sys.version, requirements)).encode()).hexdigest()[:12]
    folder = Path.home() / ".cache" / "tfedge-tests" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # one process makes it, the others wait
        if not (folder / "done").exists():
            _install(folder, requirements)
            (folder / "done").touch()
    return folder / "bin" / "python"


def _install(folder, requirements):
    """Make an environment with these packages, or skip the test saying why."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        reason = ran.stderr.strip().splitlines()[-1:] or ["no reason given"]
        pytest.skip(f"pip cannot install {requirements}: {reason[0]}")


@pytest.fixture(scope="session")
def device_python(environment):
    """A Python with NumPy and LiteRT, without TensorFlow and without tfedge."""
    return environment("numpy", "ai-edge-litert")


@pytest.fixture
def remote(sshd, device_python):
    """The device, connected at its first use and closed after the test."""
    with RemoteDevice(sshd.address(device_python)) as device:
        yield device
