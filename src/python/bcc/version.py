# SPDX-License-Identifier: Apache-2.0
"""The version of the library, "MAJOR.MINOR.PATCH"."""

from ._ebcc import version as __version__

__all__ = ["__version__"]
