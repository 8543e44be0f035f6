# SPDX-License-Identifier: Apache-2.0
"""Source text that keeps tools to chosen containers: those whose control groups, or whose mount
namespaces, are the keys of a table that somebody pinned in a BPF file system."""

import os

_CGROUP = """
BPF_TABLE_PINNED("hash", u64, u64, cgroupset, 1024, "%s");
static inline int container_cgroup_is_other(void) {
    u64 id = bpf_get_current_cgroup_id();
    return cgroupset.lookup(&id) == 0;
}
"""

# By helpers, since programs of the BTF-typed kinds don't follow this task's pointers as plain C.
# A task that is about to end has no namespaces any more; it is shown.
_MOUNT_NAMESPACE = """
#include <linux/nsproxy.h>
#include <linux/ns_common.h>
#define MNT_NAMESPACE_DEFINED
BPF_TABLE_PINNED("hash", u64, u32, mount_ns_set, 1024, "%s");
static inline int container_mount_is_other(void) {
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct nsproxy *namespaces = 0;
    struct mnt_namespace *mounts = 0;
    unsigned int number = 0;
    u64 id;
    if (bpf_probe_read_kernel(&namespaces, sizeof(namespaces), &task->nsproxy) ||
        bpf_probe_read_kernel(&mounts, sizeof(mounts), &namespaces->mnt_ns) ||
        bpf_probe_read_kernel(&number, sizeof(number), &mounts->ns.inum))
        return 0;
    id = number;
    return mount_ns_set.lookup(&id) == 0;
}
"""


def _text(template, path):
    path = os.fsdecode(path)
    if any(character in path for character in "\"\\\n"):
        raise ValueError("%r can't be the path of a pinned table" % path)
    return template % path


def filter_by_containers(args):
    """C text to put before a source, which defines container_should_be_filtered(): non-zero for
    tasks of other containers.

    args: has the attributes cgroupmap and mntnsmap, each the path of a pinned table or None.
    """
    text, checks = "", []
    if args.cgroupmap:
        text += _text(_CGROUP, args.cgroupmap)
        checks.append("container_cgroup_is_other()")
    if args.mntnsmap:
        text += _text(_MOUNT_NAMESPACE, args.mntnsmap)
        checks.append("container_mount_is_other()")
    return text + """
static inline int container_should_be_filtered() {
    return %s;
}
""" % (" || ".join(checks) or "0")
