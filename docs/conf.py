"""Sphinx: the pages of this folder, and the reference from the docstrings."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

sys.path.insert(0, str(Path(__file__).parent))  # for pictures.py

SITE = "https://salt-extensions.github.io/saltext-litellm/"
project = "saltext-litellm"
author = "the authors of saltext-litellm"
version = release = installed_version(project).partition("+")[0]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.towncrier.ext",
    "sphinxext.opengraph",
    "pictures",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["mermaid"]  # as GitHub writes it, which draws it too
myst_heading_anchors = 2
autodoc_member_order = "bysource"
maximum_signature_line_length = 40  # one argument a line
# Copied are the commands of a console block, without their prompts and what they print.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
# The changelog shows the fragments of the next release.
towncrier_draft_autoversion_mode = "draft"
towncrier_draft_include_empty = False
towncrier_draft_working_directory = Path(__file__).parent.parent
# The description of a page is its first paragraph.
ogp_site_url = SITE
ogp_social_cards = {"enable": False}
html_theme = "furo"
html_title = f"{project} {version}"
html_baseurl = SITE
html_logo = html_favicon = "_static/logo.svg"
html_show_copyright = False
html_use_index = html_domain_indices = False  # search finds what they list
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["sidebar.js"]
html_theme_options = {
    "source_repository": "https://github.com/salt-extensions/saltext-litellm/",
    "source_branch": "main",
    "source_directory": "docs/",
    "light_css_variables": {"color-brand-primary": "#0f766e", "color-brand-content": "#0f766e"},
    "dark_css_variables": {"color-brand-primary": "#2dd4bf", "color-brand-content": "#2dd4bf"},
}
STATES = ("present", "absent", "managed", "mod_watch")  # all other functions are called by hand
FUNCTION = re.compile(r"(litellm_\w+)\.(\w+)")


def salt_names(_app, doctree):
    """Show functions by the names that Salt gives them: `litellm_model.list`, not `….list_`."""
    for signature in doctree.findall(addnodes.desc_signature):
        signature["_toc_name"] = signature["_toc_name"].replace("_()", "()")
    for prefix in doctree.findall(addnodes.desc_addname):
        prefix[:] = [nodes.Text(f"{prefix.astext().split('.')[-2]}.")]
    for name in doctree.findall(addnodes.desc_name):
        name[:] = [nodes.Text(name.astext().rstrip("_"))]


def function_links(_app, doctree):
    """Let `litellm_model.list` lead to its reference. `sys.doc` would show the roles of Sphinx."""
    for literal in list(doctree.findall(nodes.literal)):
        found = FUNCTION.fullmatch(literal.astext())
        is_free = not isinstance(
            literal.parent, nodes.title | nodes.reference | addnodes.pending_xref
        )
        if found and is_free:
            module, name = found.groups()
            kind = "states" if name in STATES else "modules"
            name = {"list": "list_"}.get(name, name)  # the alias that Salt gives it
            target = f"saltext_litellm.{kind}.{module}.{name}"
            link = addnodes.pending_xref("", refdomain="py", reftype="func", reftarget=target)
            literal.replace_self(link)
            link += literal


def undated(_app, doctree):
    """What is not released has no date."""
    for title in doctree.findall(nodes.title):
        if "not released yet" in title.astext():
            title[:] = [nodes.Text(title.astext().partition(" (")[0])]


def setup(app):
    app.connect("doctree-read", function_links)
    app.connect("doctree-read", undated)
    app.connect("doctree-read", salt_names, priority=100)  # before the table of contents is made
