"""How the documentation is built: `sphinx-build -W docs BUILD`."""

from importlib import metadata

project = "escalation"
author = "The escalation developers"
release = metadata.version("escalation")
extensions = [
    "myst_parser",  # the guide and the model are Markdown
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",  # public docstrings are numpydoc
]
exclude_patterns = ["quoted", "_build"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autosummary_generate = True
html_theme = "furo"
html_title = f"escalation {release}"
