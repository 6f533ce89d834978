"""What a file says about itself, read once by a worker: a bad file cannot harm the caller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.runtime.graph import OperatorInfo, TensorInfo, numeric_type
from tfedge.runtime.interpreter import choose_runtime, interpreter_worker
from tfedge.runtime.refusals import too_old
from tfedge.runtime.worker import WorkerCallError

_IDENTIFIER = b"TFL3"
_PATIENCE_SECONDS = 60.0
_PRIMARY = "serving_default"


@dataclass(frozen=True)
class Facts:
    """Tensors, operators, inputs, outputs and signatures of a file."""

    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorInfo, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    outputs_in_file: tuple[TensorInfo, ...]
    signatures: tuple[str, ...]


def read_facts(content: bytes, name: str) -> Facts:
    """Return the facts of a file.

    Raises:
        ModelError: If these bytes are not a ``.tflite`` file that the runtime can read.
    """
    check_identifier(content, name)
    found = inspect_file("describe", content, name)
    tensors = {item["index"]: TensorInfo(**item) for item in found["tensors"]}
    inputs, outputs = _names(found["signatures"])
    in_file = [_renamed(tensors[index], outputs) for index in found["outputs"]]
    return Facts(
        tensors=tuple(tensors.values()),
        operators=tuple(_operator_info(item, tensors) for item in found["operators"]),
        inputs=tuple(_renamed(tensors[index], inputs) for index in found["inputs"]),
        outputs=_in_order(in_file),
        outputs_in_file=tuple(in_file),
        signatures=tuple(found["signatures"]),
    )


def check_identifier(content: bytes, name: str) -> None:
    """Raise unless the bytes begin as a ``.tflite`` file does."""
    if not content:
        raise ModelError(f"{name!r} is empty (0 bytes); expected the bytes of a .tflite file.")
    if len(content) < 16 or content[4:8] != _IDENTIFIER:
        raise ModelError(
            f"{name!r} is not a .tflite file: {len(content)} bytes whose identifier at bytes 4 to "
            f"7 is {content[4:8]!r}, expected {_IDENTIFIER!r}. Pass a file that a TensorFlow Lite "
            "or LiteRT converter wrote."
        )


def inspect_file(what: str, content: bytes, name: str, *args: Any) -> Any:
    """Run one function of `tfedge.runtime.inspection` on a file, in the worker.

    Raises:
        ModelError: If the interpreter refuses the file, dies of it or does not come back.
    """
    runtime = choose_runtime()
    target = f"tfedge.runtime.inspection:{what}"
    try:
        return interpreter_worker(runtime).call(
            target, np.frombuffer(content, np.uint8), runtime, *args, timeout=_PATIENCE_SECONDS
        )
    except WorkerCallError as failure:
        if reason := too_old(str(failure), runtime):
            raise ModelError(f"{name!r} cannot be read: {reason}") from failure
        how = f"killed the {runtime} interpreter" if failure.died else f"was refused by {runtime}"
        reason = failure.kind if failure.died else str(failure)
        raise ModelError(
            f"{name!r} ({len(content)} bytes) {how}: {reason}. The file may be cut short or "
            "damaged, or use operators that this runtime does not know. Convert or copy it again."
        ) from failure


def _names(signatures: dict) -> tuple[dict[int, str], dict[int, str]]:
    """Return the names that the main signature gives to tensors, by index."""
    if not signatures:
        return {}, {}
    main = signatures.get(_PRIMARY) or next(iter(signatures.values()))
    inputs = {index: name for name, index in main["inputs"].items()}
    outputs = {index: name for name, index in main["outputs"].items()}
    return inputs, outputs


def _renamed(tensor: TensorInfo, names: dict[int, str]) -> TensorInfo:
    """Return a tensor under the name that users know it by."""
    short = re.sub(r"^serving_default_(.*):\d+$", r"\1", tensor.name)
    values = {**tensor.__dict__, "name": names.get(tensor.index, short)}
    return TensorInfo(**values)


def _in_order(outputs: list[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return outputs as the model listed them: Keras numbers them, the file may shuffle them."""
    numbers = [re.fullmatch(r"output_(\d+)", tensor.name) for tensor in outputs]
    if all(numbers):
        return tuple(sorted(outputs, key=lambda tensor: int(tensor.name[7:])))
    return tuple(outputs)


def _operator_info(item: dict[str, Any], tensors: dict[int, TensorInfo]) -> OperatorInfo:
    """Return an operator with names and shapes filled in."""
    read = [tensors[index] for index in item["inputs"] if index in tensors]
    written = [tensors[index] for index in item["outputs"] if index in tensors]
    return OperatorInfo(
        **item,
        numeric_type=numeric_type(item["name"], read, written),
        output=written[0].name if written else "",
        input_shapes=tuple(tensor.shape for tensor in read),
        output_shapes=tuple(tensor.shape for tensor in written),
    )
