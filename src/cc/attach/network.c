// SPDX-License-Identifier: Apache-2.0
/*
 * Programs for packets and sockets: XDP on a network interface, socket filters, and programs that
 * are attached to a descriptor (of a control group, a table of sockets and others).
 */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/options.h"
#include "load/link.h"

static struct ebcc_error *find_device(const char *device, unsigned *ret)
{
	*ret = if_nametoindex(device);
	if (*ret)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				  "there is no network interface \"%s\" in this network namespace",
				  device),
		device);
}

/* What no descriptor keeps attached is detached by the process that attached it, not by its forked
 * children. */
static bool is_owner(const struct ebcc_link *link)
{
	return link->program->module->owner == getpid();
}

/* ---- XDP ---- */

struct xdp_link {
	struct ebcc_link base;
	unsigned ifindex, flags;
};

/* Detaches only this program: the interface may have another program by now, or its index may
 * belong to an interface of another namespace. */
static struct ebcc_error *detach_xdp(struct ebcc_link *link)
{
	struct xdp_link *xdp = (struct xdp_link *)link;
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = link->program->fd);
	LOG_SCOPE(NULL); /* libbpf would warn if there is another program, which is fine */
	int err = 0;

	if (xdp->ifindex && is_owner(link))
		err = bpf_xdp_detach((int)xdp->ifindex,
				     (xdp->flags & XDP_FLAGS_MODES) | XDP_FLAGS_REPLACE, &opts);
	/* The interface has another program by now, or is gone. */
	if (!err || err == -EEXIST || err == -ENODEV)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_ATTACH, -err, "can't remove the XDP program");
}

static struct ebcc_error *xdp_error(int errnum, const char *device, const char *program)
{
	const char *hint = "";

	if (errnum == EBUSY)
		hint = ": another program is attached there";
	else if (errnum == EEXIST)
		hint = ": a program is attached there in another mode, or may not be replaced";
	else if (errnum == EOPNOTSUPP)
		hint = ": its driver does not support this mode (XDP_FLAGS_SKB_MODE always works)";
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_ATTACH, errnum,
						     "can't attach program %s to interface %s%s",
						     program, device, hint),
				       device);
}

struct ebcc_error *ebcc_program_attach_xdp(struct ebcc_program *program, const char *device,
					   const struct ebcc_xdp_opts *caller_opts,
					   struct ebcc_link **ret)
{
	struct ebcc_xdp_opts opts = {.sz = sizeof(opts)};
	struct xdp_link *xdp;
	unsigned ifindex;
	int err;
	LOG_SCOPE(&program->module->log);
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_xdp_opts"));
	TRY(ebcc_flags_check(opts.flags, XDP_FLAGS_MASK, "ebcc_xdp_opts.flags"));
	TRY(find_device(device, &ifindex));
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_XDP));
	TRY(ebcc_link_create(program, sizeof(*xdp), detach_xdp, (struct ebcc_link **)&xdp, "xdp:%s",
			     device));
	err = bpf_xdp_attach((int)ifindex, program->fd, opts.flags, NULL);
	if (err) {
		ebcc_link_destroy(&xdp->base);
		return xdp_error(-err, device, program->name);
	}
	xdp->ifindex = ifindex;
	xdp->flags = opts.flags;
	*ret = &xdp->base;
	return NULL;
}

struct ebcc_error *ebcc_device_remove_xdp(const char *device, unsigned flags)
{
	unsigned ifindex;
	int err;
	LOG_SCOPE(NULL);

	TRY(ebcc_flags_check(flags, XDP_FLAGS_MASK, "flags of ebcc_device_remove_xdp()"));
	TRY(find_device(device, &ifindex));
	err = bpf_xdp_detach((int)ifindex, flags, NULL);
	if (!err)
		return NULL;
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_ATTACH, -err,
						     "can't remove the XDP program of interface %s",
						     device),
				       device);
}

/* ---- Sockets ---- */

static struct ebcc_error *detach_socket(struct ebcc_link *link)
{
	int unused = 0, failed = 0, errnum;

	if (link->fd < 0)
		return NULL;
	if (is_owner(link))
		failed = setsockopt(link->fd, SOL_SOCKET, SO_DETACH_BPF, &unused, sizeof(unused));
	errnum = errno;
	close(link->fd);
	/* Someone else took the filter off. */
	if (!failed || errnum == ENOENT)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_ATTACH, errnum, "can't take the filter off the socket");
}

static struct ebcc_error *close_socket(struct ebcc_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	return NULL;
}

static struct ebcc_error *set_filter(struct ebcc_program *program, int socket_fd)
{
	if (!setsockopt(socket_fd, SOL_SOCKET, SO_ATTACH_BPF, &program->fd, sizeof(program->fd)))
		return NULL;
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_ATTACH, errno,
						     "can't attach program %s to the socket",
						     program->name),
				       program->name);
}

struct ebcc_error *ebcc_program_attach_socket(struct ebcc_program *program, int socket_fd,
					      const struct ebcc_socket_opts *caller_opts,
					      struct ebcc_link **ret)
{
	struct ebcc_socket_opts opts = {.sz = sizeof(opts)};
	AUTO_CLOSE int copy = -1;
	struct ebcc_link *link;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_socket_opts"));
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_SOCKET_FILTER));
	copy = fcntl(socket_fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return ebcc_error_os(EBCC_ERROR_INVALID_ARGUMENT, errno,
				     "descriptor %d is not a socket", socket_fd);
	TRY(set_filter(program, copy));
	TRY(ebcc_link_create(program, sizeof(*link), detach_socket, &link, "socket:%d", socket_fd));
	link->fd = TAKE_FD(copy);
	*ret = link;
	return NULL;
}

/* The socket gets its protocol last, so no packet arrives before the filter is attached. */
struct ebcc_error *ebcc_program_attach_raw_socket(struct ebcc_program *program,
						  const struct ebcc_raw_socket_opts *caller_opts,
						  struct ebcc_link **ret)
{
	struct ebcc_raw_socket_opts opts = {.sz = sizeof(opts)};
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	AUTO_CLOSE int fd = -1;
	struct ebcc_link *link;
	unsigned ifindex = 0;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_raw_socket_opts"));
	if (opts.device && *opts.device)
		TRY(find_device(opts.device, &ifindex));
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_SOCKET_FILTER));
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't open a raw socket");
	TRY(set_filter(program, fd));
	address.sll_ifindex = (int)ifindex;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't bind a raw socket to %s",
				     ifindex ? opts.device : "all interfaces");
	TRY(ebcc_link_create(program, sizeof(*link), close_socket, &link, "raw socket:%s",
			     ifindex ? opts.device : "all"));
	link->fd = TAKE_FD(fd);
	*ret = link;
	return NULL;
}

/* ---- Descriptors ---- */

/* BPF_F_ALLOW_OVERRIDE to BPF_F_PREORDER, and BPF_F_LINK: not all headers have them. */
#define ATTACH_FLAGS (0x7f | 1u << 13)

struct descriptor_link {
	struct ebcc_link base; /* fd: a copy of the descriptor */
	enum bpf_attach_type attach_type;
	bool attached;
};

static struct ebcc_error *detach_descriptor(struct ebcc_link *link)
{
	struct descriptor_link *descriptor = (struct descriptor_link *)link;
	int err = 0;

	if (descriptor->attached && is_owner(link))
		err = bpf_prog_detach2(link->program->fd, link->fd, descriptor->attach_type);
	if (link->fd >= 0)
		close(link->fd);
	/* Someone else detached it. */
	if (!err || err == -ENOENT)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_ATTACH, -err, "can't detach the program");
}

/* The type of programs with this attach type, or 0 if several types have it. */
static unsigned program_type(int attach_type)
{
	switch (attach_type) {
	case BPF_CGROUP_INET_INGRESS:
	case BPF_CGROUP_INET_EGRESS:
		return BPF_PROG_TYPE_CGROUP_SKB;
	case BPF_CGROUP_INET_SOCK_CREATE:
	case BPF_CGROUP_INET_SOCK_RELEASE:
	case BPF_CGROUP_INET4_POST_BIND:
	case BPF_CGROUP_INET6_POST_BIND:
		return BPF_PROG_TYPE_CGROUP_SOCK;
	case BPF_CGROUP_INET4_BIND ... BPF_CGROUP_INET6_CONNECT:
	case BPF_CGROUP_UDP4_SENDMSG ... BPF_CGROUP_UDP6_SENDMSG:
	case BPF_CGROUP_UDP4_RECVMSG ... BPF_CGROUP_UDP6_RECVMSG:
	case BPF_CGROUP_INET4_GETPEERNAME ... BPF_CGROUP_INET6_GETSOCKNAME:
		return BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	case BPF_CGROUP_SOCK_OPS:
		return BPF_PROG_TYPE_SOCK_OPS;
	case BPF_CGROUP_DEVICE:
		return BPF_PROG_TYPE_CGROUP_DEVICE;
	case BPF_CGROUP_SYSCTL:
		return BPF_PROG_TYPE_CGROUP_SYSCTL;
	case BPF_CGROUP_GETSOCKOPT:
	case BPF_CGROUP_SETSOCKOPT:
		return BPF_PROG_TYPE_CGROUP_SOCKOPT;
	case BPF_SK_SKB_STREAM_PARSER:
	case BPF_SK_SKB_STREAM_VERDICT:
	case BPF_SK_SKB_VERDICT:
		return BPF_PROG_TYPE_SK_SKB;
	case BPF_SK_MSG_VERDICT:
		return BPF_PROG_TYPE_SK_MSG;
	case BPF_LIRC_MODE2:
		return BPF_PROG_TYPE_LIRC_MODE2;
	case BPF_FLOW_DISSECTOR:
		return BPF_PROG_TYPE_FLOW_DISSECTOR;
	default:
		return BPF_PROG_TYPE_UNSPEC;
	}
}

static struct ebcc_error *load_for(struct ebcc_program *program, int attach_type)
{
	struct ebcc_program_opts opts = {
		.sz = sizeof(opts), .attach_type = attach_type, .has_attach_type = true};

	if (program->fd >= 0)
		return NULL;
	if (!program_type(attach_type))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "program %s: attach type %d does not imply a program "
					 "type, so load the program first",
					 program->name, attach_type);
	return ebcc_program_load(program, program_type(attach_type), &opts);
}

struct ebcc_error *ebcc_program_attach_descriptor(struct ebcc_program *program, int fd,
						  int attach_type,
						  const struct ebcc_descriptor_opts *caller_opts,
						  struct ebcc_link **ret)
{
	struct ebcc_descriptor_opts opts = {.sz = sizeof(opts)};
	const char *name = libbpf_bpf_attach_type_str((enum bpf_attach_type)attach_type);
	struct descriptor_link *link;
	struct ebcc_error *error = NULL;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_descriptor_opts"));
	TRY(ebcc_flags_check(opts.flags, ATTACH_FLAGS, "ebcc_descriptor_opts.flags"));
	TRY(load_for(program, attach_type));
	TRY(ebcc_link_create(program, sizeof(*link), detach_descriptor, (struct ebcc_link **)&link,
			     "%s:%d", name ? name : "attached", fd));
	link->attach_type = (enum bpf_attach_type)attach_type;
	link->base.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (link->base.fd < 0)
		error = ebcc_error_os(EBCC_ERROR_INVALID_ARGUMENT, errno, "%d is not a descriptor",
				      fd);
	else if (bpf_prog_attach(program->fd, fd, link->attach_type, opts.flags))
		error = ebcc_error_os(EBCC_ERROR_ATTACH, errno,
				      "can't attach program %s to descriptor %d as %s",
				      program->name, fd, name ? name : "that type");
	if (error) {
		ebcc_link_destroy(&link->base);
		return ebcc_error_with_subject(error, program->name);
	}
	link->attached = true;
	*ret = &link->base;
	return NULL;
}
