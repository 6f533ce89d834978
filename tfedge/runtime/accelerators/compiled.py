"""LiteRT's CompiledModel with the face of an interpreter, for GPUs and NPUs.

On a CPU it computes the same values as the interpreter and takes some microseconds more for each
run, so that it is used where the interpreter cannot go. It has no scales and zero points: those
come from an interpreter that reads the file and runs nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError


class CompiledInterpreter:
    """A compiled file; inputs and outputs are named by tensor index, as in an interpreter.

    Args:
        reader: An interpreter of the same file, not allocated.
        file: Bytes or path of the file.
        accelerator: ``"cpu"``, ``"gpu"`` or ``"npu"``; operators that do not run on a GPU or NPU
            run on the CPU.
        threads: Threads for what runs on the CPU.
    """

    def __init__(self, reader: Any, file: bytes | str, accelerator: str, threads: int):
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.cpu_options import CpuOptions
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
        from ai_edge_litert.options import Options

        wanted = getattr(HardwareAccelerator, accelerator.upper()) | HardwareAccelerator.CPU
        options = Options(hardware_accelerators=wanted, cpu_options=CpuOptions(num_threads=threads))
        make = CompiledModel.from_file if isinstance(file, str) else CompiledModel.from_buffer
        try:
            self._model = make(file, options=options)
        except RuntimeError as error:
            raise ModelError(
                f"LiteRT cannot compile this file for accelerator={accelerator!r} on this machine: "
                f"{str(error).splitlines()[-1].strip()} GPUs need a driver that WebGPU or OpenCL "
                "can use, NPUs their vendor's library. Use accelerator='cpu' otherwise."
            ) from error
        self._reader = reader
        self._inputs = self._buffers(
            reader.get_input_details(), self._model.create_input_buffers(0)
        )
        self._outputs = self._buffers(
            reader.get_output_details(), self._model.create_output_buffers(0)
        )

    @staticmethod
    def _buffers(details: list[dict], buffers: list[Any]) -> dict[int, tuple[dict, Any]]:
        """Return details and buffer of each input or output by the index of its tensor."""
        pairs = zip(details, buffers, strict=True)
        return {int(item["index"]): (item, buffer) for item, buffer in pairs}

    def get_input_details(self) -> list[dict]:
        """Return the inputs, as the interpreter describes them."""
        return self._reader.get_input_details()

    def get_output_details(self) -> list[dict]:
        """Return the outputs, as the interpreter describes them."""
        return self._reader.get_output_details()

    def allocate_tensors(self) -> None:
        """Do nothing: buffers were made when the file was compiled."""

    def reset_all_variables(self) -> None:
        """Refuse: states that live on between runs cannot be cleared in a compiled file."""
        raise ModelError(
            "This file keeps states between runs, which a compiled file cannot clear. Use "
            "accelerator='cpu'."
        )

    def resize_tensor_input(self, index: int, shape: tuple[int, ...], strict: bool = False) -> None:
        """Refuse another shape than the file's own: it was compiled for that one."""
        if tuple(self._inputs[index][0]["shape"]) != tuple(shape):
            raise ValueError(f"compiled for {tuple(self._inputs[index][0]['shape'])}, not {shape}")

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        """Copy an input into its buffer."""
        self._inputs[index][1].write(np.ascontiguousarray(value))

    def invoke(self) -> None:
        """Run once."""
        inputs = [buffer for _, buffer in self._inputs.values()]
        outputs = [buffer for _, buffer in self._outputs.values()]
        self._model.run_by_index(0, inputs, outputs)

    def get_tensor(self, index: int) -> np.ndarray:
        """Return an output."""
        item, buffer = self._outputs[index]
        count = math.prod(map(int, item["shape"]))
        return np.asarray(buffer.read(count, item["dtype"])).reshape(item["shape"])
