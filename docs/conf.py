"""Configuration of Sphinx: ``sphinx-build -W -b html docs docs/_build`` in the root of the repository."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import pages  # noqa: E402

import gluonvae  # noqa: E402

project = "gluonvae"
copyright = "the gluonvae developers"
version = release = gluonvae.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "links"]
exclude_patterns = ["_build", "jupyter_execute"]
nitpicky = True
# Base classes of other projects, private ones, and what follows a type in a docstring: "int, default 1".
IGNORED = (r"(mxnet|gluoncv|numpy|np|sklearn|collections|matplotlib)\..*", r".*\._\w+", r"default .*", r"Path")
nitpick_ignore_regex = [("py:.*", pattern) for pattern in IGNORED]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what types arguments have
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 88

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # as it was run by make_notebook.py

html_theme = "furo"
html_title = f"gluonvae {release}"
html_show_sphinx = False
html_copy_source = False

# Pages of the reference are made of the library, so that a new module or class needs no line here.
pages.write_pages(Path(__file__).parent / "reference")
