"""Sphinx: the pages of this folder, and the reference from the docstrings."""

project = "saltext-litellm"
author = "the authors of saltext-litellm"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_heading_anchors = 2
autodoc_member_order = "bysource"
