# SPDX-License-Identifier: Apache-2.0
"""The version of the interface, "MAJOR.MINOR.PATCH", which scripts compare to find out what the package
bcc provides. The version of the library is ebcc.__version__."""

__version__ = "0.37.0"
