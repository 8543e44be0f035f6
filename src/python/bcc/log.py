# SPDX-License-Identifier: Apache-2.0
"""Messages of the library go to the logger "bcc"; the library itself prints nothing.

A program that has not configured logging sees warnings and errors on stderr, as Python
does for any logger.
"""

# The library's levels, as Python's: error, warning, info, debug.
_LEVELS = {1: 40, 2: 30, 3: 20, 4: 10}


def message(level, text):
    """Logs one message. The logging module is loaded with the first one only."""
    import logging
    logging.getLogger("bcc").log(_LEVELS.get(level, 30), "%s", text)
