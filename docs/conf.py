"""Sphinx builds the site from the pages of this folder: ``make docs``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import mmc2f  # noqa: E402

project = 'mmc2f'
author = 'the mmc2f authors'
release = version = mmc2f.__version__

extensions = [
    'myst_parser',
    'program_help',
    'sphinx.ext.autodoc',
    'sphinx.ext.mathjax',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]

html_theme = 'furo'
html_title = f'mmc2f {release}'

myst_enable_extensions = ['dollarmath']
# Headings get the anchors that a code host gives them, so that a link works
# on both.
myst_heading_anchors = 4

autodoc_member_order = 'groupwise'
autodoc_typehints = 'description'
# Types of the host and of optional packages need no link of their own.
autodoc_typehints_description_target = 'documented'
napoleon_numpy_docstring = False
# Else the fields of a data class would be described twice.
napoleon_use_ivar = True
