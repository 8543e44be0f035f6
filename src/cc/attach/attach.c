// SPDX-License-Identifier: Apache-2.0
#include "attach/attach.h"

#include <pthread.h>

#include "attach/kprobe_events.h"

struct ebcc_error *ebcc_attach_prepare(struct ebcc_program *program, unsigned type)
{
	static pthread_once_t swept = PTHREAD_ONCE_INIT;

	pthread_once(&swept, ebcc_kprobe_events_sweep);
	if (program->fd >= 0 && program->type == type)
		return NULL;
	return ebcc_program_load(program, type, NULL);
}
