"""Sphinx: the pages of this folder, and the reference from the docstrings."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

sys.path.insert(0, str(Path(__file__).parent))  # for pictures.py

project = "saltext-litellm"
author = "the authors of saltext-litellm"
extensions = ["myst_parser", "sphinx.ext.autodoc", "pictures"]
myst_fence_as_directive = ["mermaid"]  # as GitHub writes it, which draws it too
exclude_patterns = ["_build"]
html_theme = "furo"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
myst_heading_anchors = 2
autodoc_member_order = "bysource"


def salt_names(_app, doctree):
    """Show functions by the names that Salt gives them: `litellm_model.list`, not `….list_`."""
    for signature in doctree.findall(addnodes.desc_signature):
        signature["_toc_name"] = signature["_toc_name"].replace("list_()", "list()")
    for prefix in doctree.findall(addnodes.desc_addname):
        prefix[:] = [nodes.Text(f"{prefix.astext().split('.')[-2]}.")]
    for name in doctree.findall(addnodes.desc_name):
        if name.astext() == "list_":
            name[:] = [nodes.Text("list")]


def setup(app):
    app.connect("doctree-read", salt_names, priority=100)  # before the table of contents is made
