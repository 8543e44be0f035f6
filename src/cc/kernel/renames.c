// SPDX-License-Identifier: Apache-2.0
/*
 * Renames in the kernel. The version is the first one without the old name. Distributions may have
 * backported a change, so the version is only reported, and used to choose between rows.
 */
#include "kernel/renames.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define V EBCC_LINUX
#define MEMBER EBCC_RENAMED_MEMBER
#define TYPE EBCC_RENAMED_TYPE
#define FUNCTION EBCC_RENAMED_FUNCTION
#define TRACEPOINT EBCC_RENAMED_TRACEPOINT

static const struct ebcc_rename renames[] = {
	{MEMBER, "task_struct", "state", "__state", V(5, 14), 0, NULL},
	{MEMBER, "task_struct", "cpu", "thread_info.cpu", V(5, 16), 0, "thread_info.cpu"},
	{MEMBER, "task_struct", "real_start_time", "start_boottime", V(5, 5), 0, NULL},
	{MEMBER, "task_struct", "thread_group", "thread_node", V(6, 7), 0,
	 "thread_node, in the list signal->thread_head"},
	{MEMBER, "request", "rq_disk", "request_queue.disk", V(5, 17), 0, "q->disk"},
	{MEMBER, "bio", "bi_disk", "block_device.bd_disk", V(5, 12), 0, "bi_bdev->bd_disk"},
	{MEMBER, "block_device", "bd_partno", "__bd_flags", V(6, 10), 0,
	 "the low byte of __bd_flags"},
	{MEMBER, "block_device", "bd_inode", "bd_mapping", V(6, 10), 0, "bd_mapping->host"},
	{MEMBER, "inode", "i_ctime", "i_ctime_sec", V(6, 11), 0, "i_ctime_sec and i_ctime_nsec"},
	{MEMBER, "inode", "i_ctime", "__i_ctime", V(6, 6), V(6, 11), NULL},
	{MEMBER, "inode", "i_mtime", "i_mtime_sec", V(6, 11), 0, "i_mtime_sec and i_mtime_nsec"},
	{MEMBER, "inode", "i_mtime", "__i_mtime", V(6, 7), V(6, 11), NULL},
	{MEMBER, "inode", "i_atime", "i_atime_sec", V(6, 11), 0, "i_atime_sec and i_atime_nsec"},
	{MEMBER, "inode", "i_atime", "__i_atime", V(6, 7), V(6, 11), NULL},
	{MEMBER, "mm_struct", "mmap", "mm_mt", V(6, 1), 0, "the maple tree mm_mt, not a list"},
	{MEMBER, "mm_struct", "mmap_sem", "mmap_lock", V(5, 8), 0, NULL},
	{MEMBER, "vm_area_struct", "vm_next", "mm_struct.mm_mt", V(6, 1), 0,
	 "the maple tree mm->mm_mt, not a list"},
	{MEMBER, "vm_area_struct", "vm_prev", "mm_struct.mm_mt", V(6, 1), 0,
	 "the maple tree mm->mm_mt, not a list"},
	{MEMBER, "sk_buff", "vlan_present", "vlan_all", V(6, 2), 0, "vlan_all != 0"},
	{MEMBER, "sk_buff", "mono_delivery_time", "tstamp_type", V(6, 11), 0, NULL},
	{MEMBER, "page", "index", "__folio_index", V(6, 16), 0,
	 "__folio_index, and index of struct folio"},
	{MEMBER, "page", "slab_cache", "slab.slab_cache", V(5, 17), 0,
	 "slab_cache of struct slab, which overlays struct page"},
	{MEMBER, "kernfs_node", "parent", "__parent", V(6, 15), 0, NULL},
	{MEMBER, "module", "core_layout", "mem", V(6, 4), 0, "mem[MOD_TEXT] and what follows it"},
	{MEMBER, "file", "f_count", "f_ref", V(6, 13), 0, "f_ref.refcnt"},
	{MEMBER, "file", "f_version", NULL, V(6, 12), 0, NULL},
	{MEMBER, "dentry", "d_iname", "d_shortname", V(6, 14), 0, "d_shortname.string"},
	{MEMBER, "dentry", "d_count", "d_lockref", V(3, 12), 0, "d_lockref.count"},
	{MEMBER, "cfs_rq", "nr_running", "nr_queued", V(6, 14), 0, NULL},
	/* Linux 6.14; 6.12.y took the change over. */
	{MEMBER, "cfs_rq", "h_nr_running", "h_nr_queued", V(6, 12), 0, NULL},
	{MEMBER, "iov_iter", "iov", "__iov", V(6, 4), 0, NULL},
	{MEMBER, "iov_iter", "type", "iter_type", V(5, 14), 0, "iter_type, and data_source"},
	{TYPE, NULL, "hd_struct", "block_device", V(5, 11), 0, "struct block_device"},
	{TYPE, NULL, "mm_rss_stat", "percpu_counter", V(6, 2), 0,
	 "an array of struct percpu_counter, mm->rss_stat"},
	{FUNCTION, NULL, "_do_fork", "kernel_clone", V(5, 10), 0, NULL},
	{FUNCTION, NULL, "__close_fd", "close_fd", V(5, 11), 0, NULL},
	{FUNCTION, NULL, "generic_make_request", "submit_bio_noacct", V(5, 9), 0, NULL},
	{FUNCTION, NULL, "blk_start_request", "blk_mq_start_request", V(5, 0), 0, NULL},
	{FUNCTION, NULL, "blk_account_io_start", "block:block_io_start", V(6, 5), 0,
	 "the tracepoint block:block_io_start, since the compiler inlines the function"},
	{FUNCTION, NULL, "blk_account_io_start", "block:block_rq_issue", V(5, 17), V(6, 5),
	 "the tracepoint block:block_rq_issue, since the compiler inlines the function"},
	{FUNCTION, NULL, "blk_account_io_done", "block:block_io_done", V(6, 5), 0,
	 "the tracepoint block:block_io_done, since the compiler inlines the function"},
	{FUNCTION, NULL, "blk_account_io_done", "block:block_rq_complete", V(5, 17), V(6, 5),
	 "the tracepoint block:block_rq_complete, since the compiler inlines the function"},
	{FUNCTION, NULL, "generic_file_buffered_read", "filemap_read", V(5, 12), 0, NULL},
	{FUNCTION, NULL, "account_page_dirtied", "__folio_mark_dirty", V(5, 16), 0, NULL},
	{FUNCTION, NULL, "__do_page_cache_readahead", "page_cache_ra_unbounded", V(5, 8), 0, NULL},
	{FUNCTION, NULL, "swap_readpage", "swap_read_folio", V(6, 8), 0, NULL},
	{FUNCTION, NULL, "kfree_skb", "sk_skb_reason_drop", V(6, 11), 0, NULL},
	{FUNCTION, NULL, "kfree_skb", "kfree_skb_reason", V(5, 17), V(6, 11), NULL},
	{FUNCTION, NULL, "kfree_skb_reason", "sk_skb_reason_drop", V(6, 11), 0, NULL},
	{FUNCTION, NULL, "__alloc_pages_nodemask", "__alloc_pages_noprof", V(6, 10), 0, NULL},
	{FUNCTION, NULL, "__alloc_pages_nodemask", "__alloc_pages", V(5, 13), V(6, 10), NULL},
	{FUNCTION, NULL, "ttwu_do_wakeup", "ttwu_do_activate", V(6, 3), 0, NULL},
	{FUNCTION, NULL, "tcp_sendpage", "tcp_sendmsg", V(6, 5), 0, NULL},
	{TRACEPOINT, "bpf", "bpf_prog_load", "bpf_prog_load()", V(4, 17), 0,
	 "the function bpf_prog_load, for a kprobe"},
	{TRACEPOINT, "random", "urandom_read", "urandom_read_iter()", V(5, 18), 0,
	 "the function urandom_read_iter, for a kprobe"},
	{TRACEPOINT, "tcp", "tcp_set_state", "sock:inet_sock_set_state", V(4, 16), 0, NULL},
	{TRACEPOINT, "writeback", "writeback_dirty_page", "writeback:writeback_dirty_folio",
	 V(5, 18), 0, NULL},
	{TRACEPOINT, "kmem", "kmalloc_node", "kmem:kmalloc", V(6, 1), 0, NULL},
	{TRACEPOINT, "kmem", "kmem_cache_alloc_node", "kmem:kmem_cache_alloc", V(6, 1), 0, NULL},
	{TRACEPOINT, "timer", "hrtimer_init", "timer:hrtimer_setup", V(6, 15), 0, NULL},
};

const struct ebcc_rename *ebcc_rename_at(size_t index)
{
	return index < sizeof(renames) / sizeof(*renames) ? &renames[index] : NULL;
}

static bool is_row(const struct ebcc_rename *row, enum ebcc_rename_kind kind, const char *scope,
		   const char *name)
{
	return row->kind == kind && !strcmp(row->name, name) &&
	       (!row->scope || (scope && !strcmp(row->scope, scope)));
}

/* Finds the row for a kernel; if there are several, the one for its version. */
static const struct ebcc_rename *find_row(enum ebcc_rename_kind kind, const char *scope,
					  const char *name, const char *release)
{
	const struct ebcc_rename *row, *found = NULL;
	unsigned major = 0, minor = 0, version;

	if (release)
		sscanf(release, "%u.%u", &major, &minor);
	version = major ? EBCC_LINUX(major, minor) : EBCC_LINUX(0xffffu >> 1, 0);
	for (size_t i = 0; (row = ebcc_rename_at(i)); i++) {
		if (!is_row(row, kind, scope, name))
			continue;
		if (version >= row->since && (!row->until || version < row->until))
			return row;
		/* If even an older kernel lacks the name, the change was backported. */
		if (!found || row->since < found->since)
			found = row;
	}
	return found;
}

bool ebcc_rename_explain(enum ebcc_rename_kind kind, const char *scope, const char *name,
			 const char *release, struct ebcc_buf *ret)
{
	const struct ebcc_rename *row = find_row(kind, scope, name, release);

	if (!row)
		return false;
	ebcc_buf_printf(ret, "since Linux %u.%u ", row->since >> 16, row->since & 0xffff);
	if (row->now)
		ebcc_buf_printf(ret, "it is %s", row->how ? row->how : row->now);
	else
		ebcc_buf_append_string(ret, "it no longer exists, and nothing replaces it");
	return true;
}

bool ebcc_rename_tell(enum ebcc_rename_kind kind, const char *scope, const char *name,
		      struct ebcc_buf *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct utsname names;

	if (uname(&names) || !ebcc_rename_explain(kind, scope, name, names.release, &text))
		return false;
	ebcc_buf_printf(ret, "; %s", ebcc_buf_string(&text));
	return true;
}
