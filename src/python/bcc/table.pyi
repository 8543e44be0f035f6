# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from typing import Any

from ebcc.table import (Array as Array, ArrayBase as ArrayBase,
                        BPF_MAP_TYPE_ARRAY as BPF_MAP_TYPE_ARRAY,
                        BPF_MAP_TYPE_ARRAY_OF_MAPS as BPF_MAP_TYPE_ARRAY_OF_MAPS,
                        BPF_MAP_TYPE_CGROUP_ARRAY as BPF_MAP_TYPE_CGROUP_ARRAY,
                        BPF_MAP_TYPE_CGROUP_STORAGE as BPF_MAP_TYPE_CGROUP_STORAGE,
                        BPF_MAP_TYPE_CPUMAP as BPF_MAP_TYPE_CPUMAP,
                        BPF_MAP_TYPE_DEVMAP as BPF_MAP_TYPE_DEVMAP,
                        BPF_MAP_TYPE_DEVMAP_HASH as BPF_MAP_TYPE_DEVMAP_HASH,
                        BPF_MAP_TYPE_HASH as BPF_MAP_TYPE_HASH,
                        BPF_MAP_TYPE_HASH_OF_MAPS as BPF_MAP_TYPE_HASH_OF_MAPS,
                        BPF_MAP_TYPE_INODE_STORAGE as BPF_MAP_TYPE_INODE_STORAGE,
                        BPF_MAP_TYPE_LPM_TRIE as BPF_MAP_TYPE_LPM_TRIE,
                        BPF_MAP_TYPE_LRU_HASH as BPF_MAP_TYPE_LRU_HASH,
                        BPF_MAP_TYPE_LRU_PERCPU_HASH as BPF_MAP_TYPE_LRU_PERCPU_HASH,
                        BPF_MAP_TYPE_PERCPU_ARRAY as BPF_MAP_TYPE_PERCPU_ARRAY,
                        BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE as BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
                        BPF_MAP_TYPE_PERCPU_HASH as BPF_MAP_TYPE_PERCPU_HASH,
                        BPF_MAP_TYPE_PERF_EVENT_ARRAY as BPF_MAP_TYPE_PERF_EVENT_ARRAY,
                        BPF_MAP_TYPE_PROG_ARRAY as BPF_MAP_TYPE_PROG_ARRAY,
                        BPF_MAP_TYPE_QUEUE as BPF_MAP_TYPE_QUEUE,
                        BPF_MAP_TYPE_REUSEPORT_SOCKARRAY as BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
                        BPF_MAP_TYPE_RINGBUF as BPF_MAP_TYPE_RINGBUF,
                        BPF_MAP_TYPE_SK_STORAGE as BPF_MAP_TYPE_SK_STORAGE,
                        BPF_MAP_TYPE_SOCKHASH as BPF_MAP_TYPE_SOCKHASH,
                        BPF_MAP_TYPE_SOCKMAP as BPF_MAP_TYPE_SOCKMAP,
                        BPF_MAP_TYPE_STACK as BPF_MAP_TYPE_STACK,
                        BPF_MAP_TYPE_STACK_TRACE as BPF_MAP_TYPE_STACK_TRACE,
                        BPF_MAP_TYPE_STRUCT_OPS as BPF_MAP_TYPE_STRUCT_OPS,
                        BPF_MAP_TYPE_TASK_STORAGE as BPF_MAP_TYPE_TASK_STORAGE,
                        BPF_MAP_TYPE_BLOOM_FILTER as BPF_MAP_TYPE_BLOOM_FILTER,
                        BPF_MAP_TYPE_USER_RINGBUF as BPF_MAP_TYPE_USER_RINGBUF,
                        BPF_MAP_TYPE_CGRP_STORAGE as BPF_MAP_TYPE_CGRP_STORAGE,
                        BPF_MAP_TYPE_ARENA as BPF_MAP_TYPE_ARENA,
                        BPF_MAP_TYPE_INSN_ARRAY as BPF_MAP_TYPE_INSN_ARRAY,
                        BPF_MAP_TYPE_XSKMAP as BPF_MAP_TYPE_XSKMAP, CgroupArray as CgroupArray,
                        CpuMap as CpuMap, DevMap as DevMap, FileDesc as FileDesc,
                        HashTable as HashTable, LpmTrie as LpmTrie, LruHash as LruHash,
                        LruPerCpuHash as LruPerCpuHash, MapInMapArray as MapInMapArray,
                        MapInMapHash as MapInMapHash, PerCpuArray as PerCpuArray,
                        PerCpuHash as PerCpuHash, PerfEventArray as PerfEventArray,
                        ProgArray as ProgArray, QueueStack as QueueStack, RingBuf as RingBuf,
                        StackTrace as StackTrace, Table as Table, TableBase as TableBase,
                        XskMap as XskMap, get_table_type_name as get_table_type_name,
                        map_type_name as map_type_name, BuildIdFrame, BuildIdOffset)

bcc_stacktrace_build_id = BuildIdFrame
bcc_ip_offset_union = BuildIdOffset

log2_index_max: int
linear_index_max: int
stars_max: int

def get_json_hist(vals: Sequence[int], val_type: str,
                  section_bucket: tuple[Any, Any] | None = ...) -> dict[Any, Any]: ...
