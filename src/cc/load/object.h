/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as libbpf sees them: checked, and opened with every program off.
 */
#ifndef EBCC_LOAD_OBJECT_H
#define EBCC_LOAD_OBJECT_H

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "load/module.h"

/* Checks what libbpf would follow without bounds, its type information, of an object that comes
 * from elsewhere. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_object_check(const char *bytes, size_t size);

/* Opens an object for libbpf with every program off. @ret is closed by the caller. */
MUST_CHECK struct ebcc_error *ebcc_object_open(const struct ebcc_module *module, const char *bytes,
					       size_t size, struct bpf_object **ret);

void ebcc_cleanup_object(struct bpf_object **object);
#define AUTO_OBJECT CLEANUP(ebcc_cleanup_object)

/* Gives the module's network device, if it has one, as an interface index; else 0. */
MUST_CHECK struct ebcc_error *ebcc_module_ifindex(const struct ebcc_module *module, unsigned *ret);

#endif /* EBCC_LOAD_OBJECT_H */
