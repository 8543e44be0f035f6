// SPDX-License-Identifier: Apache-2.0
#include "load/debug_text.h"

#include <stdlib.h>

#include "base/buf.h"

struct ebcc_error *ebcc_debug_append(struct ebcc_module *module, enum ebcc_debug bit,
				     const char *text)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	char **place = &module->debug_texts[__builtin_ctz((unsigned)bit)];
	char *joined;
	size_t size;

	if (!(module->debug & bit))
		return NULL;
	ebcc_buf_append_string(&buf, *place ? *place : "");
	ebcc_buf_append_string(&buf, text);
	TRY(ebcc_buf_take(&buf, &joined, &size));
	free(*place);
	*place = joined;
	return NULL;
}

const char *ebcc_module_debug_text(const struct ebcc_module *module, enum ebcc_debug bit)
{
	size_t index = (size_t)__builtin_ctz((unsigned)bit | 1u << 31);

	return index < sizeof(module->debug_texts) / sizeof(*module->debug_texts)
		       ? module->debug_texts[index]
		       : NULL;
}
