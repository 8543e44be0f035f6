# SPDX-License-Identifier: Apache-2.0
"""Tables: the classes of b["name"], the numbers of map types, and constants of histograms."""

from ebcc import histogram as _histogram, table as _table
from ebcc.table import (Array, ArrayBase, BuildIdFrame as bcc_stacktrace_build_id,
                        BuildIdOffset as bcc_ip_offset_union, CgroupArray, CpuMap, DevMap, FileDesc,
                        HashTable, LpmTrie, LruHash, LruPerCpuHash, MapInMapArray, MapInMapHash,
                        PerCpuArray, PerCpuHash, PerfEventArray, ProgArray, QueueStack, RingBuf,
                        StackTrace, Table, TableBase, XskMap, get_table_type_name, map_type_name)

_types = {name: number for name, number in vars(_table).items() if name.startswith("BPF_MAP_TYPE_")}
globals().update(_types)

__all__ = [*_types, "Array", "ArrayBase", "CgroupArray", "CpuMap", "DevMap", "FileDesc",
           "HashTable", "LpmTrie", "LruHash", "LruPerCpuHash", "MapInMapArray", "MapInMapHash",
           "PerCpuArray", "PerCpuHash", "PerfEventArray", "ProgArray", "QueueStack", "RingBuf",
           "StackTrace", "Table", "TableBase", "XskMap", "bcc_ip_offset_union",
           "bcc_stacktrace_build_id", "get_json_hist", "get_table_type_name", "linear_index_max",
           "log2_index_max", "map_type_name", "stars_max"]

# The slots of a histogram, and the length of its longest bar in characters.
log2_index_max = _histogram.LOG2_SLOTS
linear_index_max = _histogram.LINEAR_SLOTS
stars_max = _histogram.BAR_WIDTH


def get_json_hist(vals, val_type, section_bucket=None):
    """A histogram of powers of two in the form that print_json_hist() prints: a dict of ts, val_type
    and data.

    vals: the count of each slot. section_bucket: another key and its value, or None.
    """
    return _histogram.json_log2(vals, val_type, section_bucket)
