// SPDX-License-Identifier: Apache-2.0
/*
 * Constants, macros and small functions of kernel headers, for names that BTF doesn't have: from
 * the table (macros.h), from the kernel's configuration, and those whose value is computed for the
 * target kernel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "types/ktypes_internal.h"
#include "types/macros.h"

/* How far definitions are followed that use other definitions; the table nests 5 levels deep. */
#define MAX_ROUNDS 16

/* Evaluates "KERNEL >= 6.3", "KERNEL < 6.3", "X86_64" or "BTF(name)". */
static bool holds_term(const struct ebcc_ktypes *ktypes, const char *term)
{
	unsigned major, minor;
	char name[64], order[3];

	if (sscanf(term, "KERNEL %2[<>=] %u.%u", order, &major, &minor) == 3) {
		uint32_t code = major << 16 | minor << 8;

		return (ktypes->kernel->version_code >= code) == (*order == '>');
	}
	if (!strncmp(term, "X86_64", strlen("X86_64")))
		return ktypes->kernel->arch == EBCC_ARCH_X86_64;
	return sscanf(term, "BTF(%63[a-zA-Z0-9_])", name) == 1 &&
	       (ebcc_kernel_btf_find(ktypes->btf, name, BTF_KIND_FUNC) ||
		ebcc_kernel_btf_find(ktypes->btf, name, BTF_KIND_STRUCT));
}

/* Whether a definition applies to the target kernel. */
static bool holds(const struct ebcc_ktypes *ktypes, const struct ebcc_macro *macro)
{
	const char *term = ebcc_macro_condition(macro);
	bool all;

	if (!term)
		return true;
	all = holds_term(ktypes, term);
	while ((term = strpbrk(term, "|&"))) {
		bool either = *term == '|';
		bool next = holds_term(ktypes, term += strlen("|| "));

		all = either ? all || next : all && next;
	}
	return all != macro->negated;
}

/* The definition of a name for the target kernel, or NULL if there is none. */
static const struct ebcc_macro *find_macro(const struct ebcc_ktypes *ktypes, const char *name,
					   size_t size)
{
	const struct ebcc_macro *macro = ebcc_macro_find(name, size);
	const struct ebcc_macro *end = ebcc_macro_table + ebcc_macro_count;

	for (const char *found = macro ? ebcc_macro_name(macro) : NULL; found; macro++) {
		if (macro == end || strcmp(ebcc_macro_name(macro), found))
			return NULL;
		if (holds(ktypes, macro))
			return macro;
	}
	return NULL;
}

/* Whether the source may mean the macro of that name. */
static bool is_wanted(const struct ebcc_ktypes *ktypes, enum ebcc_macro_kind kind, unsigned uses)
{
	if (ktypes_excludes_ordinary(uses) ||
	    ((uses & EBCC_SCAN_DEFINES_MACRO) && !(uses & EBCC_SCAN_ASKED)))
		return false;
	if (uses & EBCC_SCAN_ASKED)
		return true;
	if (kind == EBCC_MACRO_ALIAS)
		return (uses & EBCC_SCAN_MEMBER) && ktypes->scan.net_headers;
	return uses & EBCC_SCAN_TOKEN;
}

/* Records that a name in the source has no value, since no configuration was found, or since the
 * object may be loaded on any kernel. */
static struct ebcc_error *note_unknown(struct ebcc_ktypes *ktypes, const char *name)
{
	ebcc_buf_printf(&ktypes->unknown, "%s%s", ktypes->unknown.size ? " " : "", name);
	return ebcc_buf_check(&ktypes->unknown);
}

/* Appends a definition that depends on the kernel; nothing if it can't be determined. */
typedef struct ebcc_error *(*computed_fn)(struct ebcc_ktypes *ktypes, struct ebcc_buf *text);

/* Declares a variable that libbpf sets when it loads the object: to the kernel's version, or from
 * its configuration. The preprocessor does not know its value. @may_lack: it is 0 if the
 * configuration does not have it; else loading fails. */
static struct ebcc_error *declare_extern(struct ebcc_ktypes *ktypes, const char *type,
					 const char *name, bool may_lack, struct ebcc_buf *text)
{
	ebcc_buf_printf(text, "extern %s %s __attribute__((__section__(\".kconfig\")%s));\n", type,
			name, may_lack ? ", __weak__" : "");
	return note_unknown(ktypes, name);
}

static struct ebcc_error *define_version(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	if (ktypes->portable) {
		ebcc_buf_append_string(text, "#define LINUX_VERSION_CODE LINUX_KERNEL_VERSION\n");
		return declare_extern(ktypes, "int", "LINUX_KERNEL_VERSION", false, text);
	}
	ebcc_buf_printf(text, "#define LINUX_VERSION_CODE %" PRIu32 "\n",
			ktypes->kernel->version_code);
	return NULL;
}

/* Why a name is refused in portable objects. */
static const char differing[] = "it differs from kernel to kernel";

/*
 * Defines a name that a portable object can't contain, so that each use is an error. The 0 behind
 * it keeps the use of a constant from causing a second one.
 */
static void print_refusal(struct ebcc_buf *text, const char *name, const char *parameters,
			  const char *why)
{
	ebcc_buf_printf(text,
			"#define %s%s _Pragma(\"GCC error \\\"'%s' can't be used in a portable "
			"object, because %s\\\"\") 0\n",
			name, parameters, name, why);
}

/* Whether kernels for this machine have different page sizes. */
static bool refuse_page_size(const struct ebcc_ktypes *ktypes, const char *name,
			     struct ebcc_buf *text)
{
	if (!ktypes->portable || ktypes->kernel->arch == EBCC_ARCH_X86_64)
		return false;
	print_refusal(text, name, "", differing);
	return true;
}

static struct ebcc_error *define_page_size(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	if (refuse_page_size(ktypes, "PAGE_SIZE", text))
		return NULL;
	if (!ktypes->kernel->page_size)
		return note_unknown(ktypes, "PAGE_SIZE");
	ebcc_buf_printf(text, "#define PAGE_SIZE %zuUL\n", ktypes->kernel->page_size);
	return NULL;
}

static struct ebcc_error *define_page_shift(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	if (refuse_page_size(ktypes, "PAGE_SHIFT", text))
		return NULL;
	if (!ktypes->kernel->page_size)
		return note_unknown(ktypes, "PAGE_SHIFT");
	ebcc_buf_printf(text, "#define PAGE_SHIFT %d\n", __builtin_ctzl(ktypes->kernel->page_size));
	return NULL;
}

/* Looks up a configuration symbol and records it as an input. *@ret is NULL if it is not set or,
 * with
 * *@ret_known false, not known. */
static struct ebcc_error *look_up_config(struct ebcc_ktypes *ktypes, const char *symbol, char **ret,
					 bool *ret_known)
{
	TRY(ebcc_kernel_option(ktypes->kernel, ktypes->btf, symbol, ret, ret_known));
	if (ktypes->kernel->config_path)
		ebcc_buf_printf(&ktypes->inputs, "config %s %s\n", symbol, *ret ? *ret : "n");
	else
		ebcc_buf_append_string(&ktypes->inputs, "unconfigured\n");
	return ebcc_buf_check(&ktypes->inputs);
}

/* Defines @name as the value of a configuration symbol, or as @otherwise if that is not set. */
static struct ebcc_error *define_from_config(struct ebcc_ktypes *ktypes, const char *name,
					     const char *symbol, const char *otherwise,
					     struct ebcc_buf *text)
{
	AUTO_FREE char *value = NULL;
	bool known;

	if (ktypes->portable) {
		ebcc_buf_printf(text, "#define %s %s\n", name, symbol);
		return declare_extern(ktypes, "int", symbol, false, text);
	}
	TRY(look_up_config(ktypes, symbol, &value, &known));
	if (!known)
		return note_unknown(ktypes, name);
	ebcc_buf_printf(text, "#define %s %s\n", name, value ? value : otherwise);
	return NULL;
}

static struct ebcc_error *define_hz(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	return define_from_config(ktypes, "HZ", "CONFIG_HZ", "250", text);
}

static struct ebcc_error *define_nr_cpus(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	return define_from_config(ktypes, "NR_CPUS", "CONFIG_NR_CPUS", "8192", text);
}

/* PAGE_OFFSET: where the kernel's half of the address space begins. */
static struct ebcc_error *define_page_offset(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	const struct ebcc_arch *arch = ebcc_arch_of_id(ktypes->kernel->arch);

	if (arch->page_offset_l4) {
		ebcc_buf_printf(text, "#define PAGE_OFFSET %#" PRIx64 "UL\n", arch->page_offset_l4);
		return NULL;
	}
	if (ktypes->portable) {
		print_refusal(text, "PAGE_OFFSET", "", differing);
		return NULL;
	}
	TRY(define_from_config(ktypes, "VA_BITS", "CONFIG_ARM64_VA_BITS", "48", text));
	ebcc_buf_append_string(text, "#define PAGE_OFFSET (-(1UL << VA_BITS))\n");
	return NULL;
}

static struct ebcc_error *define_base(struct ebcc_buf *text, const char *name, uint64_t base)
{
	if (base)
		ebcc_buf_printf(text, "#define %s %#" PRIx64 "UL\n", name, base);
	return NULL;
}

/* The same with page tables of four and of five levels. A kernel built with CONFIG_X86_5LEVEL,
 * which all are since 6.17, may run with either. */
static struct ebcc_error *define_page_offset_l4(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	return define_base(text, "__PAGE_OFFSET_BASE_L4",
			   ebcc_arch_of_id(ktypes->kernel->arch)->page_offset_l4);
}

static struct ebcc_error *define_page_offset_l5(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	return define_base(text, "__PAGE_OFFSET_BASE_L5",
			   ebcc_arch_of_id(ktypes->kernel->arch)->page_offset_l5);
}

/* The number of elements of an array member of a struct; 0 if there is no such array. */
static uint32_t array_length(const struct ebcc_kernel_btf *btf, const char *tag, const char *member)
{
	const struct ebcc_btf_part *part, *array_part;
	uint32_t id = ebcc_kernel_btf_find(btf, tag, BTF_KIND_STRUCT);
	const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part), *array;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (strcmp(ebcc_kernel_btf_name(btf, part, m->name_off), member))
			continue;
		id = ebcc_kernel_btf_strip(btf, ebcc_kernel_btf_id(part, m->type));
		array = ebcc_kernel_btf_type(btf, id, &array_part);
		return array && btf_is_array(array) ? btf_array(array)->nelems : 0;
	}
	return 0;
}

/* Constants that are the length of an array in a kernel struct. If BTF has the array, its length is
 * used instead of the table's value. @less: how much longer the array is than the constant. */
static const struct {
	const char *name, *tag, *member;
	uint32_t less;
} lengths[] = {
	{"KSYM_NAME_LEN", "kallsym_iter", "name", 0},
	{"MODULE_NAME_LEN", "module", "name", 0},
	{"TASK_COMM_LEN", "task_struct", "comm", 0},
	{"DISK_NAME_LEN", "gendisk", "disk_name", 0},
	{"IFNAMSIZ", "net_device", "name", 0},
	{"MAX_ADDR_LEN", "net_device", "perm_addr", 0},
	{"BINPRM_BUF_SIZE", "linux_binprm", "buf", 0},
	{"XT_TABLE_MAXNAMELEN", "xt_table", "name", 0},
	{"NR_PAGE_ORDERS", "zone", "free_area", 0},
	{"MAX_PAGE_ORDER", "zone", "free_area", 1},
};

/* The value of such a constant; 0 if it is not one of them or BTF doesn't have the array. */
static uint32_t length_of(const struct ebcc_kernel_btf *btf, const char *name)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		uint32_t length;

		if (strcmp(lengths[i].name, name))
			continue;
		length = array_length(btf, lengths[i].tag, lengths[i].member);
		return length > lengths[i].less ? length - lengths[i].less : 0;
	}
	return 0;
}

/* The size of d_iname in struct dentry, which is in the union d_shortname since 6.14. */
static uint32_t dname_length(const struct ebcc_kernel_btf *btf)
{
	uint32_t length = array_length(btf, "dentry", "d_iname");
	const struct ebcc_btf_part *part;
	const struct btf_type *t;

	if (length)
		return length;
	t = ebcc_kernel_btf_type(btf, ebcc_kernel_btf_find(btf, "shortname_store", BTF_KIND_UNION),
				 &part);
	return t ? t->size : 40;
}

/* Notes a constant of a portable object, which has another value or is an enumerator in other
 * kernels. @value NULL: it is not a plain number. */
static void note_constant(struct ebcc_ktypes *ktypes, const char *name, const uint64_t *value)
{
	if (!ktypes->portable)
		return;
	ebcc_buf_printf(&ktypes->constants, "%s ", name);
	if (value)
		ebcc_buf_printf(&ktypes->constants, "%" PRIu64 "\n", *value);
	else
		ebcc_buf_append_string(&ktypes->constants, "-\n");
}

/* Defines a constant that is the length of an array in the kernel. */
static void define_length(struct ebcc_ktypes *ktypes, const char *name, uint64_t length,
			  struct ebcc_buf *text)
{
	ebcc_buf_printf(text, "#define %s %" PRIu64 "\n", name, length);
	note_constant(ktypes, name, &length);
}

static struct ebcc_error *define_dname_length(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	define_length(ktypes, "DNAME_INLINE_LEN", dname_length(ktypes->btf), text);
	return NULL;
}

/* Until 5.12 a bio pointed to its disk; since then it points to a block device. */
static struct ebcc_error *define_bio_dev(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	uint32_t bio = ebcc_kernel_btf_find(ktypes->btf, "bio", BTF_KIND_STRUCT);
	const char *disk = ebcc_kernel_btf_has_member(ktypes->btf, bio, "bi_disk")
				   ? "bi_disk"
				   : "bi_bdev->bd_disk";

	if (ktypes->portable) {
		print_refusal(text, "bio_dev", "(...)", differing);
		return NULL;
	}
	ebcc_buf_printf(text,
			"#define bio_dev(__bio) ((u32)((__bio)->%s->major << 20 | "
			"(__bio)->%s->first_minor))\n",
			disk, disk);
	return NULL;
}

static const struct {
	const char *name;
	computed_fn define;
} computed[] = {
	{"LINUX_VERSION_CODE", define_version},
	{"PAGE_SIZE", define_page_size},
	{"PAGE_SHIFT", define_page_shift},
	{"PAGE_OFFSET", define_page_offset},
	{"__PAGE_OFFSET_BASE_L4", define_page_offset_l4},
	{"__PAGE_OFFSET_BASE_L5", define_page_offset_l5},
	{"HZ", define_hz},
	{"NR_CPUS", define_nr_cpus},
	{"DNAME_INLINE_LEN", define_dname_length},
	{"bio_dev", define_bio_dev},
};

/* Structs that have another name in the kernel than in user space. */
static const struct {
	const char *name, *kernel_name;
} renamed_tags[] = {
	{"sockaddr_storage", "__kernel_sockaddr_storage"},
};

/* Whether the source uses such a struct, and the kernel doesn't have one with the plain name. */
static bool is_renamed_tag(const struct ebcc_ktypes *ktypes, size_t index)
{
	unsigned uses = ebcc_scan_uses(&ktypes->scan, renamed_tags[index].name);

	return (uses & EBCC_SCAN_TAG) && !ktypes_excludes_tag(uses) &&
	       !(uses & EBCC_SCAN_DEFINES_MACRO) &&
	       !ebcc_kernel_btf_find(ktypes->btf, renamed_tags[index].name, BTF_KIND_STRUCT);
}

static struct ebcc_error *expand_renamed_tags(struct ebcc_ktypes *ktypes)
{
	for (size_t i = 0; i < sizeof(renamed_tags) / sizeof(*renamed_tags); i++) {
		uint64_t *uses;

		if (!is_renamed_tag(ktypes, i))
			continue;
		uses = ebcc_hash_insert_string(&ktypes->scan.names, renamed_tags[i].kernel_name);
		if (!uses)
			return ebcc_error_no_memory();
		*uses |= EBCC_SCAN_TAG;
	}
	return NULL;
}

static void print_renamed_tags(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	for (size_t i = 0; i < sizeof(renamed_tags) / sizeof(*renamed_tags); i++)
		if (is_renamed_tag(ktypes, i))
			ebcc_buf_printf(text, "#define %s %s\n", renamed_tags[i].name,
					renamed_tags[i].kernel_name);
}

/* Adds the names that a macro uses. */
static struct ebcc_error *expand(struct ebcc_ktypes *ktypes, const struct ebcc_macro *macro)
{
	const char *text = ebcc_macro_text(macro);

	/* Without the #define, so that the scan doesn't count it as defined by the source. */
	if (macro->kind != EBCC_MACRO_CODE)
		text += strlen("#define ") + strlen(ebcc_macro_name(macro));
	return ebcc_scan_merge_names(&ktypes->scan, text, strlen(text));
}

/* One pass over the names. *ret_more: new macros were found, whose names need another pass. */
static struct ebcc_error *expand_round(struct ebcc_ktypes *ktypes, bool *ret_more)
{
	AUTO_FREE const struct ebcc_macro **found = NULL;
	size_t count = 0;

	found = malloc((ktypes->scan.names.count + 1) * sizeof(*found));
	if (!found)
		return ebcc_error_no_memory();
	hash_for_each (&ktypes->scan.names, entry) {
		const struct ebcc_macro *macro;

		if (entry->value & FOUND_MACRO)
			continue;
		macro = find_macro(ktypes, entry->key, entry->key_size);
		if (!macro || !is_wanted(ktypes, macro->kind, entry->value))
			continue;
		entry->value |= FOUND_MACRO;
		found[count++] = macro;
	}
	/* Only after the walk, since this changes the table. */
	for (size_t i = 0; i < count; i++)
		TRY(expand(ktypes, found[i]));
	*ret_more = count > 0;
	return NULL;
}

struct ebcc_error *ebcc_ktypes_expand_macros(struct ebcc_ktypes *ktypes)
{
	bool more = true;

	for (int i = 0; i < MAX_ROUNDS && more; i++)
		TRY(expand_round(ktypes, &more));
	return expand_renamed_tags(ktypes);
}

static struct ebcc_error *print_computed(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	for (size_t i = 0; i < sizeof(computed) / sizeof(*computed); i++) {
		unsigned uses = ebcc_scan_uses(&ktypes->scan, computed[i].name);

		if (!(uses & FOUND_ORDINARY) && is_wanted(ktypes, EBCC_MACRO_DEFINE, uses))
			TRY(computed[i].define(ktypes, text));
	}
	return NULL;
}

/* Whether a configuration symbol is set in all kernels that can load the object. */
static bool is_always_set(const struct ebcc_ktypes *ktypes, const char *name)
{
	static const char *const everywhere[] = {
		"CONFIG_64BIT",
		"CONFIG_MMU",
		"CONFIG_BPF",
		"CONFIG_BPF_SYSCALL",
		"CONFIG_ARCH_HAS_SYSCALL_WRAPPER", /* x86-64 since 4.17, arm64 since 4.19 */
		NULL,
	};
	const char *const *lists[] = {everywhere,
				      ebcc_arch_of_id(ktypes->kernel->arch)->config_options};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (const char *const *option = lists[i]; *option; option++)
			if (!strcmp(*option, name))
				return true;
	return false;
}

static bool is_number(const char *value)
{
	return value && strspn(value, "0123456789");
}

/* Declares CONFIG_X as a number, if the known configuration has one, or as one of y, m and n, for
 * which libbpf wants this enum. */
static struct ebcc_error *declare_config(struct ebcc_ktypes *ktypes, const char *name,
					 struct ebcc_buf *text)
{
	AUTO_FREE char *value = NULL;
	bool known;

	if (is_always_set(ktypes, name)) {
		ebcc_buf_printf(text, "#define %s 1\n", name);
		return NULL;
	}
	TRY(look_up_config(ktypes, name, &value, &known));
	return declare_extern(ktypes,
			      is_number(value) || !strcmp(name, "CONFIG_HZ") ||
					      !strcmp(name, "CONFIG_NR_CPUS")
				      ? "int"
				      : "enum libbpf_tristate",
			      name, true, text);
}

/* Defines CONFIG_X as the kernel's build does: 1 for y, and CONFIG_X_MODULE for m. */
static struct ebcc_error *print_config(struct ebcc_ktypes *ktypes, const char *name,
				       struct ebcc_buf *text)
{
	static const char suffix[] = "_MODULE";
	AUTO_FREE char *value = NULL, *symbol = strdup(name);
	size_t size = strlen(name);
	bool module = size > sizeof(suffix) && !strcmp(name + size - strlen(suffix), suffix);
	bool known;

	if (!symbol)
		return ebcc_error_no_memory();
	if (module)
		symbol[size - strlen(suffix)] = '\0';
	if (ktypes->portable && module) {
		TRY(declare_config(ktypes, symbol, text));
		ebcc_buf_printf(text, "#define %s (%s == TRI_MODULE)\n", name, symbol);
		return note_unknown(ktypes, name);
	}
	if (ktypes->portable)
		return declare_config(ktypes, symbol, text);
	TRY(look_up_config(ktypes, symbol, &value, &known));
	if (!known)
		return note_unknown(ktypes, name);
	if (!value || !strcmp(value, "n") || (module && strcmp(value, "m")))
		return NULL;
	/* IS_ENABLED() derives the name of the _MODULE macro from the symbol. */
	if (!strcmp(value, "m"))
		ebcc_buf_printf(text, "#define %s%s 1\n", symbol, suffix);
	else if (!strcmp(value, "y"))
		ebcc_buf_printf(text, "#define %s 1\n", name);
	else
		ebcc_buf_printf(text, "#define %s %s\n", name, value);
	return NULL;
}

/* Where a CONFIG_X is a variable, IS_ENABLED() and similar macros are expressions on it. */
static const char portable_configuration[] =
	"#undef IS_ENABLED\n"
	"#undef IS_BUILTIN\n"
	"#undef IS_MODULE\n"
	"#undef IS_REACHABLE\n"
	"#define IS_ENABLED(__option) ((__option) != TRI_NO)\n"
	"#define IS_BUILTIN(__option) ((__option) == TRI_YES)\n"
	"#define IS_MODULE(__option) ((__option) == TRI_MODULE)\n"
	/* A BPF program is not part of a module of the kernel. */
	"#define IS_REACHABLE(__option) ((__option) == TRI_YES)\n";

static struct ebcc_error *print_configs(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	if (ktypes->portable)
		ebcc_buf_append_string(
			text,
			"enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };\n");
	hash_for_each (&ktypes->scan.names, entry) {
		if (!strncmp(entry->key, "CONFIG_", 7) &&
		    is_wanted(ktypes, EBCC_MACRO_DEFINE, entry->value))
			TRY(print_config(ktypes, entry->key, text));
	}
	return NULL;
}

/*
 * Reports words after the body of a struct, union or enum that begin with two underscores, are used
 * nowhere else in the source, and are not defined. C takes such a word for a variable or a member,
 * but if an attribute like __packed was meant, the struct doesn't have the intended layout.
 */
void ebcc_ktypes_print_unknown_attributes(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	static const unsigned named = EBCC_SCAN_TOKEN | EBCC_SCAN_TAG | EBCC_SCAN_MEMBER |
				      EBCC_SCAN_DEFINES_MACRO | EBCC_SCAN_DEFINES_TYPEDEF |
				      EBCC_SCAN_DEFINES_ENUMERATOR;

	hash_for_each (&ktypes->scan.names, entry) {
		const char *name = entry->key;

		if (!(entry->value & EBCC_SCAN_DOUBTFUL) || (entry->value & named))
			continue;
		ebcc_buf_printf(text,
				"#ifndef %s\n#define %s _Pragma(\"GCC error \\\"'%s' is not "
				"a known attribute, so this declares a variable or a member "
				"of that name. Write the attribute as __attribute__((...)), or "
				"choose another name for the variable or member"
				"\\\"\")\n#endif\n",
				name, name, name);
	}
}

/* The value of a definition that is a plain number. */
static bool plain_value(const struct ebcc_macro *macro, uint64_t *ret)
{
	const char *value =
		ebcc_macro_text(macro) + strlen("#define ") + strlen(ebcc_macro_name(macro));
	char *end;

	if (macro->kind != EBCC_MACRO_DEFINE)
		return false;
	*ret = strtoull(value, &end, 0);
	return end != value && end[strspn(end, "uUlL \n")] == '\0';
}

bool ebcc_ktypes_macro_value(struct ebcc_kernel_info *kernel, struct ebcc_kernel_btf *btf,
			     const char *name, uint64_t *ret)
{
	struct ebcc_ktypes ktypes = {.kernel = kernel, .btf = btf};
	const struct ebcc_macro *macro = find_macro(&ktypes, name, strlen(name));

	*ret = strcmp(name, "DNAME_INLINE_LEN") ? length_of(btf, name) : dname_length(btf);
	return *ret || (macro && plain_value(macro, ret));
}

static int by_order(const void *a, const void *b)
{
	const struct ebcc_macro *left = *(const struct ebcc_macro *const *)a;
	const struct ebcc_macro *right = *(const struct ebcc_macro *const *)b;

	return (left->order > right->order) - (left->order < right->order);
}

/* Whether a definition differs from kernel to kernel. */
static bool differs(const struct ebcc_macro *macro)
{
	return ebcc_macro_condition(macro) && (strstr(ebcc_macro_condition(macro), "KERNEL") ||
					       strstr(ebcc_macro_condition(macro), "BTF("));
}

/* "(...)" if the definition has parameters. */
static const char *parameters_of(const struct ebcc_macro *macro)
{
	const char *after;

	if (macro->kind == EBCC_MACRO_CODE)
		return "(...)";
	after = ebcc_macro_text(macro) + strlen("#define ") + strlen(ebcc_macro_name(macro));
	return *after == '(' ? "(...)" : "";
}

static void print_define(struct ebcc_ktypes *ktypes, const struct ebcc_macro *macro,
			 struct ebcc_buf *text)
{
	uint32_t length = length_of(ktypes->btf, ebcc_macro_name(macro));
	uint64_t value;

	if (length)
		define_length(ktypes, ebcc_macro_name(macro), length, text);
	else
		ebcc_buf_append_string(text, ebcc_macro_text(macro));
	if (!length && macro->kind == EBCC_MACRO_DEFINE && !*parameters_of(macro))
		note_constant(ktypes, ebcc_macro_name(macro),
			      plain_value(macro, &value) ? &value : NULL);
}

static bool is_refused(const struct ebcc_ktypes *ktypes, const struct ebcc_macro *macro)
{
	return ktypes->portable && differs(macro) &&
	       !length_of(ktypes->btf, ebcc_macro_name(macro));
}

struct ebcc_error *ebcc_ktypes_print_macros(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	AUTO_FREE const struct ebcc_macro **chosen =
		malloc((ktypes->scan.names.count + 1) * sizeof(*chosen));
	size_t count = 0;

	if (!chosen)
		return ebcc_error_no_memory();
	TRY(print_computed(ktypes, text));
	TRY(print_configs(ktypes, text));
	print_renamed_tags(ktypes, text);
	hash_for_each (&ktypes->scan.names, entry)
		if ((entry->value & FOUND_MACRO) && !(entry->value & FOUND_ORDINARY))
			chosen[count++] = find_macro(ktypes, entry->key, entry->key_size);
	qsort(chosen, count, sizeof(*chosen), by_order);
	/* Functions need the macros that they use, so all macros come first. */
	for (size_t i = 0; i < count; i++)
		if (chosen[i]->kind != EBCC_MACRO_CODE && !is_refused(ktypes, chosen[i]))
			print_define(ktypes, chosen[i], text);
	for (size_t i = 0; i < count; i++)
		if (chosen[i]->kind == EBCC_MACRO_CODE && !is_refused(ktypes, chosen[i]))
			ebcc_buf_append_string(text, ebcc_macro_text(chosen[i]));
	if (ktypes->portable)
		ebcc_buf_append_string(text, portable_configuration);
	for (size_t i = 0; i < count; i++)
		if (is_refused(ktypes, chosen[i]))
			print_refusal(text, ebcc_macro_name(chosen[i]), parameters_of(chosen[i]),
				      differing);
	TRY(ebcc_buf_check(&ktypes->constants));
	return ebcc_buf_check(text);
}
