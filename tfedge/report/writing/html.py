"""A report as HTML: one page, or a fragment for notebooks. Needs Jinja2: the extra ``report``."""

from __future__ import annotations

import functools
from typing import Any

from tfedge.core.errors import MissingPackageError
from tfedge.report.record import ModelReport
from tfedge.report.writing.contents import sections
from tfedge.report.writing.sections.summary import cards


def page(report: ModelReport) -> str:
    """Return a whole page that loads nothing from anywhere.

    Args:
        report: The report.

    Raises:
        MissingPackageError: If Jinja2 is not installed.
    """
    return _render("page.html.j2", report)


def fragment(report: ModelReport) -> str:
    """Return what stands within a page: styles that reach no further, and no script.

    Args:
        report: The report.

    Raises:
        MissingPackageError: If Jinja2 is not installed.
    """
    return _render("fragment.html.j2", report, prefix=f"report-{report.sha256[:8]}-")


def _render(template: str, report: ModelReport, prefix: str = "") -> str:
    """Return a template filled in; the prefix keeps names of sections apart from others'."""
    filled = {"cards": cards(report), "sections": sections(report)}
    return _templates().get_template(template).render(report=report, prefix=prefix, **filled)


@functools.cache
def _templates() -> Any:
    """Return the templates; they escape what is filled in, and a name that is missing fails."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingPackageError(
            "Reports as HTML need Jinja2, which is not installed. Install it with: "
            "pip install 'tfedge[report]'. to_markdown() and to_json() do without."
        ) from error
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tfedge.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
