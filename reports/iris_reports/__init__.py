"""Self-contained HTML reports of what a run measured."""

from iris_reports.campaign import render_campaign
from iris_reports.render import render_report

__all__ = ["render_campaign", "render_report"]
