"""The thread that answers requests, and never leaves one without an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np

from tfedge.core.errors import ModelError, WorkerError
from tfedge.runtime.adaptive.executor import Executor
from tfedge.runtime.adaptive.governor import logger
from tfedge.runtime.adaptive.log import AdaptiveLog
from tfedge.runtime.adaptive.scheduler import Batch, Request, Scheduler
from tfedge.runtime.worker import WorkerCallError


class Engine:
    """Takes requests from any thread and answers them from one of its own.

    Args:
        scheduler: Which requests run next.
        executor: What runs them.
        clock: Returns seconds.
    """

    def __init__(self, scheduler: Scheduler, executor: Executor, clock: Callable[[], float]):
        self._scheduler, self._executor, self._clock = scheduler, executor, clock
        self._changed = threading.Condition()
        self._closed = False
        self._failures = 0
        self._thread = threading.Thread(target=self._serve, name="tfedge-adaptive", daemon=True)
        self._thread.start()

    @property
    def rung(self) -> int:
        """The variant in use."""
        return self._scheduler.governor.rung

    def add(self, request: Request) -> Future:
        """Put a request into the queue."""
        with self._changed:
            if self._closed:
                raise WorkerError("This AdaptiveRunner was closed; make a new one.")
            self._scheduler.add(request)
            self._changed.notify_all()
        return request.future

    def log(self, now: float) -> AdaptiveLog:
        """Return what happened so far."""
        with self._changed:
            governor = self._scheduler.governor
            return AdaptiveLog(
                variants=governor.names,
                decisions=tuple(governor.decisions),
                samples=dict(zip(governor.names, self._scheduler.samples, strict=True)),
                seconds=now - governor.began_s,
                restarts=self._executor.restarts,
                failures=self._failures,
            )

    def close(self) -> None:
        """Refuse new requests, answer those that wait, and end the worker."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _serve(self) -> None:
        """Answer requests until the runner is closed and none waits."""
        try:
            while (batch := self._next()) is not None:
                self._answer(batch)
        finally:
            self._leave()

    def _leave(self) -> None:
        """End the worker; requests still wait only if this thread fails, which must not hang them.

        They bear an error then, and later ones are refused.
        """
        with self._changed:
            self._closed = True
            left = self._scheduler.drain()
        for request in left:
            request.future.set_exception(WorkerError("The AdaptiveRunner failed; see its log."))
        self._executor.close()

    def _next(self) -> Batch | None:
        """Wait for something to run and return it, None at the end."""
        with self._changed:
            while True:
                now = self._clock()
                batch = self._scheduler.next(now, hurry=self._closed)
                if batch is not None:
                    return batch
                if self._closed and not len(self._scheduler):
                    return None
                self._changed.wait(self._scheduler.wait_s(now))

    def _answer(self, batch: Batch) -> None:
        """Run a batch and answer its requests, with values or with errors."""
        held = [one for one in batch.requests if one.future.set_running_or_notify_cancel()]
        if not held:
            return
        batch = Batch(batch.rung, held, sum(map(len, held)))
        began = self._clock()
        try:
            outputs = self._executor.run(batch.rung, [one.arrays for one in held])
        except Exception as failure:
            self._again(batch, failure)
            return
        now = self._clock()
        with self._changed:
            self._scheduler.finished(batch, began, now)
        _hand_over(held, outputs)

    def _again(self, batch: Batch, failure: Exception) -> None:
        """Run requests whose batch failed each alone, so that only the guilty ones fail."""
        logger.warning("%d requests run again: %s", len(batch.requests), failure)
        died = isinstance(failure, WorkerCallError) and failure.died
        for request in batch.requests:
            error: Exception = failure
            if died or len(batch.requests) > 1:
                try:
                    outputs = self._executor.run(batch.rung, [request.arrays])
                except Exception as second:
                    error = second
                else:
                    self._recovered(Batch(batch.rung, [request], len(request)), outputs)
                    continue
            with self._changed:
                self._failures += 1
            request.future.set_exception(_explained(error, self._name(batch.rung)))

    def _recovered(self, batch: Batch, outputs: Sequence[np.ndarray]) -> None:
        """Answer a request at the second attempt; its time says nothing about the variant."""
        with self._changed:
            self._scheduler.answered(batch, self._clock())
        _hand_over(batch.requests, outputs)

    def _name(self, rung: int) -> str:
        """Return the name of a variant."""
        return self._scheduler.governor.names[rung]


def _hand_over(requests: Sequence[Request], outputs: Sequence[np.ndarray]) -> None:
    """Give each request the outputs of its own samples."""
    start = 0
    for request in requests:
        stop = start + len(request)
        request.answer([output[start:stop] for output in outputs])
        start = stop


def _explained(failure: Exception, name: str) -> Exception:
    """Return the error that tells a user which variant failed."""
    if not isinstance(failure, WorkerCallError):
        return failure
    if failure.died:
        return WorkerError(f"{name!r} failed twice over this request: {failure}")
    return ModelError(f"{name!r} failed: {failure}")
