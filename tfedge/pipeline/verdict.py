"""What a search reached, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfedge.pipeline.constraints import Measured, shown


def verdict_of(
    proof: Measured,
    complete: int,
    passed_over: Sequence[int] = (),
    reasons: Mapping[str, str] | None = None,
) -> str:
    """Return in a sentence whether a file is within its budget, else what binds.

    Args:
        proof: The best file on the samples of the proof.
        complete: Number of files.
        passed_over: Trials that were better on other samples and failed the proof.
        reasons: Why a limit is out of reach, by its name.

    Example:
        >>> verdict_of(Measured("cnn", 800, 700, 10, None, ()), 3, (2,))
        'Within the budget. Trial 2 looked better and failed the proof.'
    """
    worst = proof.binding
    if worst is None:
        who = "Trials" if len(passed_over) > 1 else "Trial"
        names = " and ".join(map(str, passed_over))
        more = f" {who} {names} looked better and failed the proof." if passed_over else ""
        return f"Within the budget.{more}"
    files = "file" if complete == 1 else "files"
    limit = f"{worst.name}={shown(worst.name, worst.limit)}" if worst.limit else worst.name
    reason = (reasons or {}).get(worst.name, "")
    more = f" It is out of reach: {reason}." if reason else ""
    return (
        f"None of {complete} {files} is within the budget: {limit} binds, the nearest has "
        f"{shown(worst.name, worst.value)}.{more}"
    )
