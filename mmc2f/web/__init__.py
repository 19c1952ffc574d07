"""A page in the browser to try a model on.

Nothing here is imported with :mod:`mmc2f`; only :mod:`mmc2f.web.page` and
:mod:`mmc2f.web.server` need the extra ``web``.
"""
