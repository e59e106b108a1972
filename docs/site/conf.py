"""Sphinx's settings for the documentation site. `make docs` lays out its pages and builds it."""

from pathlib import Path

from flopscope.version import __version__

project = "flopscope"
author = "The flopscope developers"
copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc", "myst_nb", "site_additions"]
root_doc = "index"
exclude_patterns = ["_extra"]
highlight_language = "none"
maximum_signature_line_length = 88

# Pages are written for a code host too: headings are link targets, and math is a fence.
myst_heading_anchors = 4
myst_fence_as_directive = ["math"]
myst_enable_extensions = ["deflist", "attrs_block", "attrs_inline"]

# Notebooks show what is stored in them; tests execute them.
nb_execution_mode = "off"
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = "flopscope"
html_static_path = ["_static"]
html_extra_path = [str(path) for path in Path(__file__).parent.glob("_extra")]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
