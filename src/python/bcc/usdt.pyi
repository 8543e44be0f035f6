# SPDX-License-Identifier: Apache-2.0
from ebcc.usdt import (ArgumentFlags as BCC_USDT_ARGUMENT_FLAGS, USDT as USDT,
                       USDTException as USDTException, USDTProbe as USDTProbe,
                       USDTProbeArgument as USDTProbeArgument,
                       USDTProbeLocation as USDTProbeLocation)
