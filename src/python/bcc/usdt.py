# SPDX-License-Identifier: Apache-2.0
"""USDT probes: places that a program's author has marked for tracing."""

from ebcc.usdt import (ArgumentFlags as BCC_USDT_ARGUMENT_FLAGS, USDT, USDTException, USDTProbe,
                       USDTProbeArgument, USDTProbeLocation)

__all__ = ["BCC_USDT_ARGUMENT_FLAGS", "USDT", "USDTException", "USDTProbe", "USDTProbeArgument",
           "USDTProbeLocation"]
