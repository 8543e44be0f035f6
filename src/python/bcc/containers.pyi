# SPDX-License-Identifier: Apache-2.0
from typing import Any

def filter_by_containers(args: Any) -> str: ...
