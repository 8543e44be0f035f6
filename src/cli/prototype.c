// SPDX-License-Identifier: Apache-2.0
/*
 * A declaration in C is read from the name outwards, and BTF from the type inwards. So the text
 * grows around the name, while the type is followed to its end: for int (*name[4])(void), the array
 * makes "name[4]", the pointer "*name[4]", the function "(*name[4])(void)", and the end puts "int "
 * before it.
 */
#include "prototype.h"

#include <string.h>

#include <bpf/btf.h>

/* How many types one declaration may consist of, and how deep parameters may nest. */
#define TYPE_LIMIT 64
#define NESTING_LIMIT 4

static void declare(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
		    unsigned nesting, struct ebcc_buf *ret);

static void prepend(struct ebcc_buf *text, const char *before)
{
	AUTO_BUF struct ebcc_buf old = *text;

	*text = EBCC_BUF_INIT;
	ebcc_buf_printf(text, "%s%s", before, ebcc_buf_string(&old));
}

/* Arrays and functions bind more tightly than pointers. */
static void enclose_pointer(struct ebcc_buf *text)
{
	if (!text->size || *text->data != '*')
		return;
	prepend(text, "(");
	ebcc_buf_append_char(text, ')');
}

static const char *qualifier(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_CONST:
		return "const ";
	case BTF_KIND_VOLATILE:
		return "volatile ";
	case BTF_KIND_RESTRICT:
		return "restrict ";
	case BTF_KIND_TYPE_TAG:
		return "";
	default:
		return NULL;
	}
}

static void append_parameters(const struct ebcc_kernel_btf *btf, uint32_t prototype,
			      unsigned nesting, struct ebcc_buf *text)
{
	unsigned count = cli_parameter_count(btf, prototype);

	ebcc_buf_append_char(text, '(');
	for (unsigned i = 0; i < count && nesting < NESTING_LIMIT; i++) {
		struct cli_parameter parameter = cli_parameter_at(btf, prototype, i);

		ebcc_buf_append_string(text, i ? ", " : "");
		if (!parameter.type)
			ebcc_buf_append_string(text, "...");
		else
			declare(btf, parameter.type, parameter.name, nesting + 1, text);
	}
	if (nesting >= NESTING_LIMIT)
		ebcc_buf_append_string(text, "...");
	ebcc_buf_append_string(text, count ? ")" : "void)");
}

static const char *keyword(const struct btf_type *type)
{
	if (btf_is_struct(type) || (btf_is_fwd(type) && !btf_kflag(type)))
		return "struct ";
	if (btf_is_union(type) || btf_is_fwd(type))
		return "union ";
	return btf_is_any_enum(type) ? "enum " : "";
}

/* Adds a pointer, array or function. Returns the id of the type that it is made of. */
static uint32_t add_layer(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part,
			  const struct btf_type *type, uint32_t id, const char *qualifiers,
			  unsigned nesting, struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf star = EBCC_BUF_INIT;

	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
		ebcc_buf_printf(&star, "*%s", qualifiers);
		prepend(text, ebcc_buf_string(&star));
		return ebcc_kernel_btf_id(part, type->type);
	case BTF_KIND_ARRAY:
		enclose_pointer(text);
		ebcc_buf_printf(text, "[%u]", btf_array(type)->nelems);
		return ebcc_kernel_btf_id(part, btf_array(type)->type);
	default:
		enclose_pointer(text);
		append_parameters(btf, id, nesting, text);
		return ebcc_kernel_btf_id(part, type->type);
	}
}

/* Appends "QUALIFIERS TYPE TEXT". */
static void finish(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part,
		   const struct btf_type *type, const char *qualifiers, const char *text,
		   struct ebcc_buf *ret)
{
	const char *name = type ? ebcc_kernel_btf_name(btf, part, type->name_off) : "void";

	ebcc_buf_printf(ret, "%s%s%s", qualifiers, type ? keyword(type) : "",
			*name ? name : "{...}");
	if (*text)
		ebcc_buf_printf(ret, " %s", text);
}

static void declare(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
		    unsigned nesting, struct ebcc_buf *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT, qualifiers = EBCC_BUF_INIT;
	const struct ebcc_btf_part *part = NULL;
	const struct btf_type *type = NULL;

	ebcc_buf_append_string(&text, name);
	for (unsigned i = 0; i < TYPE_LIMIT; i++) {
		type = ebcc_kernel_btf_type(btf, id, &part);
		if (!type)
			break;
		if (qualifier(type)) {
			ebcc_buf_append_string(&qualifiers, qualifier(type));
			id = ebcc_kernel_btf_id(part, type->type);
			continue;
		}
		if (!btf_is_ptr(type) && !btf_is_array(type) && !btf_is_func_proto(type))
			break;
		id = add_layer(btf, part, type, id, ebcc_buf_string(&qualifiers), nesting, &text);
		ebcc_buf_clear(&qualifiers);
	}
	finish(btf, part, type, ebcc_buf_string(&qualifiers), ebcc_buf_string(&text), ret);
}

void cli_declaration(const struct ebcc_kernel_btf *btf, uint32_t type, const char *name,
		     struct ebcc_buf *ret)
{
	declare(btf, type, name, 0, ret);
}

uint32_t cli_prototype_of(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	for (unsigned i = 0; type && i < TYPE_LIMIT; i++) {
		if (btf_is_func_proto(type))
			return id;
		if (!btf_is_func(type) && !btf_is_ptr(type) && !btf_is_typedef(type) &&
		    !qualifier(type))
			return 0;
		id = ebcc_kernel_btf_id(part, type->type);
		type = ebcc_kernel_btf_type(btf, id, &part);
	}
	return 0;
}

unsigned cli_parameter_count(const struct ebcc_kernel_btf *btf, uint32_t prototype)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, prototype, &part);

	return type ? btf_vlen(type) : 0;
}

struct cli_parameter cli_parameter_at(const struct ebcc_kernel_btf *btf, uint32_t prototype,
				      unsigned index)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, prototype, &part);
	const struct btf_param *parameter = &btf_params(type)[index];

	return (struct cli_parameter){
		.name = ebcc_kernel_btf_name(btf, part, parameter->name_off),
		.type = ebcc_kernel_btf_id(part, parameter->type),
	};
}

uint32_t cli_returned_type(const struct ebcc_kernel_btf *btf, uint32_t prototype)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, prototype, &part);

	return type ? ebcc_kernel_btf_id(part, type->type) : 0;
}
