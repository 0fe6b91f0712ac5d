"""A page of a recorded session that is one file: its plots, numbers and notes, read without any server or network."""

from rtlab.views.report.html import page
from rtlab.views.report.values import Note, Part, Report, Series

__all__ = ["Note", "Part", "Report", "Series", "page"]
