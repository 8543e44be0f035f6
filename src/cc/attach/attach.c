// SPDX-License-Identifier: Apache-2.0
#include "attach/attach.h"

#include <pthread.h>

#include "attach/kprobe_events.h"
#include "load/program.h"

static void sweep(void)
{
	static pthread_once_t swept = PTHREAD_ONCE_INIT;

	pthread_once(&swept, ebcc_kprobe_events_sweep);
}

struct ebcc_error *ebcc_attach_prepare(struct ebcc_program *program, unsigned type)
{
	sweep();
	if (program->fd >= 0 && program->type == type)
		return NULL;
	return ebcc_program_load(program, type, NULL);
}

struct ebcc_error *ebcc_attach_prepare_variant(struct ebcc_program *program, unsigned type,
					       int attach_type, int *ret)
{
	sweep();
	return ebcc_program_load_variant(program, type, attach_type, ret);
}
