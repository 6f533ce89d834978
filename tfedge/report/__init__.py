"""Tables and pictures of results, and reports of a model and its file."""

from tfedge.report.build import model_report
from tfedge.report.plots import plot_tradeoff
from tfedge.report.record import ModelReport
from tfedge.report.tables import markdown_table

__all__ = ["ModelReport", "markdown_table", "model_report", "plot_tradeoff"]
