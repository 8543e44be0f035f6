# SPDX-License-Identifier: Apache-2.0
"""Messages of the library go to the logger "ebcc"; the library itself prints nothing.

A program that has not configured logging sees warnings and errors on stderr, as Python
does for any logger.
"""

import _signal  # built in: importing signal takes longer
import sys

# The library's levels, as Python's: error, warning, info, debug.
_LEVELS = {1: 40, 2: 30, 3: 20, 4: 10}
_WARNING = 30


def _import_logging():
    """Imports logging with signals held back.

    The import system takes an OSError for a file that is missing, and goes on: a TimeoutError from a
    signal's handler would be lost there.
    """
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    try:
        import logging  # noqa: F401
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def message(level, text):
    """Logs one message.

    The logging module, whose import takes longer than a cached start, is loaded for warnings and
    errors only: where nobody has imported it, nobody has asked for less.
    """
    number = _LEVELS.get(level, _WARNING)
    if number < _WARNING and "logging" not in sys.modules:
        return
    if "logging" not in sys.modules:
        _import_logging()
    import logging
    logging.getLogger("ebcc").log(number, "%s", text)
