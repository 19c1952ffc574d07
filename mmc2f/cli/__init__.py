"""The command ``mmc2f``: one module a command, put together in ``app``.

Nothing here imports torch or the host before a command needs it, so that
``mmc2f --help`` and the completion of a shell answer at once.
"""
