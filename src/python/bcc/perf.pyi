# SPDX-License-Identifier: Apache-2.0
from ebcc.perf import Perf as Perf
