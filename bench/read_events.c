/*
 * The BPF program of the scripts of bench/events: a numbered event for each call of a process.
 * The scripts replace OUTPUT, SUBMIT and WRITER.
 */
struct event_t {
	u64 number;
	u32 pid;
	u32 user;
	char comm[16];
	char name[64];
};

OUTPUT
BPF_ARRAY(sent, u64, 1);

TRACEPOINT_PROBE(syscalls, sys_enter_getppid)
{
	struct event_t event = {};
	int first = 0;
	u64 *number;

	event.pid = bpf_get_current_pid_tgid() >> 32;
	if (event.pid != WRITER)
		return 0;
	number = sent.lookup(&first);
	if (!number)
		return 0;
	event.number = (*number)++;
	event.user = bpf_get_current_uid_gid();
	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	SUBMIT;
	return 0;
}
