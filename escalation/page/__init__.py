"""A run as one HTML file for readers who install nothing.

`page_file` puts the file together from a template, a style sheet, two scripts and two vendored
libraries (`vendor/VENDORED.md`); `page_numbers` are the numbers in it, `page_beliefs` what its
sliders move, `page_stories` the histories that it tells, `page_words` how it names things.
`brief_file` makes two pages to be printed. Imports analysis, plots, report and replays; nothing
imports it but the command line.
"""

from escalation.page.brief_file import brief
from escalation.page.page_file import page

__all__ = ["brief", "page"]
