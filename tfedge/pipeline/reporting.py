"""From the result of a search to a page about its best file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfedge.core.checks import one_of
from tfedge.core.files import write_whole
from tfedge.report import model_report

if TYPE_CHECKING:
    from tfedge.pipeline.result import CompressionResult

_ENDINGS = (".html", ".md", ".json")


def write_report(result: CompressionResult, path: Path, model: Any, data: Any) -> Path:
    """Write a report on the best file of a search.

    Args:
        result: The result.
        path: Where to write; its ending says what.
        model: The original, None for the one that was searched, if it is still there.
        data: Samples with labels, None for those of the proof, if they are still there.

    Returns:
        The path.

    Raises:
        ArgumentError: If the ending is not known.
    """
    one_of("ending of the path", path.suffix, _ENDINGS)
    known_model, known_data = result.__dict__.get("_subject", (None, None))
    model, data = model if model is not None else known_model, known_data if data is None else data
    report = model_report(
        result.best,
        model,
        data,
        budget=result.proof,
        recipe=result.recipe,
        trials=result.rows(),
        title=result.model,
        verbose=0,
    )
    if path.suffix == ".html":
        report.to_html(path)
    elif path.suffix == ".md":
        report.to_markdown(path)
    else:
        write_whole(path, (report.to_json() + "\n").encode())
    return path
