# SPDX-License-Identifier: Apache-2.0
"""Restricts tools to chosen control groups or mount namespaces: those that are keys of a BPF map that
the user has pinned, and may change at any time.

The pinned maps may have any size: each is put into the single entry of a map of maps, where the
source below looks it up.
"""
import os

from . import cli

SOURCE = r"""
#include <linux/nsproxy.h>
#include <linux/sched.h>

const volatile bool filter_cgroup = false;
const volatile bool filter_mount_namespace = false;

BPF_HASH(cgroup_set, u64, u64, 1);
BPF_HASH(mount_namespace_set, u64, u32, 1);
BPF_ARRAY_OF_MAPS(cgroup_sets, "cgroup_set", 1);
BPF_ARRAY_OF_MAPS(mount_namespace_sets, "mount_namespace_set", 1);

static inline bool in_set(void *set, u64 id)
{
	return set && bpf_map_lookup_elem(set, &id);
}

/* Whether the current task is in the sets that the options name. */
static inline bool in_pinned_sets(void)
{
	int first = 0;

	if (filter_cgroup && !in_set(cgroup_sets.lookup(&first), bpf_get_current_cgroup_id()))
		return false;
	if (filter_mount_namespace) {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		if (!in_set(mount_namespace_sets.lookup(&first), task->nsproxy->mnt_ns->ns.inum))
			return false;
	}
	return true;
}
"""


def add_arguments(parser, verb):
    """Adds the options that name the sets. verb: what the tool does to their members."""
    parser.add_argument("--cgroupmap", metavar="PATH", help=f"{verb} only processes in "
                                                            "cgroups whose ids are keys of this "
                                                            "pinned BPF map")
    parser.add_argument("--mntnsmap", metavar="PATH", help=f"{verb} only processes in mount "
                                                           "namespaces whose inode numbers are "
                                                           "keys of this pinned BPF map")


def constants(args):
    """The constants of SOURCE for these arguments."""
    return {"filter_cgroup": args.cgroupmap is not None,
            "filter_mount_namespace": args.mntnsmap is not None}


def put(module, args):
    """Puts the sets that the options name into the tables of module, a BPF object. Raises Failure."""
    _put_one(module["cgroup_sets"], args.cgroupmap, "keys and values of 8 bytes")
    _put_one(module["mount_namespace_sets"], args.mntnsmap,
             "keys of 8 bytes and values of 4 bytes")


def _put_one(table, path, sizes):
    if path is None:
        return
    descriptor = cli.open_pinned_map(path)
    try:
        table[0] = descriptor
    except Exception as error:
        raise cli.Failure(f"{path} must be a BPF map of type hash without flags, with {sizes}: "
                          f"{error}") from error
    finally:
        os.close(descriptor)
