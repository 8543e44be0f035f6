# SPDX-License-Identifier: Apache-2.0
"""Messages of the library go to the logger "ebcc"; the library itself prints nothing.

A program that has not configured logging sees warnings and errors on stderr, as Python
does for any logger.
"""

import sys

# The library's levels, as Python's: error, warning, info, debug.
_LEVELS = {1: 40, 2: 30, 3: 20, 4: 10}
_WARNING = 30


def message(level, text):
    """Logs one message.

    The logging module, whose import takes longer than a cached start, is loaded for warnings and
    errors only: where nobody has imported it, nobody has asked for less.
    """
    number = _LEVELS.get(level, _WARNING)
    if number < _WARNING and "logging" not in sys.modules:
        return
    import logging
    logging.getLogger("ebcc").log(number, "%s", text)
