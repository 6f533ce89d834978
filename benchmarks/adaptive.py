"""`tfedge.AdaptiveRunner` under a load that rises fourfold, against each of its variants alone.

    python benchmarks/adaptive.py               # writes adaptive.md, about three minutes
    python benchmarks/adaptive.py --seconds 3   # prints a short run

Real pictures of Fashion-MNIST's test part, 50 in each request, at random times (Poisson). Rates
and target are multiples of what the best variant takes on this machine.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from channel_networks import (
    Network,
    fashion,
    fashion_depthwise,
    fashion_residual,
    kept,
    separable,
)
from pages import installed, listed, parsed, parser_with_data

import tfedge
from tfedge.adaptive import LatencyTarget, Variant
from tfedge.report import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")
PACKAGES = ("ai-edge-litert", "numpy")
PICTURES = 50
USED, RISE, TARGET = 0.3, 4.0, 30.0
SECONDS = 15.0
ROUNDS, REQUESTS = 10, 50
TEXT = """# Adaptive inference under a rising load

Requests of {pictures} pictures of Fashion-MNIST's test part come at random times (Poisson):
{seconds:g} s at a rate that uses {used:.0%} of the best variant's time, {seconds:g} s at {rise:g}
times that rate, {seconds:g} s at the first again. The best variant alone needs {large_ms:.2f} ms
for a request here when many wait; the target for p99 is {target:g} times that, {target_ms:.1f} ms.
Latency counts from the moment at which the request was due, so that a late sender hides nothing.
Energy is estimated by `tfedge.energy`, accuracy is that of the answers given.

{table}

What the adaptive runner used:

```text
{log}
```

{cores} processors, which others used too. Written by `python benchmarks/adaptive.py` with
{versions}.
"""


def small(folder: Path, work: Path) -> Network:
    """A depthwise-separable network that is far cheaper and less accurate."""
    build = lambda: separable((28, 28, 1), (8, 16, 24, 32), "fashion_small")  # noqa: E731
    make = kept("fashion_small", build, epochs=8)
    return Network("fashion_small", fashion(folder), make, augment=False)


def files(folder: Path, data: dict[str, np.ndarray]) -> list[tfedge.TFLiteModel]:
    """Return the INT8 files of the ladder, trained and converted once."""
    work, channels = ROOT / ".cache" / "adaptive", ROOT / ".cache" / "channels"
    work.mkdir(parents=True, exist_ok=True)
    found = []
    for name, make in (
        ("small", small),
        ("middle", fashion_depthwise),
        ("large", fashion_residual),
    ):
        path = work / f"{name}.tflite"
        if not path.exists():
            model = make(folder, channels).model(channels)
            tfedge.convert(model, "int8", data["x"][:512].astype("float32")).save(path)
        found.append(tfedge.load(path))
    return found


def due(rate: float, seconds: float) -> np.ndarray:
    """Return when requests are due, in seconds."""
    rng, times = np.random.default_rng(0), []
    for phase, factor in enumerate((1.0, RISE, 1.0)):
        count = rng.poisson(seconds * rate * factor)
        times.append(np.sort(rng.uniform(phase * seconds, (phase + 1) * seconds, count)))
    return np.concatenate(times)


def answered(runner: Any, times: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Send requests when they are due; return how long each took in ms, and the answers."""
    ends, futures = np.zeros(len(times)), []
    start = time.perf_counter() + 0.1
    for place, when in enumerate(times):
        time.sleep(max(0.0, start + when - time.perf_counter()))
        future = runner.submit(x[place % len(x)])
        future.add_done_callback(
            lambda _, place=place: ends.__setitem__(place, time.perf_counter())
        )
        futures.append(future)
    answers = [future.result() for future in futures]
    return 1e3 * (ends - start - times), answers


def busy_ms(variant: Variant, x: np.ndarray) -> float:
    """Return how long a variant takes for a request when many wait, the best of some rounds."""
    rounds = []
    with tfedge.AdaptiveRunner([variant]) as runner:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for future in [runner.submit(x) for _ in range(REQUESTS)]:
                future.result()
            rounds.append(1e3 * (time.perf_counter() - start) / REQUESTS)
    return min(rounds)


def measured(
    name: str, ladder: list[Variant], policy: Any, times: np.ndarray, data: dict, seconds: float
) -> tuple[dict[str, Any], Any]:
    """Return the row of one way, and its log."""
    x = data["x_test"].reshape(-1, PICTURES, 28, 28, 1)
    labels = data["y_test"].reshape(-1, PICTURES)
    with tfedge.AdaptiveRunner(ladder, policy) as runner:
        took, answers = answered(runner, times, x)
        log = runner.decisions
    busy = (times >= seconds) & (times < 2 * seconds)
    right = [a.argmax(1) == labels[place % len(x)] for place, a in enumerate(answers)]
    energy = sum(log.samples[item.name] * item.energy_uj for item in ladder)
    row = {
        "variant": name,
        "p50 ms": f"{np.median(took):.2f}",
        "p99 ms": f"{np.quantile(took, 0.99):.1f}",
        "p99 ms, high load": f"{np.quantile(took[busy], 0.99):.1f}",
        "within target": "",
        "accuracy": f"{np.mean(right):.2%}",
        "µJ per picture, estimated": f"{energy / sum(log.samples.values()):.3g}",
    }
    return row | {"took": took}, log


def main() -> None:
    """Measure, print, and write the page after a whole run."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parsed(parser)
    data = fashion(options.data)
    costs = [tfedge.energy(f, method="estimated") for f in files(options.data, data)]
    ladder = [
        Variant(f, batch=2 * PICTURES, energy_uj=cost.energy_uj)
        for f, cost in zip(files(options.data, data), costs, strict=True)
    ]
    large_ms = busy_ms(ladder[-1], data["x_test"][:PICTURES])
    target_ms = TARGET * large_ms
    times = due(1e3 * USED / large_ms, options.seconds)
    ways = [(f"{v.name}, fixed", [v], None) for v in ladder]
    ways.append(("adaptive", ladder, LatencyTarget(target_ms)))
    rows = []
    for name, variants, policy in ways:
        row, log = measured(name, variants, policy, times, data, options.seconds)
        row["within target"] = f"{np.mean(row.pop('took') <= target_ms):.1%}"
        rows.append(row)
        print(row, flush=True)
    text = TEXT.format(
        pictures=PICTURES,
        seconds=options.seconds,
        used=USED,
        rise=RISE,
        large_ms=large_ms,
        target=TARGET,
        target_ms=target_ms,
        table=markdown_table(rows),
        log=log,
        cores=tfedge.runtime.processors.processors(),
        versions=listed(installed(PACKAGES)),
    )
    print(text)
    if options.seconds == SECONDS:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
