"""One word for what runs a file: ``"cpu"``, ``"gpu"``, ``"npu"``, ``"edgetpu"``, or a delegate."""

from __future__ import annotations

import ctypes.util
import os

from tfedge.core.checks import as_path
from tfedge.core.errors import ArgumentError, MissingPackageError

ACCELERATORS = ("cpu", "gpu", "npu", "edgetpu")
COMPILED = ("gpu", "npu")


def choose_accelerator(accelerator: str | os.PathLike, runtime: str) -> str:
    """Return what `open_interpreter` takes: one of ``"cpu"``, ``"gpu"``, ``"npu"``, or a library.

    Args:
        accelerator: ``"cpu"``; ``"gpu"`` or ``"npu"``, through LiteRT's CompiledModel;
            ``"edgetpu"``, through Coral's library; or the path of the library of a delegate.
        runtime: The runtime that runs the file, as `choose_runtime` returns it.

    Raises:
        ArgumentError: If there is no such word or file, or the runtime cannot drive it.
        MissingPackageError: If Coral's library is not installed.

    Example:
        >>> choose_accelerator("cpu", "litert")
        'cpu'
        >>> choose_accelerator("tpu", "litert")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: accelerator='tpu' is not known and no file. Choose ...
    """
    path = as_path("accelerator", accelerator)
    if accelerator == "cpu":
        return "cpu"
    if runtime == "micro":
        raise ArgumentError(
            f"accelerator={str(accelerator)!r} cannot be had with runtime='micro': tflite-micro "
            "runs its own kernels. Use another runtime, or accelerator='cpu'."
        )
    if accelerator in COMPILED:
        if runtime != "litert":
            raise ArgumentError(
                f"accelerator={accelerator!r} runs through LiteRT's CompiledModel; {runtime} has "
                'none. Use runtime="litert" (pip install ai-edge-litert), or pass the path of a '
                "delegate's library."
            )
        return str(accelerator)
    if accelerator == "edgetpu":
        return _edgetpu_library()
    if path.is_file():
        return str(path.resolve())
    raise ArgumentError(
        f"accelerator={str(accelerator)!r} is not known and no file. Choose one of "
        f"{', '.join(map(repr, ACCELERATORS))}, or the path of a delegate's library (.so)."
    )


def _edgetpu_library() -> str:
    """Return the library of Coral's delegate."""
    library = ctypes.util.find_library("edgetpu")
    if library:
        return library
    raise MissingPackageError(
        "accelerator='edgetpu' needs Coral's library libedgetpu, which is not installed. On Debian "
        "install libedgetpu1-std from Coral's package source (coral.ai/software), connect the "
        "Edge TPU, and compile the file with edgetpu_compiler. tfedge.check(lite, 'edgetpu') says "
        "which operators would run there."
    )
