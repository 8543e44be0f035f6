# SPDX-License-Identifier: Apache-2.0
"""Versions: __version__ of the interface, which scripts compare to know what a package named bcc has, and
ebcc_version of the library itself. Both are "MAJOR.MINOR.PATCH"."""

from ._ebcc import version as ebcc_version

__version__ = "0.37.0"

__all__ = ["__version__", "ebcc_version"]
