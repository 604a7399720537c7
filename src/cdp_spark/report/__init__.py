"""What a run came to, as one HTML file."""

from cdp_spark.report.accuracy import Accuracy, measure_accuracy
from cdp_spark.report.attribution import Attribution, measure_attribution
from cdp_spark.report.data import ReportData
from cdp_spark.report.gather import build_report_data
from cdp_spark.report.render import render_report, write_report

__all__ = [
    "Accuracy",
    "Attribution",
    "ReportData",
    "build_report_data",
    "measure_accuracy",
    "measure_attribution",
    "render_report",
    "write_report",
]
