# SPDX-License-Identifier: Apache-2.0
from ebcc.usdt import (ArgumentFlags, USDT as USDT,
                       USDTException as USDTException, USDTProbe as USDTProbe,
                       USDTProbeArgument as USDTProbeArgument,
                       USDTProbeLocation as USDTProbeLocation)

BCC_USDT_ARGUMENT_FLAGS = ArgumentFlags
