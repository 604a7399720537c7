"""What a run came to, as one HTML file."""

from cdp_spark.report.accuracy import Accuracy, measure_accuracy
from cdp_spark.report.data import ReportData
from cdp_spark.report.gather import build_report_data
from cdp_spark.report.render import render_report, write_report

__all__ = ["Accuracy", "ReportData", "build_report_data", "measure_accuracy", "render_report", "write_report"]
