/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type strings of tables, and the kernel's map types that they stand for. In addition there are
 * "histogram", whose type depends on its key, and "array_of_maps$INNER" and "hash_of_maps$INNER".
 * The library includes this list too.
 */
#ifndef EBCC_MAP_TYPES_H
#define EBCC_MAP_TYPES_H

/* X(string, type string, map type), where string is the caller's. "extern" is a table of another
 * module, which determines its type. */
#define __EBCC_MAP_TYPES(X, string)                                                                \
	X(string, "hash", HASH)                                                                    \
	X(string, "array", ARRAY)                                                                  \
	X(string, "percpu_hash", PERCPU_HASH)                                                      \
	X(string, "percpu_array", PERCPU_ARRAY)                                                    \
	X(string, "lru_hash", LRU_HASH)                                                            \
	X(string, "lru_percpu_hash", LRU_PERCPU_HASH)                                              \
	X(string, "lpm_trie", LPM_TRIE)                                                            \
	X(string, "prog", PROG_ARRAY)                                                              \
	X(string, "perf_output", PERF_EVENT_ARRAY)                                                 \
	X(string, "perf_array", PERF_EVENT_ARRAY)                                                  \
	X(string, "stacktrace", STACK_TRACE)                                                       \
	X(string, "cgroup_array", CGROUP_ARRAY)                                                    \
	X(string, "devmap", DEVMAP)                                                                \
	X(string, "devmap_hash", DEVMAP_HASH)                                                      \
	X(string, "cpumap", CPUMAP)                                                                \
	X(string, "xskmap", XSKMAP)                                                                \
	X(string, "sockmap", SOCKMAP)                                                              \
	X(string, "sockhash", SOCKHASH)                                                            \
	X(string, "cgroup_storage", CGROUP_STORAGE)                                                \
	X(string, "percpu_cgroup_storage", PERCPU_CGROUP_STORAGE)                                  \
	X(string, "queue", QUEUE)                                                                  \
	X(string, "stack", STACK)                                                                  \
	X(string, "sk_storage", SK_STORAGE)                                                        \
	X(string, "inode_storage", INODE_STORAGE)                                                  \
	X(string, "task_storage", TASK_STORAGE)                                                    \
	X(string, "extern", HASH)

#endif /* EBCC_MAP_TYPES_H */
