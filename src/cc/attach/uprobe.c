// SPDX-License-Identifier: Apache-2.0
/*
 * User probes: a breakpoint at an offset in a file, in every process that maps it or in one of
 * them. The offset is computed from the symbol's address and the program headers.
 */
#include "attach/uprobe.h"

#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>

#include "attach/attach.h"
#include "attach/perf_link.h"
#include "base/options.h"
#include "elf/go_binary.h"
#include "elf/ifunc.h"
#include "elf/library.h"
#include "elf/symbols.h"
#include "kernel/features.h"
#include "kernel/multi_link.h"
#include "load/program.h"

/* The upper bits of the event's config hold the offset of a reference counter. */
#define REF_COUNTER_SHIFT 32

/* Finds the virtual address of the probe in the file. Warns if the probe won't do what is meant. */
static struct ebcc_error *find_address(struct ebcc_elf *elf, struct ebcc_program *program,
				       const struct ebcc_uprobe_opts *opts,
				       const struct ebcc_uprobe_place *place, uint64_t *ret)
{
	struct ebcc_elf_symbol symbol = {.address = opts->address};

	if (opts->symbol)
		TRY(ebcc_elf_find_function(elf, opts->symbol, &symbol));
	else if (!opts->address)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a user probe in %s needs a symbol or an address",
					 opts->binary);
	if (symbol.indirect &&
	    !ebcc_find_variant(place->file, place->path, opts->symbol, &symbol.address))
		ebcc_log(&program->module->log, EBCC_LOG_WARNING,
			 "%s of %s has several variants, of which the loader chooses one (an "
			 "IFUNC); "
			 "the probe is in the function that chooses, which runs once per process",
			 opts->symbol, opts->binary);
	if (opts->offset > UINT64_MAX - symbol.address)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "the offset 0x%llx is too large",
					 (unsigned long long)opts->offset);
	*ret = symbol.address + opts->offset;
	return NULL;
}

/* Formats "PATH:SYMBOL+0xOFFSET" or "PATH:0xADDRESS". @ret is malloc'ed. */
static struct ebcc_error *describe(const char *path, const struct ebcc_uprobe_opts *opts,
				   uint64_t address, char **ret)
{
	int length;

	if (opts->symbol && opts->offset)
		length = asprintf(ret, "%s:%s+0x%llx", path, opts->symbol,
				  (unsigned long long)opts->offset);
	else if (opts->symbol)
		length = asprintf(ret, "%s:%s", path, opts->symbol);
	else
		length = asprintf(ret, "%s:0x%llx", path, (unsigned long long)address);
	if (length >= 0)
		return NULL;
	*ret = NULL;
	return ebcc_error_no_memory();
}

static struct ebcc_error *open_error(const struct ebcc_uprobe_place *place, int errnum)
{
	struct ebcc_error *error;

	if (errnum == ESRCH)
		error = ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no process %d",
					  place->pid);
	else if (errnum == ENOTSUP || errnum == EINVAL)
		error = ebcc_error_os(
			EBCC_ERROR_ATTACH, errnum,
			"the kernel can't probe offset 0x%llx of %s: it must be the start "
			"of an instruction that can be single-stepped, in a file system that "
			"allows probes",
			(unsigned long long)place->offset, place->path);
	else
		error = ebcc_error_os(EBCC_ERROR_OS, errnum, "can't probe offset 0x%llx of %s",
				      (unsigned long long)place->offset, place->path);
	return ebcc_error_with_subject(error, place->path);
}

/* It isn't if the process has another root directory, or after an upgrade. */
void ebcc_uprobe_kernel_path(int file, const char *path, char *ret)
{
	struct stat opened, named;

	if (strlen(path) < EBCC_UPROBE_PATH_SIZE && !fstat(file, &opened) && !stat(path, &named) &&
	    opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
		strcpy(ret, path);
	else
		snprintf(ret, EBCC_UPROBE_PATH_SIZE, "/proc/self/fd/%d", file);
}

struct ebcc_error *ebcc_uprobe_open(const struct ebcc_uprobe_place *place, int *ret)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .disabled = 1};
	char path[EBCC_UPROBE_PATH_SIZE];
	uint64_t return_bit;
	int fd;

	if (!ebcc_perf_source("uprobe", &attr.type, &return_bit))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"this kernel has no user probes (CONFIG_UPROBE_EVENTS), or sysfs is "
			"not mounted");
	if (place->semaphore_offset > UINT32_MAX)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"the offset of the semaphore, 0x%llx, is too large for the kernel",
			(unsigned long long)place->semaphore_offset);
	ebcc_uprobe_kernel_path(place->file, place->path, path);
	attr.config =
		place->semaphore_offset << REF_COUNTER_SHIFT | (place->on_return ? return_bit : 0);
	attr.uprobe_path = (uint64_t)(uintptr_t)path;
	attr.probe_offset = place->offset;
	fd = ebcc_perf_event_open_tracing(&attr, place->pid);
	if (fd < 0)
		return open_error(place, errno);
	*ret = fd;
	return NULL;
}

static struct ebcc_error *attach_event(struct ebcc_program *program,
				       const struct ebcc_uprobe_place *place, uint64_t cookie,
				       const char *target, struct ebcc_link **ret)
{
	int fd;

	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_KPROBE));
	TRY(ebcc_uprobe_open(place, &fd));
	return ebcc_perf_link_create(program, fd, cookie, place->on_return ? "uretprobe" : "uprobe",
				     target, ret);
}

struct ebcc_error *ebcc_uprobe_attach(struct ebcc_program *program,
				      const struct ebcc_uprobe_place *place, uint64_t cookie,
				      const char *name, struct ebcc_link **ret)
{
	AUTO_FREE char *target = NULL;

	if (asprintf(&target, "%s:%s", place->path, name) < 0) {
		target = NULL;
		return ebcc_error_no_memory();
	}
	return attach_event(program, place, cookie, target, ret);
}

struct ebcc_error *ebcc_uprobe_link(struct ebcc_program *program,
				    const struct ebcc_uprobe_place *common, const uint64_t *offsets,
				    const uint64_t *semaphores, const uint64_t *cookies,
				    size_t count, int *ret)
{
	char path[EBCC_UPROBE_PATH_SIZE];
	struct ebcc_uprobe_multi_request request = {
		.attach_type = EBCC_UPROBE_MULTI,
		.on_return = common->on_return,
		.path = path,
		.offsets = offsets,
		.semaphores = semaphores,
		.cookies = cookies,
		.count = (uint32_t)count,
		.pid = common->pid > 0 ? common->pid : 0,
	};
	int fd;

	*ret = -1;
	if (!ebcc_feature(EBCC_FEATURE_UPROBE_MULTI) || !ebcc_program_can_vary(program))
		return NULL;
	TRY(ebcc_attach_prepare_variant(program, BPF_PROG_TYPE_KPROBE, EBCC_UPROBE_MULTI, &fd));
	ebcc_uprobe_kernel_path(common->file, common->path, path);
	*ret = ebcc_uprobe_multi_link(fd, &request);
	return NULL;
}

/* A single place gets a link for many, too, if the kernel has those: it is removed in half of the
 * time that an event takes, and beside others. */
static struct ebcc_error *attach_place(struct ebcc_program *program,
				       const struct ebcc_uprobe_place *place, uint64_t cookie,
				       const char *target, struct ebcc_link **ret)
{
	AUTO_CLOSE int fd = -1;

	TRY(ebcc_cookie_check(cookie));
	TRY(ebcc_uprobe_link(program, place, &place->offset,
			     place->semaphore_offset ? &place->semaphore_offset : NULL,
			     cookie ? &cookie : NULL, 1, &fd));
	if (fd < 0)
		return attach_event(program, place, cookie, target, ret);
	TRY(ebcc_link_create(program, sizeof(**ret), ebcc_link_detach_nothing, ret, "%s:%s",
			     place->on_return ? "uretprobe" : "uprobe", target));
	(*ret)->fd = TAKE_FD(fd);
	(*ret)->release = ebcc_link_release_fd;
	return NULL;
}

void ebcc_uprobe_warn_of_go(struct ebcc_program *program, struct ebcc_elf *elf, const char *path)
{
	if (ebcc_elf_is_go(elf))
		ebcc_log(&program->module->log, EBCC_LOG_WARNING,
			 "%s was built by the Go compiler: a return probe changes the return "
			 "address on the stack, which Go may move, and that can crash the program; "
			 "probe the function's entry, or its RET instructions by their offsets",
			 path);
}

static struct ebcc_error *attach(struct ebcc_program *program, const struct ebcc_uprobe_opts *opts,
				 struct ebcc_uprobe_place *place, struct ebcc_link **ret)
{
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_FREE char *target = NULL;
	uint64_t address = 0;

	TRY(ebcc_elf_open_fd(place->file, place->path, &elf));
	TRY(find_address(elf, program, opts, place, &address));
	TRY(ebcc_elf_address_to_offset(elf, address, &place->offset));
	TRY(describe(place->path, opts, address, &target));
	if (opts->on_return)
		ebcc_uprobe_warn_of_go(program, elf, place->path);
	return attach_place(program, place, opts->cookie, target, ret);
}

struct ebcc_error *ebcc_program_attach_uprobe(struct ebcc_program *program,
					      const struct ebcc_uprobe_opts *caller_opts,
					      struct ebcc_link **ret)
{
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts)};
	struct ebcc_uprobe_place place = {0};
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int file = -1;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_uprobe_opts"));
	if (!opts.binary || !*opts.binary)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a user probe needs a binary");
	TRY(ebcc_open_binary(opts.binary, opts.pid, &file, &path));
	place.file = file;
	place.path = path;
	place.semaphore_offset = opts.semaphore_offset;
	place.pid = opts.pid;
	place.on_return = opts.on_return;
	return attach(program, &opts, &place, ret);
}
