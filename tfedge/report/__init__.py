"""Tables and pictures of results."""

from tfedge.report.plots import plot_tradeoff
from tfedge.report.tables import markdown_table

__all__ = ["markdown_table", "plot_tradeoff"]
