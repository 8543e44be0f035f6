# SPDX-License-Identifier: Apache-2.0
"""Passes the library's messages to the logger "ebcc"; the library itself prints nothing.

If a program has not configured logging, Python prints warnings and errors to stderr, as for any
logger.
"""

import _signal  # built in: importing signal takes longer
import sys

# The library's levels and Python's: error, warning, info, debug.
_LEVELS = {1: 40, 2: 30, 3: 20, 4: 10}
_WARNING = 30


def _import_logging():
    """Imports logging with signals blocked.

    The import system takes an OSError to mean that a file is missing, and continues, so a TimeoutError
    from a signal handler would be lost there.
    """
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    try:
        import logging  # noqa: F401
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def message(level, text):
    """Logs one message. level: the library's number.

    The logging module, which takes longer to import than a source takes to load from the cache, is
    imported only for warnings and errors: if it has not been imported, nobody has asked for lower
    levels.
    """
    number = _LEVELS.get(level, _WARNING)
    if "logging" not in sys.modules:
        if number < _WARNING:
            return
        _import_logging()
    import logging
    logging.getLogger("ebcc").log(number, "%s", text)
