"""The parent's side: every variant open in a worker of its own, opened again if it died."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from tfedge.core.errors import ModelError, WorkerError
from tfedge.runtime.accelerators.choose import choose_accelerator
from tfedge.runtime.adaptive.alike import Ports
from tfedge.runtime.adaptive.costs import Costs
from tfedge.runtime.adaptive.variant import Variant
from tfedge.runtime.feeds import decode, takes_real
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.interpreter import quiet_worker
from tfedge.runtime.refusals import too_old
from tfedge.runtime.worker import WorkerCallError

_OPEN = "tfedge.runtime.adaptive.session:open_rung"
_RUN = "tfedge.runtime.adaptive.session:run"
_ROUNDS = 7
_ATTEMPTS = 3


class Executor:
    """Runs requests on the variants of a ladder.

    Args:
        ladder: The variants.
        ports: Their inputs and outputs.
        runtime: An installed runtime.
        timeout_s: Seconds that one micro-batch may take, None for no limit.

    Attributes:
        restarts: How often the worker had to be started again.
    """

    def __init__(
        self,
        ladder: Sequence[Variant],
        ports: Sequence[Ports],
        runtime: str,
        timeout_s: float | None,
    ):
        self._ladder, self._ports, self._runtime = ladder, ports, runtime
        self._timeout_s = timeout_s
        self._settings = [
            {
                "runtime": runtime,
                "threads": variant.threads,
                "accelerator": choose_accelerator(variant.accelerator, runtime),
            }
            for variant in ladder
        ]
        self._batches = [variant.batch for variant in ladder]
        self._worker = quiet_worker("adaptive runner")
        self._pid: int | None = None
        self.restarts = 0

    def run(self, rung: int, requests: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        """Return the outputs for the samples of all requests, one after the other.

        Args:
            rung: The variant.
            requests: For each request one array per input, in the order of the best variant.

        Returns:
            float32 arrays, or whole numbers, in the order of the best variant's outputs.

        Raises:
            WorkerCallError: If the runtime failed, or the worker died.
            ModelError: If the file cannot be opened again.
        """
        ports = self._ports[rung]
        parts = [[arrays[place] for place in ports.inputs_in_file] for arrays in requests]
        found = self._called(rung, parts)
        return [
            decode(found[place], tensor)
            for place, tensor in zip(ports.outputs_in_file, ports.outputs, strict=True)
        ]

    def _called(
        self, rung: int, parts: list[list[np.ndarray]], attempts: int = _ATTEMPTS
    ) -> list[np.ndarray]:
        """Return the outputs; a worker that died before it was asked is nobody's fault."""
        self.open()
        try:
            return self._worker.call(_RUN, rung, parts, timeout=self._timeout_s)
        except WorkerCallError:
            raise
        except WorkerError:
            if attempts == 1:
                raise
        return self._called(rung, parts, attempts - 1)

    def open(self) -> None:
        """Open every variant, unless they are open; again if the worker dies meanwhile."""
        if self._worker.still(self._pid):
            return
        for attempt in range(_ATTEMPTS):
            self.restarts += self._pid is not None or attempt > 0
            rung = 0
            try:
                for rung in range(len(self._ladder)):
                    self._open_one(rung)
            except WorkerCallError as failure:
                self._blame(rung, failure, last=attempt + 1 == _ATTEMPTS)
            else:
                self._pid = self._worker.pid
                return

    def costs(self) -> Costs:
        """Return how long one sample, and a full micro-batch, take from here and back."""
        self.open()
        rungs = range(len(self._ladder))
        single = [self._took_ms(rung, 1) for rung in rungs]
        whole = [self._took_ms(rung, size) / size for rung, size in enumerate(self._batches)]
        return Costs(single, list(map(min, whole, single)), self._batches)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _open_one(self, rung: int) -> None:
        """Open one variant."""
        model = self._ladder[rung].file
        together = self._worker.call(
            _OPEN,
            rung,
            np.frombuffer(model.content, np.uint8),
            settings=self._settings[rung],
            inputs=model.inputs,
            stateful=any(tensor.variable for tensor in model.tensors()),
            batch=self._batches[rung],
        )
        if model.inputs[0].shape[0] > 1:
            self._batches[rung] = together

    def _blame(self, rung: int, failure: WorkerCallError, last: bool) -> None:
        """Raise for a variant that cannot be opened, or get ready to try again.

        The runtime may have died of micro-batches: one that never was open does without them.
        """
        name = self._ladder[rung].name
        if not failure.died:
            reason = too_old(str(failure), self._runtime) or str(failure)
            raise ModelError(f"{name!r} cannot be run: {reason}") from failure
        if last:
            raise WorkerError(f"{name!r} cannot be opened: {failure}") from failure
        if self._pid is None:
            self._batches[rung] = 1

    def _took_ms(self, rung: int, samples: int) -> float:
        """Return the median time of answering some requests of one sample, in ms."""
        tensors = self._ports[rung].inputs
        zeros = [np.zeros((1, *one.shape[1:]), _user_type(one)) for one in tensors]
        times = []
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            self.run(rung, [zeros] * samples)
            times.append(time.perf_counter() - start)
        return 1e3 * float(np.median(times))


def _user_type(tensor: TensorInfo) -> str:
    """Return the type of the values that users pass for an input."""
    return "float32" if takes_real(tensor) else tensor.dtype
