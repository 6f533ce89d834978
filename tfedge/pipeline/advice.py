"""What would help a model within a budget: a record that reads as advice."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfedge.core.records import Record
from tfedge.core.tables import frame
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.recipe_line import recipe_line
from tfedge.pipeline.search.proxies import Curves

_WIDTH, _INDENT = 98, " " * 6


@dataclass(frozen=True, repr=False)
class Technique(Record):
    """What one technique would do.

    Attributes:
        name: The technique, as a step of a recipe is called.
        helps: Whether it would help within this budget.
        gain: What it would gain, in words with figures.
        source: How the figures were obtained; what is only expected says ``estimate``.
        figures: The figures, by name.

    Example:
        >>> Technique("prune", False, "no bytes but after gzip", "measured", {})
        no   prune           no bytes but after gzip
              (measured)
    """

    name: str
    helps: bool
    gain: str
    source: str
    figures: Mapping[str, float]

    def __repr__(self) -> str:
        """Return the advice in some lines."""
        head = f"{'yes' if self.helps else 'no':<4} {self.name:<15} "
        body = textwrap.wrap(
            self.gain,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=_INDENT,
            break_on_hyphens=False,
        )
        source = textwrap.wrap(
            f"({self.source})", _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT
        )
        return "\n".join([*body, *source])


@dataclass(frozen=True, repr=False)
class Advice(Record):
    """Which techniques would help a model within a budget, the first one to try first.

    Attributes:
        model: Name of the model.
        budget: The budget.
        parameters: Number of weights' values.
        macs: Multiply-accumulates of one sample.
        float_bytes: Size of the float32 file.
        verdict: What to expect, in a sentence.
        techniques: What each would do.
        recipe: What to begin with, as `tfedge.run` takes it.
        curves: What was measured on the model.

    Example:
        >>> curves = Curves("cnn", "int8", "", ((1.0, {"size_bytes": 90}),), "", (), ())
        >>> row = Technique("recover", True, "90 bytes in place of 300", "measured", {})
        >>> Advice("cnn", Budget(size_bytes=100), 70, 900, 300, "Within reach.", (row,),
        ...        {"steps": [{"kind": "recover"}]}, curves)
        'cnn': 70 parameters, 900 MACs, 300 bytes in float32. Within reach.
        yes  recover         90 bytes in place of 300
              (measured)
        begin with: recover
    """

    model: str
    budget: Budget
    parameters: int
    macs: int
    float_bytes: int
    verdict: str
    techniques: tuple[Technique, ...]
    recipe: Mapping[str, Any]
    curves: Curves

    def __iter__(self) -> Iterator[Technique]:
        """Go through the techniques."""
        return iter(self.techniques)

    def __getitem__(self, name: str) -> Technique:
        """Return the advice on one technique."""
        return {one.name: one for one in self.techniques}[name]

    def to_pandas(self) -> Any:
        """Return the techniques as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([one.to_dict() for one in self.techniques])

    def __repr__(self) -> str:
        """Return the verdict, and some lines for each technique."""
        head = (
            f"{self.model!r}: {self.parameters:,} parameters, {self.macs:,} MACs, "
            f"{self.float_bytes:,} bytes in float32. {self.verdict}"
        )
        lines = textwrap.wrap(head, _WIDTH, subsequent_indent=_INDENT)
        lines += [repr(one) for one in self.techniques]
        return "\n".join([*lines, f"begin with: {recipe_line(self.recipe)}"])
