// SPDX-License-Identifier: Apache-2.0
#include "arch/arch.h"

#include <string.h>

static const struct ebcc_arch *const arches[] = {&ebcc_arch_x86_64, &ebcc_arch_arm64};

#define ARCH_COUNT (sizeof(arches) / sizeof(arches[0]))

const struct ebcc_arch *ebcc_arch_of_id(int id)
{
	for (size_t i = 0; i < ARCH_COUNT; i++)
		if ((int)arches[i]->id == id)
			return arches[i];
	return NULL;
}

const struct ebcc_arch *ebcc_arch_of_name(const char *name)
{
	for (size_t i = 0; i < ARCH_COUNT; i++)
		if (!strcmp(name, arches[i]->name) || !strcmp(name, arches[i]->kernel_name))
			return arches[i];
	return NULL;
}

const struct ebcc_arch *ebcc_arch_of_elf(unsigned machine)
{
	for (size_t i = 0; i < ARCH_COUNT; i++)
		if (arches[i]->elf_machine == machine)
			return arches[i];
	return NULL;
}

bool ebcc_arch_config_option(enum ebcc_arch_id id, const char *symbol, bool *ret)
{
	for (size_t i = 0; i < ARCH_COUNT; i++) {
		for (const char *const *option = arches[i]->config_options; *option; option++) {
			if (strcmp(*option, symbol))
				continue;
			*ret = arches[i]->id == id;
			return true;
		}
	}
	return false;
}

const struct ebcc_arch *ebcc_arch_own(void)
{
#if defined(__x86_64__)
	return &ebcc_arch_x86_64;
#elif defined(__aarch64__)
	return &ebcc_arch_arm64;
#else
#error "ebcc supports x86_64 and arm64: see arch/arch.h"
#endif
}
