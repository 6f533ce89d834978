"""Where a device is: ``ssh://user@host:port?python=...&config=...``, and how ssh is told."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tfedge.core.errors import ArgumentError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]*")
_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
}


class Address(NamedTuple):
    """A device, and the Python to use there.

    Attributes:
        host: Name or number, or a name from the user's ssh config.
        user: Name there, None for what ssh's config says.
        port: Port of the ssh server, None for what ssh's config says.
        python: Python with NumPy and a runtime there; ``~/`` is the home there.
        config: A file for ``ssh -F`` in place of the user's own config.
    """

    host: str
    user: str | None = None
    port: int | None = None
    python: str = "python3"
    config: str | None = None

    @property
    def name(self) -> str:
        """The address as messages say it, and as ``ssh`` would take it."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def command(self, script: str) -> list[str]:
        """Return the ssh command that runs a script of a POSIX shell there.

        Host keys are checked, nothing is asked, and a connection that is silent for 15 s ends.
        """
        words = ["ssh", "-T", "-a", "-x"]
        words += [part for name, value in _OPTIONS.items() for part in ("-o", f"{name}={value}")]
        words += ["-F", self.config] if self.config else []
        words += ["-l", self.user] if self.user else []
        words += ["-p", str(self.port)] if self.port else []
        return [*words, "--", self.host, f"sh -c {shlex.quote(script)}"]

    def python_word(self) -> str:
        """Return the Python as a word of a shell script."""
        if self.python.startswith("~/"):
            return f'"$HOME"/{shlex.quote(self.python[2:])}'
        return shlex.quote(self.python)


def parse_address(text: str, python: str | None = None) -> Address:
    """Return the address in a text.

    Args:
        text: ``"ssh://host"``, with ``user@`` before and ``:port`` behind the host where needed,
            and ``?python=/path/to/python`` and ``config=/path/to/ssh_config``.
        python: Path of the Python there; goes before the one in the text.

    Raises:
        ArgumentError: If the text is no such address.

    Example:
        >>> parse_address("ssh://pi@kitchen:2222?python=~/edge/bin/python")
        Address(host='kitchen', user='pi', port=2222, python='~/edge/bin/python', config=None)
    """
    try:
        parts = urlsplit(text)
        host, user, port = _cased_host(parts), parts.username, parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except (AttributeError, TypeError, ValueError) as error:
        raise _refusal(text, str(error)) from error
    user = unquote(user) if user else None
    if parts.scheme != "ssh" or parts.path.strip("/") or parts.password or parts.fragment:
        raise _refusal(text, "keys take the place of passwords, and there is no path")
    if not host or not _HOST.fullmatch(host) or (user and not _NAME.fullmatch(user)):
        raise _refusal(text, "host or user is no name")
    if unknown := sorted(set(options) - {"python", "config"}):
        raise _refusal(text, f"{unknown[0]!r} is not known")
    chosen = python or options.get("python") or "python3"
    return Address(host, user, port, chosen, options.get("config"))


def _cased_host(parts: SplitResult) -> str:
    """Return the host as it was written: names in a config of ssh tell cases apart."""
    host, authority = parts.hostname or "", parts.netloc.rpartition("@")[2]
    return authority[: len(host)] if authority.lower().startswith(host) else host


def _refusal(text: object, why: str) -> ArgumentError:
    """Return the error for what is no address."""
    return ArgumentError(
        f"on={text!r} is not the address of a device ({why}). Write ssh://user@host, with :port "
        "and ?python=/path/to/python behind it where needed."
    )
