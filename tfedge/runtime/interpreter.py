"""The interpreters that can run a ``.tflite`` file: which are installed, and how one is opened.

Interpreters clash with each other and with TensorFlow inside one process, so each lives in a
worker process of its own; only the worker imports it.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, NamedTuple

from tfedge.core.checks import one_of
from tfedge.core.errors import MissingPackageError, ModelError
from tfedge.runtime.worker import Worker, shared_worker


class _Source(NamedTuple):
    """Where an interpreter comes from: top package, module of the class, name for pip."""

    package: str
    module: str
    pip_name: str


_SOURCES = {
    "litert": _Source("ai_edge_litert", "ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": _Source("tflite_runtime", "tflite_runtime.interpreter", "tflite-runtime"),
    "tf.lite": _Source("tensorflow", "tensorflow.lite.python.interpreter", "tensorflow"),
}
_MICRO = _Source("tflite_micro", "tflite_micro.python.tflite_micro.runtime", "tflite-micro")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}

RUNTIMES = tuple(_SOURCES)


def available_runtimes() -> tuple[str, ...]:
    """Return the runtimes that are installed, the preferred one first. Imports none of them.

    tflite-micro is none of these: it is taken where it is asked for by name, ``"micro"``.

    Returns:
        Some of ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``.

    Example:
        >>> set(available_runtimes()) <= {"litert", "tflite-runtime", "tf.lite"}
        True
    """
    found = (importlib.util.find_spec(source.package) for source in _SOURCES.values())
    return tuple(name for name, spec in zip(_SOURCES, found, strict=True) if spec is not None)


def choose_runtime(runtime: str = "auto", micro: bool = False) -> str:
    """Return the runtime to use.

    Args:
        runtime: ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"auto"`` for the first
            of these that is installed.
        micro: Whether ``"micro"``, the interpreter of tflite-micro, will do as well.

    Returns:
        The name of an installed runtime.

    Raises:
        ArgumentError: If the name is not known.
        MissingPackageError: If that runtime, or with ``"auto"`` any, is not installed.

    Example:
        >>> choose_runtime("auto") in available_runtimes()
        True
    """
    one_of("runtime", runtime, ("auto", *RUNTIMES, *(("micro",) if micro else ())))
    if runtime == "micro":
        return _micro()
    installed = available_runtimes()
    if runtime in installed:
        return runtime
    if runtime == "auto" and installed:
        return installed[0]
    wanted = _SOURCES["litert" if runtime == "auto" else runtime].pip_name
    found = ", ".join(installed) or "none"
    raise MissingPackageError(
        f"runtime={runtime!r} needs a package that is not installed (installed runtimes: "
        f"{found}). Install it with: pip install {wanted}"
    )


def _micro() -> str:
    """Return the name of tflite-micro's interpreter, if it is installed."""
    if importlib.util.find_spec(_MICRO.package) is None:
        raise MissingPackageError(
            "runtime='micro' needs tflite-micro, which is not installed. Install it with: "
            "pip install 'tfedge[micro]' (Linux on x86-64)."
        )
    return "micro"


def pip_name(runtime: str) -> str:
    """Return the name under which pip knows a runtime.

    Example:
        >>> pip_name("litert")
        'ai-edge-litert'
    """
    return _source(runtime).pip_name


def _source(runtime: str) -> _Source:
    """Return where a runtime comes from."""
    return _MICRO if runtime == "micro" else _SOURCES[runtime]


def interpreter_worker(runtime: str) -> Worker:
    """Return the one worker process that holds interpreters of this runtime.

    Example:
        >>> interpreter_worker("litert") is interpreter_worker("litert")
        True
    """
    return shared_worker(f"{runtime} interpreter", _QUIET)


def quiet_worker(name: str) -> Worker:
    """Return a worker of one's own for interpreters, which end with it.

    Example:
        >>> quiet_worker("example").alive
        False
    """
    return Worker(name, _QUIET)


def runtime_module(runtime: str) -> Any:
    """Import the module of a runtime's interpreter, which must happen in a worker."""
    return importlib.import_module(_source(runtime).module)


def open_interpreter(
    runtime: str,
    file: bytes | str,
    *,
    threads: int = 1,
    accelerator: str = "cpu",
    delegates: bool = True,
    keep: bool = False,
) -> Any:
    """Open a file in this very process, which must be a worker.

    Args:
        runtime: An installed runtime, as `choose_runtime` returns it.
        file: The bytes of a ``.tflite`` file, or the path of one.
        threads: Threads that kernels may use.
        accelerator: As `tfedge.runtime.accelerators.choose.choose_accelerator` returns it.
        delegates: Whether XNNPACK may take operators over, as it does on a device.
        keep: Whether every intermediate tensor stays readable after a run.

    Returns:
        An interpreter whose tensors are not allocated yet.

    Raises:
        ModelError: If the accelerator cannot be had, or does not take the file.
    """
    if runtime == "micro":
        from tfedge.runtime.micro import MicroInterpreter

        return MicroInterpreter(file, threads)
    module = runtime_module(runtime)
    kind, library = module.OpResolverType, accelerator not in ("cpu", "gpu", "npu")
    settings = {
        **({"model_path": file} if isinstance(file, str) else {"model_content": file}),
        "num_threads": threads,
        "experimental_op_resolver_type": (
            kind.AUTO if delegates else kind.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
        "experimental_preserve_all_tensors": keep,
    }
    if library:
        return _delegated(module, accelerator, settings)
    interpreter = module.Interpreter(**settings)
    if accelerator == "cpu":
        return interpreter
    from tfedge.runtime.accelerators.compiled import CompiledInterpreter

    return CompiledInterpreter(interpreter, file, accelerator, threads)


def _delegated(module: Any, library: str, settings: dict[str, Any]) -> Any:
    """Return an interpreter with the delegate in a library."""
    delegate = _delegate(module, library)
    try:
        return module.Interpreter(**settings, experimental_delegates=[delegate])
    except RuntimeError as error:
        raise ModelError(
            f"The delegate {library!r} refused the file: {str(error).strip() or 'without a word'}. "
            "Most delegates take only files whose tensors all have constant sizes: convert with a "
            "fixed input shape. tfedge.check lists what an Edge TPU or a GPU takes."
        ) from error


def _delegate(module: Any, library: str) -> Any:
    """Return the delegate in a library."""
    try:
        return module.load_delegate(library)
    except (OSError, ValueError) as error:
        said = str(error).strip() or "it gave no reason"
        raise ModelError(
            f"The delegate {library!r} cannot be loaded: {said}. Is its device connected, and is "
            "the library made for this processor?"
        ) from error
