"""The page of ptq.py: every run a line, and what each tool gives on average."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from pages import listed_of

from tfedge.report import markdown_table


def row(item: dict[str, Any]) -> dict[str, Any]:
    """Return one line of the table."""
    form = functools.partial(_cell, item)
    drop = 100 * (item["float"] - item["accuracy"]) if "accuracy" in item else None
    return {
        "network": item["network"],
        "tool": item["tool"],
        "float": form("float", "{:.2%}"),
        "quantized": form("accuracy", "{:.2%}"),
        "drop": "–" if drop is None else f"{drop:+.2f}",
        "validation": form("validation drop", "{:+.2%}").rstrip("%"),
        "agree": form("agreement", "{:.2%}"),
        "SQNR": form("sqnr_db", "{:.1f} dB"),
        "seconds": form("seconds", "{:.1f}"),
        "bytes": form("bytes", "{:,}"),
        "gzip": form("gzip", "{:,}"),
        "": f"`{item['failed']}`" if "failed" in item else "",
    }


def _cell(item: dict[str, Any], key: str, form: str) -> str:
    """Return one figure, or a dash."""
    return form.format(item[key]) if key in item else "–"


def aims(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each tool its average drop, and what it recovers where the raw converter loses."""
    labelled = [item for item in results if "accuracy" in item]
    drops: dict[str, dict[str, float]] = {}
    for item in labelled:
        drop = 100 * (item["float"] - item["accuracy"])
        drops.setdefault(item["tool"], {})[item["network"]] = drop
    base = drops.get("raw converter", {})
    hurt = [name for name, drop in base.items() if drop >= 0.5]
    return [
        {
            "tool": tool,
            "networks": len(found),
            "average drop": f"{np.mean(list(found.values())):+.2f}",
            "validation": _average(labelled, tool),
            "largest drop": f"{max(found.values()):+.2f}",
            **{
                f"recovered, {name}": f"{1 - found[name] / base[name]:.0%}"
                if name in found
                else "–"
                for name in hurt
            },
        }
        for tool, found in drops.items()
    ]


def _average(labelled: list[dict[str, Any]], tool: str) -> str:
    """Return the average drop of a tool where there are validation samples, or a dash."""
    key = "validation drop"
    drops = [item[key] for item in labelled if item["tool"] == tool and key in item]
    return f"{100 * np.mean(drops):+.2f}" if drops else "–"


def written(results: list[dict[str, Any]], samples: int) -> str:
    """Return the page."""
    return "\n\n".join(
        [
            "# Quantization after training",
            f"Written by `python benchmarks/ptq.py`: {listed_of(results)}. "
            f"Every tool sees the same {samples} "
            "training samples, without labels. Accuracy of files is that on LiteRT, over all test "
            "samples; MCT's is that of the Keras model with which it simulates integers, with "
            "power-of-two activation ranges; all its settings are its defaults. `drop` is in "
            "points, `validation` the drop on samples on which no setting of any tool was chosen; "
            "`agree` and `SQNR` compare outputs with the float network's. `seconds` is "
            "from the Keras model to the file, on a shared machine with two cores.",
            "`recover` is `tfedge.recover` with its defaults, `methods=('equalize', 'bias')` and "
            "`observer='auto'`; `rounding` is `methods=('equalize', 'rounding', 'bias')`. The "
            "lines with 4 bits have 4-bit weights in all layers, stored in int8 bytes, and 8-bit "
            "activations; `4 bits` alone rounds to the nearest.",
            markdown_table([row(item) for item in results]),
            "The networks: MLPerf Tiny's ResNet8 on CIFAR-10; small MobileNets on Fashion-MNIST "
            "and on spoken digits of a speaker who was not trained on; `unequal` are these two "
            "with normalizations folded and channels scaled by 1/16 to 16, which leaves what they "
            "compute as it is; `outliers` is a residual network that was trained on images of "
            "which every tenth has a pixel sixty times too bright; `mtcnn_rnet` and "
            "`fer_mini_xception` as they ship in packages, the latter without labels.",
            "All networks with labels, and the share of the raw converter's loss that is recovered "
            "where that is half a point or more:",
            markdown_table(aims(results)),
        ]
    )
