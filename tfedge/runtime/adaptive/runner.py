"""`AdaptiveRunner`: requests in, answers out, by the variant that fits the moment."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError
from tfedge.runtime.adaptive.alike import ports
from tfedge.runtime.adaptive.engine import Engine
from tfedge.runtime.adaptive.executor import Executor
from tfedge.runtime.adaptive.governor import Governor
from tfedge.runtime.adaptive.log import AdaptiveLog
from tfedge.runtime.adaptive.policy import Policy, as_policy, number
from tfedge.runtime.adaptive.readings import Readings
from tfedge.runtime.adaptive.scheduler import Request, Scheduler
from tfedge.runtime.adaptive.sensors import Reading
from tfedge.runtime.adaptive.variant import Variant, as_ladder
from tfedge.runtime.adaptive.window import Window
from tfedge.runtime.feeds import arrange, checked
from tfedge.runtime.interpreter import choose_runtime

_LONGEST_WAIT_MS = 60_000.0
_LONGEST_RUN_S = 86_400.0
_QUANTILE = 0.99


class AdaptiveRunner:
    """Several files of one model as one function, answered by the one that fits the moment.

    Requests wait in a queue. Before each run the policy chooses the variant, and as many requests
    as it takes together are answered at once. All samples of a request are answered by one variant.
    Every request is answered: if the worker process dies, it is started again and the requests
    that it held are run once more, each alone; only one that fails again bears the error.

    All variants are open all the time, in one worker process of their own, so that a switch
    costs nothing. They are timed when they are opened, and again with every request.

    Args:
        variants: From the cheapest to the best: a list of `tfedge.adaptive.Variant`, or of
            `TFLiteModel`, paths or bytes. It begins with the last.
        policy: What chooses: one of `tfedge.adaptive`, an object of one's own class, or a list, of
            which the most cautious decides. None stays with the best.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"`` or ``"tf.lite"``.
        max_delay_ms: How long a request may wait for others to fill a micro-batch. With 0 those
            run together that came while the runtime was busy.
        window_s: Seconds over which latency and rate are counted.
        quantile: Which quantile of the latency policies see; None for that of a `LatencyTarget`,
            else 0.99.
        sensors: Functions without arguments by name of the signal, as ``{"power_w": meter.read}``.
            They go before the machine's own; other names are for policies of one's own.
        timeout_s: Seconds after which a run is taken for hung and the worker is ended.
        clock: Returns seconds; only differences count.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If a file cannot be read or run, or the variants are not alike.
        DeviceError: If a policy reads a sensor that this machine does not have.
        MissingPackageError: If a runtime, or psutil where it is needed, is not installed.

    Example:
        >>> from tfedge.adaptive import LatencyTarget
        >>> from tfedge.runtime.sample import sample_model
        >>> small = large = sample_model()
        >>> with AdaptiveRunner([small, large], LatencyTarget(20.0)) as runner:
        ...     future = runner.submit(np.array([[2.0, 4.0, 6.0]]))
        ...     runner.predict(np.array([[8.0, 8.0, 8.0]]))
        ...     future.result()
        array([[4., 4., 4.]], dtype=float32)
        array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(
        self,
        variants: Sequence[Variant | Any],
        policy: Policy | Sequence[Policy] | None = None,
        *,
        runtime: str = "auto",
        max_delay_ms: float = 0.0,
        window_s: float = 1.0,
        quantile: float | None = None,
        sensors: Mapping[str, Callable[[], Reading]] | None = None,
        timeout_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        _check_times(max_delay_ms, window_s, timeout_s, clock)
        chosen = as_policy(policy)
        quantile = _quantile(chosen) if quantile is None else quantile
        within("quantile", quantile, 0.0, 1.0, open_high=True)
        self.variants = as_ladder(variants)
        readings = Readings(chosen.reads, sensors)
        found = ports(self.variants)
        self._inputs, self._outputs = found[-1].inputs, found[-1].outputs
        executor = Executor(self.variants, found, choose_runtime(runtime), timeout_s)
        governor = Governor(chosen, [variant.name for variant in self.variants], clock())
        window = Window(window_s, quantile)
        energy = [variant.energy_uj for variant in self.variants]
        try:
            costs, delay_s = executor.costs(), max_delay_ms / 1e3
            scheduler = Scheduler(governor, costs, window, readings.at, energy, delay_s)
            chosen.decide(governor.known(scheduler.signals(clock())), governor.rung)
        except BaseException:
            executor.close()
            raise
        self._clock = clock
        self._engine = Engine(scheduler, executor, clock)
        self._finalizer = weakref.finalize(self, Engine.close, self._engine)

    def __enter__(self) -> AdaptiveRunner:
        """Return the runner itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Answer what waits, then end the worker."""
        self.close()

    def __call__(self, x: Any) -> Any:
        """Return the outputs for samples, as :meth:`predict`: for `tfedge.evaluate`."""
        return self.predict(x)

    def predict(self, x: Any) -> Any:
        """Return the outputs for samples, as one request.

        Args:
            x: One array with samples along the first axis, or arrays by input name. Real values,
                as the Keras model takes them.

        Returns:
            float32 array of the output, one entry per sample, or such arrays by output name.

        Raises:
            DataError: If the arrays do not fit the inputs.
            WorkerError: If the worker died twice over this request, or the runner was closed.
        """
        return self._asked(x, copy=False).result()

    def submit(self, x: Any) -> Future:
        """Put a request into the queue and return at once.

        Args:
            x: As :meth:`predict` takes it. It is copied, and may be used again.

        Returns:
            A `concurrent.futures.Future` of what :meth:`predict` returns. It can be cancelled
            while it waits.

        Raises:
            DataError: If the arrays do not fit the inputs. Nothing was queued then.
            WorkerError: If the runner was closed.
        """
        return self._asked(x, copy=True)

    @property
    def variant(self) -> Variant:
        """The variant in use."""
        return self.variants[self._engine.rung]

    @property
    def decisions(self) -> AdaptiveLog:
        """What was decided so far: an :class:`AdaptiveLog` with ``to_pandas()`` and ``plot()``."""
        return self._engine.log(self._clock())

    def close(self) -> None:
        """Answer what waits, then end the worker. Requests that come later are refused."""
        self._finalizer()

    def _asked(self, x: Any, copy: bool) -> Future:
        """Put samples into the queue."""
        arrays = [
            _kept(checked(array, tensor), copy)
            for array, tensor in zip(arrange(x, self._inputs), self._inputs, strict=True)
        ]
        return self._engine.add(Request(arrays, self._clock(), names=self._names))

    @property
    def _names(self) -> tuple[str, ...]:
        """Names of the outputs if there are several."""
        names = tuple(tensor.name for tensor in self._outputs)
        return names if len(names) > 1 else ()


def _check_times(max_delay_ms: Any, window_s: Any, timeout_s: Any, clock: Any) -> None:
    """Raise for a time that cannot be, and for a clock that is none."""
    within("max_delay_ms", max_delay_ms, 0.0, _LONGEST_WAIT_MS)
    number("window_s", window_s, least=0.0, open_low=True)
    if timeout_s is not None:
        number("timeout_s", timeout_s, least=0.0, open_low=True)
        within("timeout_s", timeout_s, 0.0, _LONGEST_RUN_S)
    if not callable(clock):
        raise ArgumentError(f"clock={clock!r} must be a function that returns seconds.")


def _quantile(policy: Policy) -> float:
    """Return the highest quantile that a policy looks at."""
    members = getattr(policy, "policies", (policy,))
    found = [m.quantile for m in members if hasattr(m, "quantile")]
    return max(found, default=_QUANTILE)


def _kept(array: np.ndarray, copy: bool) -> np.ndarray:
    """Return an array that the caller cannot change while it waits."""
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        return array.astype(np.float32)
    return array.copy() if copy else array
