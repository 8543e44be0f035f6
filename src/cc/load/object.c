// SPDX-License-Identifier: Apache-2.0
#include "load/object.h"

#include <errno.h>
#include <gelf.h>
#include <net/if.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "elf/bpf_object.h"
#include "kernel/btf_check.h"
#include "kernel/features.h"
#include "load/capture.h"

void ebcc_cleanup_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

/* libbpf silently skips relocations in data: programs would read 0 in place of the address. */
static struct ebcc_error *check_relocations(const char *bytes, size_t size)
{
	const char *section = ebcc_elf_relocated_data(bytes, size);

	return section ? ebcc_error_create(
				 EBCC_ERROR_UNSUPPORTED,
				 "global variables of the object (section %s) are initialized with "
				 "addresses, which libbpf does not fill in: programs "
				 "would read wrong values; compile the source with ebcc, or let "
				 "the "
				 "programs set these variables",
				 section)
		       : NULL;
}

/* Checks one BTF section of an object from elsewhere. */
static struct ebcc_error *check_btf_section(Elf_Scn *section)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	struct btf *btf = data ? btf__new(data->d_buf, data->d_size) : NULL;
	struct ebcc_error *error = NULL;

	/* If libbpf rejects the BTF here, it will do so again later, with a message. */
	if (btf)
		error = ebcc_btf_check(btf, "the BPF object");
	btf__free(btf);
	return error;
}

struct ebcc_error *ebcc_object_check(const char *bytes, size_t size)
{
	struct ebcc_error *error = NULL;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)bytes, size);
	/* Check all sections of that name, since libbpf may use any of them. */
	while (!error && elf && !elf_getshdrstrndx(elf, &names) &&
	       (section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (name && !strcmp(name, BTF_ELF_SEC))
			error = check_btf_section(section);
	}
	elf_end(elf);
	return error;
}

struct ebcc_error *ebcc_object_open(const struct ebcc_module *module, const char *bytes,
				    size_t size, struct bpf_object **ret)
{
	/* Names of maps of global variables begin with this one: "ebcc.rodata". */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ebcc");
	AUTO_CAPTURE struct ebcc_capture capture = {0};
	struct bpf_object *object;

	TRY(check_relocations(bytes, size));
	ebcc_capture_init(&capture, &module->log);
	LOG_SCOPE(&capture.log);
	object = bpf_object__open_mem(bytes, size, &opts);
	if (!object) {
		AUTO_BUF struct ebcc_buf reason = EBCC_BUF_INIT;
		int errnum = errno;

		ebcc_capture_reason(&capture, &reason);
		/* Numbers of libbpf's own, which say less than its message. */
		if (errnum >= __LIBBPF_ERRNO__START)
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "the BPF object is truncated or malformed%s",
						 ebcc_buf_string(&reason));
		return ebcc_error_os(EBCC_ERROR_FORMAT, errnum,
				     "libbpf can't read the BPF object%s",
				     ebcc_buf_string(&reason));
	}
	*ret = object;
	return NULL;
}

void ebcc_object_disable_programs(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object)
		bpf_program__set_autoload(program, false);
}

struct ebcc_error *ebcc_module_ifindex(const struct ebcc_module *module, unsigned *ret)
{
	unsigned index = 0;

	if (module->device) {
		index = if_nametoindex(module->device);
		if (!index)
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_NOT_FOUND,
						  "there is no network device '%s'",
						  module->device),
				module->device);
	}
	*ret = index;
	return NULL;
}
