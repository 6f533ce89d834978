"""The first lines that run on a device: unpack, check what is there, begin to serve.

The shell makes a temporary folder and removes it when Python has ended, however that came about.
Python reads this program, and then the zip, from the connection: nothing lies on the device but
the folder. The program is plain enough for any Python 3, so that an old one can say that it is.
"""

from __future__ import annotations

from tfedge.runtime.remote.address import Address
from tfedge.runtime.remote.package import device_zip

NO_FOLDER = 73
OLD_PYTHON, NO_NUMPY = 74, 75

_SCRIPT = (
    "d=$(mktemp -d) || exit {no_folder}; "
    '{python} -u -c "import sys; s = sys.stdin.buffer; exec(s.read(int(s.readline())))" "$d"; '
    's=$?; rm -rf "$d"; exit $s'
)

_PROGRAM = f"""
import io, os, sys, zipfile
if sys.version_info < (3, 10):
    sys.stderr.write("Python %d.%d at %s" % (sys.version_info[:2] + (sys.executable,)))
    sys.exit({OLD_PYTHON})
try:
    import numpy
except ImportError:
    sys.stderr.write(sys.executable)
    sys.exit({NO_NUMPY})
zipfile.ZipFile(io.BytesIO(s.read(int(s.readline())))).extractall(sys.argv[1])
sys.path.insert(0, sys.argv[1])
from tfedge.runtime.remote.serve import serve
serve(sys.argv[1])
""".encode()


def shell_script(address: Address) -> str:
    """Return what the shell of the device runs.

    Example:
        >>> "mktemp" in shell_script(Address("pi"))
        True
    """
    return _SCRIPT.format(no_folder=NO_FOLDER, python=address.python_word())


def first_bytes() -> bytes:
    """Return what Python there reads before any message: this program, then the zip.

    Example:
        >>> first_bytes().splitlines()[0].isdigit()
        True
    """
    content = device_zip()
    return b"%d\n%s%d\n%s" % (len(_PROGRAM), _PROGRAM, len(content), content)
