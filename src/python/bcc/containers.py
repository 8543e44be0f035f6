# SPDX-License-Identifier: Apache-2.0
"""Source text that restricts tools to chosen containers: those whose control groups or mount
namespaces are the keys of a table that the user has pinned in a BPF file system."""

import os

_CGROUP = """
BPF_TABLE_PINNED("hash", u64, u64, cgroupset, 1024, "%s");
static inline int container_cgroup_is_other(void) {
    u64 id = bpf_get_current_cgroup_id();
    return cgroupset.lookup(&id) == 0;
}
"""

# It reads with helpers, because programs of BTF-typed kinds can't follow the pointers of this task in
# plain C. A task that is about to exit no longer has namespaces; it is shown.
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


def _fill_path(template, path):
    path = os.fsdecode(path)
    if any(character in path for character in "\"\\\n"):
        raise ValueError("%r can't be the path of a pinned table" % path)
    return template % path


def filter_by_containers(args):
    """C text to put before a source. It defines container_should_be_filtered(), which returns non-zero
    for tasks of other containers.

    args: an object with the attributes cgroupmap and mntnsmap, each the path of a pinned table or
    None. Raises ValueError for a path that contains a quote, a backslash or a line break.
    """
    text, checks = "", []
    if args.cgroupmap:
        text += _fill_path(_CGROUP, args.cgroupmap)
        checks.append("container_cgroup_is_other()")
    if args.mntnsmap:
        text += _fill_path(_MOUNT_NAMESPACE, args.mntnsmap)
        checks.append("container_mount_is_other()")
    return text + """
static inline int container_should_be_filtered() {
    return %s;
}
""" % (" || ".join(checks) or "0")
