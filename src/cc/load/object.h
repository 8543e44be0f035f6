/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking objects, and opening them with libbpf with every program disabled.
 */
#ifndef EBCC_LOAD_OBJECT_H
#define EBCC_LOAD_OBJECT_H

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "load/module.h"

/* Checks the BTF of an object that comes from elsewhere, which libbpf would follow without limits.
 * Fails with EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_object_check(const char *bytes, size_t size);

/* Opens an object. The caller closes @ret. */
MUST_CHECK struct ebcc_error *ebcc_object_open(const struct ebcc_module *module, const char *bytes,
					       size_t size, struct bpf_object **ret);

/* Makes libbpf load no program together with the maps. */
void ebcc_object_disable_programs(struct bpf_object *object);

void ebcc_cleanup_object(struct bpf_object **object);
#define AUTO_OBJECT CLEANUP(ebcc_cleanup_object)

/* The interface index of the module's network device, or 0 if it has none. */
MUST_CHECK struct ebcc_error *ebcc_module_ifindex(const struct ebcc_module *module, unsigned *ret);

#endif /* EBCC_LOAD_OBJECT_H */
