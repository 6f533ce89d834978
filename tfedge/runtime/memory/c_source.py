"""A file as C source for tflite-micro: the bytes, what a program must know, its operators."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np

from tfedge._version import __version__
from tfedge.core.checks import as_path
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.files import write_together
from tfedge.runtime.costs import tensor_bytes
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.memory.arena import ALIGNMENT_BYTES
from tfedge.runtime.memory.memory import memory
from tfedge.runtime.micro_operators import MICRO_OPERATORS
from tfedge.runtime.model import TFLiteModel

_ALIGN = {".c": "_Alignas", ".cc": "alignas", ".cpp": "alignas", ".cxx": "alignas"}
_BYTES = [f"0x{value:02x}," for value in range(256)]
_PER_LINE = 16

_SOURCE = Template("""\
// Written by tfedge $version from the file '$model'. SHA-256: $digest
#include "$stem.h"

$align($alignment) const unsigned char ${symbol}_data[] = {
$bytes
};
const unsigned int ${symbol}_data_len = ${length}u;
""")

_HEADER = Template("""\
// Written by tfedge $version from the file '$model'. SHA-256: $digest
#ifndef ${macro}_H_
#define ${macro}_H_

#ifdef __cplusplus
extern "C" {
#endif

// The .tflite file, on whole $alignment bytes.
extern const unsigned char ${symbol}_data[];
extern const unsigned int ${symbol}_data_len;

#ifdef __cplusplus
}
#endif

$arena
$tensors
#endif  // ${macro}_H_
""")

_OPERATORS = Template("""\
// Written by tfedge $version from the file '$model'. SHA-256: $digest
#ifndef ${macro}_OPS_H_
#define ${macro}_OPS_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using ${camel}OpResolver = tflite::MicroMutableOpResolver<$count>;

// Registers the operators of the file, and no others.
inline TfLiteStatus ${camel}RegisterOps(${camel}OpResolver& resolver) {
$calls
  return kTfLiteOk;
}

#endif  // ${macro}_OPS_H_
""")


def write_c(lite: TFLiteModel, path: str | os.PathLike) -> tuple[Path, Path, Path]:
    """Write a file as C source with two headers; `TFLiteModel.to_c` calls it.

    Args:
        lite: The file.
        path: Where the source goes, ``.cc``, ``.cpp``, ``.cxx`` or ``.c``.

    Returns:
        The source, its header, and the header that registers operators.

    Raises:
        ArgumentError: If the path has another ending.
        ModelError: If tflite-micro lacks an operator of the file, or the files cannot be written.

    Example:
        >>> import tempfile
        >>> from tfedge.runtime.sample import sample_model
        >>> paths = write_c(sample_model(), f"{tempfile.mkdtemp()}/half.cc")
        >>> [path.name for path in paths]
        ['half.cc', 'half.h', 'half_ops.h']
        >>> "resolver.AddMul()" in paths[2].read_text()
        True
    """
    path = as_path("path", path)
    if path.suffix not in _ALIGN:
        raise ArgumentError(
            f"to_c writes C or C++ source, and {path.name!r} ends in {path.suffix!r}. Choose a "
            f"name that ends in one of {', '.join(_ALIGN)}."
        )
    if not re.fullmatch(r"[\w .+-]+", path.stem):
        raise ArgumentError(
            f"The name {path.name!r} cannot stand in an #include. Use letters, digits, '_' and '-'."
        )
    names = sorted({operator.name for operator in lite.operators})
    if lacking := [name for name in names if name not in MICRO_OPERATORS]:
        raise ModelError(
            f"tflite-micro cannot run {lite.name!r}: it has no {', '.join(lacking)}. Nothing was "
            "written. tfedge.check(model, 'micro') has the whole list; replace these layers."
        )
    header, operators = path.with_suffix(".h"), path.with_name(f"{path.stem}_ops.h")
    known = _known(lite, path, names)
    files = {path: _SOURCE, header: _HEADER, operators: _OPERATORS}
    try:
        write_together({where: text.substitute(known).encode() for where, text in files.items()})
    except OSError as error:
        raise ModelError(
            f"Cannot write {str(path)!r} and its headers: {error.strerror}. Nothing was changed. "
            "Choose a folder that exists, can be written and has room."
        ) from error
    return path, header, operators


def _known(lite: TFLiteModel, path: Path, names: Sequence[str]) -> dict[str, str | int]:
    """Return what the templates are filled with."""
    symbol = re.sub(r"\W", "_", path.stem, flags=re.ASCII)
    symbol = f"model_{symbol}" if symbol[:1].isdigit() else symbol
    macro = symbol.upper()
    camel = "".join(part[:1].upper() + part[1:] for part in symbol.split("_"))
    calls = [f"  TF_LITE_ENSURE_STATUS(resolver.{MICRO_OPERATORS[name]}());" for name in names]
    return {
        "version": __version__,
        "model": _comment(lite.name),
        "digest": lite.digest,
        "stem": path.stem,
        "symbol": symbol,
        "macro": macro,
        "camel": camel,
        "align": _ALIGN[path.suffix],
        "alignment": ALIGNMENT_BYTES,
        "bytes": _listed(lite.content),
        "length": lite.size_bytes,
        "arena": _arena(lite, macro),
        "tensors": _tensors("INPUT", lite.inputs, macro)
        + _tensors("OUTPUT", lite.outputs_in_file, macro),
        "count": max(len(names), 1),
        "calls": "\n".join(calls),
    }


def _listed(content: bytes) -> str:
    """Return bytes as hexadecimal numbers, sixteen in a line."""
    lines = (content[n : n + _PER_LINE] for n in range(0, len(content), _PER_LINE))
    return "\n".join("  " + " ".join(_BYTES[value] for value in line) for line in lines)


def _arena(lite: TFLiteModel, macro: str) -> str:
    """Return what is known of the arena, as macros."""
    needs = memory(lite)
    planned = needs.arena_bytes + needs.state_bytes
    lines = [
        "// Activations and states, as planned. The arena must hold tflite-micro's structures too.",
        f"#define {macro}_ACTIVATION_BYTES {planned}",
    ]
    if needs.micro is not None:
        lines += [
            f"// The arena in which tflite-micro {needs.micro.version} starts on a "
            f"{8 * needs.micro.pointer_bytes}-bit computer; 32 bits need less.",
            f"#define {macro}_ARENA_BYTES {needs.micro.required_bytes}",
        ]
    return "\n".join([*lines, ""])


def _tensors(kind: str, tensors: Sequence[TensorInfo], macro: str) -> str:
    """Return inputs or outputs in the order in which the interpreter has them, as macros."""
    lines = [f"#define {macro}_{kind}S {len(tensors)}"]
    for number, one in enumerate(tensors):
        name = f"{macro}_{kind}_{number}"
        lines += [
            f"// {kind.lower()} {number}: {_comment(one.name)}, {one.dtype}, "
            f"shape {' x '.join(map(str, one.shape)) or 'scalar'}",
            f"#define {name}_VALUES {math.prod(one.shape)}",
            f"#define {name}_BYTES {tensor_bytes(one)}",
        ]
        if isinstance(one.scale, float):
            lines += [
                f"#define {name}_SCALE {_literal(one.scale)}",
                f"#define {name}_ZERO_POINT ({one.zero_point})",
            ]
    return "\n".join([*lines, ""])


def _comment(text: str) -> str:
    """Return a name as it can stand in a comment."""
    return re.sub(r"[^\w ./:;-]", "_", text, flags=re.ASCII)


def _literal(value: float) -> str:
    """Return a number as a C float that reads back as the same float32."""
    text = np.format_float_scientific(np.float32(value), unique=True)
    return f"{text}f"
