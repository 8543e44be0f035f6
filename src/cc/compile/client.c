// SPDX-License-Identifier: Apache-2.0
/*
 * The library's side of the compiler. By default the compiler runs in a helper process, ebcc-cc,
 * and this file is about what can go wrong with a process. The compile itself is a function from
 * request to answer, and protocol.c encodes both.
 *
 * An example: a program compiles twice with one client.
 *
 *	ebcc_compiler_client_create()     nothing is started
 *	ebcc_compiler_client_start()      optional: start_helper()
 *	ebcc_compiler_client_compile()    compile_in_helper()
 *	ebcc_compiler_client_compile()    the same helper, if it may serve the request
 *	ebcc_compiler_client_finish()     optional: kill_helper()
 *	ebcc_compiler_client_destroy()    stop_helper()
 *
 * Starting. start_helper() finds ebcc-cc in the library's directory, or where EBCC_CC says, and
 * starts it by posix_spawn(), which doesn't copy this process's memory map. The helper leads a
 * process group of its own, so that a terminal's SIGINT doesn't reach it and kill_helper() can kill
 * whatever it started. It has three descriptors: standard input is a socket, on which requests and
 * answers travel, and standard output and error are a file in memory (client->output), which
 * errors quote. Everything else is closed, signals have their defaults, and the environment is
 * empty. While this process continues, for example reading BTF, the helper loads its libraries and
 * sets its limits.
 *
 * Compiling. start_helper_for() makes sure that the helper may serve the request: the first request
 * of a helper says which files it may read, and it confines itself to them for good (confine.c). If
 * a later request has another list, or if the helper died while idle (helper_is_ready()), a new one
 * is started. exchange() then sends the request's frame and receives the answer's:
 *
 *	compile_in_helper
 *	  ebcc_frame_encode_request
 *	  start_helper_for
 *	  wait_begin                      sets the deadline, blocks interrupting signals
 *	  exchange
 *	    transmit                      send(), and wait_for(POLLOUT) while the socket is full
 *	    receive_answer
 *	      receive                     the header, then as many bytes as it announces
 *	      ebcc_decode_answer          after the checksum has been verified
 *	  wait_end                        restores the signal mask
 *
 * The exchange blocks only in wait_slice(), in ppoll(), a tenth of a second at a time. In between
 * the caller is asked whether to continue (interrupted() of the log); Python checks there whether a
 * signal was raised. The signals that should interrupt a compile are blocked except inside ppoll(),
 * which unblocks them atomically. So one that arrives between two waits ends the next one instead
 * of being lost.
 *
 * Ending. Success is decided by one thing only: a whole answer with the right checksum has arrived.
 * Anything else is an outcome that outcome_error() turns into an error:
 *
 *	OUTCOME_CLOSED       the helper is dead or dying: dead_helper_error()
 *	OUTCOME_TIMEOUT      it hangs (wait_longer()) and is killed; EBCC_CC_TIMEOUT sets the limit
 *	OUTCOME_INTERRUPTED  it is killed
 *	OUTCOME_FAILED       a system call failed: it is killed
 *
 * An answer that can't be decoded kills it too (invalid_answer_error()). In each case the next
 * compile starts a new helper.
 *
 * The exit status serves only to word the error of a dead helper (death_error()): a signal is a
 * crash, except SIGXCPU, which is its own limit on CPU time, and SIGKILL, which may be the kernel
 * short of memory; the helper's last output is added. The status may be unknown, since the program
 * that uses the library may reap our children itself, or ignore SIGCHLD. That is why reap_helper()
 * can fail without harm, and why kill_helper() uses a pidfd: the pid may belong to another process
 * once it has been reaped.
 *
 * A forked child shares the socket with its parent but doesn't own the helper (client->owner). Its
 * client only closes the descriptors, and starts a helper of its own if it compiles.
 *
 * In process. With EBCC_COMPILER_IN_PROCESS, libebcc-compiler.so is loaded instead and called
 * under a mutex: for programs that can't start others. There are then no limits, and what LLVM
 * considers fatal ends the program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/beside_library.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "compile/client.h"
#include "compiler/protocol.h"

#define DEFAULT_TIMEOUT_SECONDS 60
#define DEFAULT_MEMORY_MIB 4096
/* How much of a dead helper's output is read. */
#define OUTPUT_LIMIT 8192
/* The exit status of a program whose libraries can't be loaded. */
#define EXIT_CANT_RUN 127

struct ebcc_compiler_client {
	const struct ebcc_log *log;
	enum ebcc_compiler mode;
	unsigned timeout_seconds;
	unsigned memory_mib;
	pid_t owner; /* the process that started the helper */
	pid_t pid;   /* 0: no helper */
	int pidfd;   /* -1 on kernels without pidfds, or if opening it failed */
	int socket;
	int output;		  /* the helper's standard error, a memfd */
	struct ebcc_buf readable; /* the paths that its first request allowed; empty before */
};

/* How an exchange with the helper ended. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_CLOSED, /* the helper is gone */
	OUTCOME_TIMEOUT,
	OUTCOME_INTERRUPTED,
	OUTCOME_FAILED, /* errno is set */
};

static unsigned environment_number(const char *name, unsigned fallback)
{
	const char *text = secure_getenv(name);
	char *end;
	unsigned long value;

	if (!text)
		return fallback;
	errno = 0;
	value = strtoul(text, &end, 10);
	return errno || *end || !value || value > INT32_MAX / 1000 ? fallback : value;
}

struct ebcc_error *ebcc_compiler_client_create(const struct ebcc_log *log, enum ebcc_compiler mode,
					       struct ebcc_compiler_client **ret)
{
	struct ebcc_compiler_client *client = calloc(1, sizeof(*client));

	if (!client)
		return ebcc_error_no_memory();
	client->log = log;
	client->mode = mode;
	client->timeout_seconds = environment_number("EBCC_CC_TIMEOUT", DEFAULT_TIMEOUT_SECONDS);
	client->memory_mib = environment_number("EBCC_CC_MEMORY", DEFAULT_MEMORY_MIB);
	client->pidfd = client->socket = client->output = -1;
	*ret = client;
	return NULL;
}

static struct ebcc_error *find_helper(char **ret)
{
	static const char *const places[] = {
		"ebcc-cc",
		EBCC_LIBEXEC_FROM_LIB "/ebcc-cc",
		"../libexec/ebcc/ebcc-cc",
	};
	const char *override = secure_getenv("EBCC_CC");

	if (override && *override) {
		*ret = strdup(override);
		return *ret ? NULL : ebcc_error_no_memory();
	}
	TRY(ebcc_find_beside_library(places, sizeof(places) / sizeof(places[0]), X_OK, ret));
	if (!*ret)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler helper ebcc-cc is not installed with the "
					 "ebcc library: install the package ebcc-compiler, or all "
					 "of ebcc (cmake --install), or set the environment "
					 "variable EBCC_CC to its path. Objects that were compiled "
					 "elsewhere need no compiler");
	return NULL;
}

/* If the program has closed its standard descriptors, ours must not get their numbers. */
static bool move_above_standard(int *fd)
{
	int moved;

	if (*fd > STDERR_FILENO)
		return true;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		return false;
	close(*fd);
	*fd = moved;
	return true;
}

static int spawn_with(const char *path, char *const *argv, posix_spawn_file_actions_t *actions,
		      posix_spawnattr_t *attributes, pid_t *ret_pid)
{
	static char *const no_environment[] = {NULL};
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETPGROUP);
	return posix_spawn(ret_pid, path, actions, attributes, argv, no_environment);
}

/* Returns 0 or an errno. */
static int spawn(const struct ebcc_compiler_client *client, const char *path, int socket,
		 int output, pid_t *ret_pid)
{
	char timeout[16], memory[16], parent[16];
	char *const argv[] = {"ebcc-cc", "--serve", timeout, memory, parent, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int errnum;

	snprintf(timeout, sizeof(timeout), "%u", client->timeout_seconds);
	snprintf(memory, sizeof(memory), "%u", client->memory_mib);
	snprintf(parent, sizeof(parent), "%d", getpid());
	errnum = posix_spawn_file_actions_init(&actions);
	if (errnum)
		return errnum;
	errnum = posix_spawnattr_init(&attributes);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (!errnum)
		errnum = spawn_with(path, argv, &actions, &attributes, ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return errnum;
}

/* Whether children of this process will be in another PID namespace, because of unshare(). */
static bool children_change_pid_namespace(void)
{
	char own[64], children[64];
	ssize_t own_size = readlink("/proc/self/ns/pid", own, sizeof(own));
	ssize_t size = readlink("/proc/self/ns/pid_for_children", children, sizeof(children));

	return own_size > 0 && (size != own_size || memcmp(own, children, size));
}

static struct ebcc_error *start_error(const char *path, int errnum)
{
	if (errnum == ENOMEM && children_change_pid_namespace())
		return ebcc_error_create(
			EBCC_ERROR_COMPILE,
			"can't start the compiler helper: this process has created "
			"a PID namespace for its children (unshare), and the first "
			"process in it has ended, so the kernel doesn't let it "
			"start another one. Keep the first child running, or "
			"compile before unshare()");
	if (errnum == ENOENT)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_COMPILE,
					  "the compiler helper %s does not exist: install all of "
					  "ebcc, or correct the environment variable EBCC_CC",
					  path),
			path);
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_COMPILE, errnum,
						     "can't start the compiler helper %s", path),
				       path);
}

static struct ebcc_error *start_helper(struct ebcc_compiler_client *client)
{
	char *path AUTO_FREE = NULL;
	int ours AUTO_CLOSE = -1, theirs AUTO_CLOSE = -1, output AUTO_CLOSE = -1;
	int ends[2], errnum;

	TRY(find_helper(&path));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return start_error(path, errno);
	ours = ends[0];
	theirs = ends[1];
	output = memfd_create("ebcc-cc", MFD_CLOEXEC);
	if (output < 0 || !move_above_standard(&ours) || !move_above_standard(&theirs) ||
	    !move_above_standard(&output))
		return start_error(path, errno);
	errnum = spawn(client, path, theirs, output, &client->pid);
	if (errnum) {
		client->pid = 0;
		return start_error(path, errnum);
	}
	client->owner = getpid();
	client->pidfd = syscall(SYS_pidfd_open, client->pid, 0);
	client->socket = TAKE_FD(ours);
	client->output = TAKE_FD(output);
	if (client->log && client->log->fn)
		client->log->fn(client->log->ctx, EBCC_LOG_DEBUG, "started the compiler helper");
	return NULL;
}

static void close_descriptors(struct ebcc_compiler_client *client)
{
	int *const fds[] = {&client->socket, &client->output, &client->pidfd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	client->pid = 0;
	ebcc_buf_clear(&client->readable);
}

/* Kills the helper and everything that it may have started: they are a process group. */
static void kill_helper(const struct ebcc_compiler_client *client)
{
	/* A pidfd can't hit another process that has reused the pid. The pid itself, used for the
	 * group and if a seccomp filter forbids pidfds, is valid until the helper is reaped. */
	if (client->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, client->pidfd, SIGKILL, NULL, 0);
	if (!waitid(P_PID, client->pid, &(siginfo_t){0}, WEXITED | WNOHANG | WNOWAIT))
		kill(-client->pid, SIGKILL);
}

/* A helper ends soon after it is killed or its socket is closed. If neither works, it is left alone
 * after this time; its own CPU time limit ends it. */
#define REAP_WAIT_MS 3000

/* Waits for the end of a killed helper. Returns false if something else has reaped it, or if it
 * doesn't end. */
static bool reap_helper(const struct ebcc_compiler_client *client, siginfo_t *ret)
{
	for (int waited = 0; waited < REAP_WAIT_MS; waited++) {
		*ret = (siginfo_t){0};
		if (waitid(P_PID, client->pid, ret, WEXITED | WNOHANG))
			return false;
		if (ret->si_pid)
			return ret->si_pid == client->pid;
		if (client->pidfd < 0 ||
		    poll(&(struct pollfd){.fd = client->pidfd, .events = POLLIN}, 1, 1) < 0)
			usleep(1000);
	}
	return false;
}

/* Ends the helper, if it is ours, and closes its descriptors. */
static void stop_helper(struct ebcc_compiler_client *client)
{
	siginfo_t status;

	if (client->pid && client->owner == getpid()) {
		if (client->socket >= 0)
			close(client->socket);
		client->socket = -1;
		kill_helper(client);
		reap_helper(client, &status);
	}
	close_descriptors(client);
}

/* An idle helper sends nothing: if its socket is readable, it is closed or has invalid data. */
static bool helper_is_ready(const struct ebcc_compiler_client *client)
{
	struct pollfd poll_fd = {.fd = client->socket, .events = POLLIN};

	return client->pid && client->owner == getpid() && !poll(&poll_fd, 1, 0);
}

struct ebcc_error *ebcc_compiler_client_start(struct ebcc_compiler_client *client)
{
	LOG_STAGE(client->log, HELPER);

	if (client->mode == EBCC_COMPILER_IN_PROCESS || helper_is_ready(client))
		return NULL;
	stop_helper(client);
	return start_helper(client);
}

/*
 * Signals that end or stop programs interrupt a compile; others (timers, children, profilers) must
 * not. The interrupting ones are blocked except while the exchange waits, since one that arrived
 * just before a wait would be missed.
 */
static const int interrupting_signals[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
					   SIGTSTP, SIGTTIN, SIGTTOU};
/* Signals caused by the thread itself are never blocked. */
static const int synchronous_signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL,
					  SIGFPE,  SIGSYS,  SIGTRAP};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Waiting for the helper. The helper itself limits the CPU time of a compile; this limit is for one
 * that hangs. On a busy machine a healthy helper may need longer by the clock, so it is given up
 * only if it has hardly run in that time.
 */
struct wait {
	struct timespec deadline;
	sigset_t mask_before; /* the thread's */
	unsigned seconds;
	int64_t used_ns; /* CPU time of the helper when the deadline was set */
};

/* A helper that has run for at least this part (one in so many) of the time doesn't hang. */
#define RUNNING_PART 100

/* How often a wait asks the caller whether to continue. */
#define WAIT_SLICE_NS 100000000

/* The CPU time that the helper has used, or 0 if it has ended. */
static int64_t helper_time_ns(const struct ebcc_compiler_client *client)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(client->pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return used.tv_sec * 1000000000ll + used.tv_nsec;
}

static void set_deadline(const struct ebcc_compiler_client *client, struct wait *wait)
{
	wait->used_ns = helper_time_ns(client);
	clock_gettime(CLOCK_MONOTONIC, &wait->deadline);
	wait->deadline.tv_sec += wait->seconds;
}

/* Called at the deadline: sets a new one if the helper has run since the last. */
static bool wait_longer(const struct ebcc_compiler_client *client, struct wait *wait)
{
	int64_t ran = helper_time_ns(client) - wait->used_ns;

	if (ran < wait->seconds * 1000000000ll / RUNNING_PART)
		return false;
	set_deadline(client, wait);
	return true;
}

static void wait_begin(const struct ebcc_compiler_client *client, struct wait *wait)
{
	sigset_t held;

	wait->seconds = client->timeout_seconds;
	set_deadline(client, wait);
	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(interrupting_signals); i++)
		sigaddset(&held, interrupting_signals[i]);
	pthread_sigmask(SIG_BLOCK, &held, &wait->mask_before);
}

static void wait_end(struct wait *wait)
{
	pthread_sigmask(SIG_SETMASK, &wait->mask_before, NULL);
}

static void unblock(sigset_t *mask, const sigset_t *before, const int *signals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!sigismember(before, signals[i]))
			sigdelset(mask, signals[i]);
}

/* Waits until the socket is ready for @events, or at most for one slice; then *@ret_ready is
 * false. */
static enum outcome wait_slice(const struct ebcc_compiler_client *client, short events,
			       struct wait *wait, bool *ret_ready)
{
	struct pollfd poll_fd = {.fd = client->socket, .events = events};
	const struct timespec *deadline = &wait->deadline;
	struct timespec now, left;
	sigset_t mask;
	int result;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left.tv_sec = deadline->tv_sec - now.tv_sec;
	left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_sec--;
		left.tv_nsec += 1000000000;
	}
	if (left.tv_sec < 0)
		return wait_longer(client, wait) ? OUTCOME_DONE : OUTCOME_TIMEOUT;
	if (left.tv_sec > 0 || left.tv_nsec > WAIT_SLICE_NS)
		left = (struct timespec){.tv_nsec = WAIT_SLICE_NS};
	sigfillset(&mask);
	unblock(&mask, &wait->mask_before, interrupting_signals, ARRAY_SIZE(interrupting_signals));
	unblock(&mask, &wait->mask_before, synchronous_signals, ARRAY_SIZE(synchronous_signals));
	result = ppoll(&poll_fd, 1, &left, &mask);
	if (result < 0)
		return errno == EINTR ? OUTCOME_INTERRUPTED : OUTCOME_FAILED;
	*ret_ready = result > 0;
	return OUTCOME_DONE;
}

static enum outcome wait_for(const struct ebcc_compiler_client *client, short events,
			     struct wait *wait)
{
	bool ready = false;

	while (!ready) {
		enum outcome outcome = wait_slice(client, events, wait, &ready);

		if (outcome != OUTCOME_DONE)
			return outcome;
		if (!ready) {
			AUTO_ERROR struct ebcc_error *error = ebcc_check_interrupted(client->log);

			if (error)
				return OUTCOME_INTERRUPTED;
		}
	}
	return OUTCOME_DONE;
}

static enum outcome outcome_of_errno(void)
{
	return errno == EPIPE || errno == ECONNRESET ? OUTCOME_CLOSED : OUTCOME_FAILED;
}

static enum outcome transmit(const struct ebcc_compiler_client *client, const char *data,
			     size_t size, struct wait *wait)
{
	while (size) {
		ssize_t count = send(client->socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count >= 0) {
			data += count;
			size -= count;
		} else if (errno == EAGAIN) {
			enum outcome outcome = wait_for(client, POLLOUT, wait);

			if (outcome != OUTCOME_DONE)
				return outcome;
		} else if (errno != EINTR) {
			return outcome_of_errno();
		}
	}
	return OUTCOME_DONE;
}

static enum outcome receive(const struct ebcc_compiler_client *client, char *data, size_t size,
			    struct wait *wait)
{
	while (size) {
		ssize_t count = recv(client->socket, data, size, MSG_DONTWAIT);

		if (count > 0) {
			data += count;
			size -= count;
		} else if (count == 0) {
			return OUTCOME_CLOSED;
		} else if (errno == EAGAIN) {
			enum outcome outcome = wait_for(client, POLLIN, wait);

			if (outcome != OUTCOME_DONE)
				return outcome;
		} else if (errno != EINTR) {
			return outcome_of_errno();
		}
	}
	return OUTCOME_DONE;
}

/* Reads the end of the helper's output as text. Control characters except newline and tab become
 * '?'. */
static void read_output(const struct ebcc_compiler_client *client, char *ret, size_t capacity)
{
	struct stat stat = {0};
	off_t start = 0;
	ssize_t size;

	fstat(client->output, &stat);
	if (stat.st_size >= capacity)
		start = stat.st_size - (capacity - 1);
	size = pread(client->output, ret, capacity - 1, start);
	if (size < 0)
		size = 0;
	ret[size] = '\0';
	for (ssize_t i = 0; i < size; i++)
		if ((unsigned char)ret[i] < ' ' && ret[i] != '\n' && ret[i] != '\t')
			ret[i] = '?';
}

static bool is_out_of_memory(const char *output)
{
	return strstr(output, "out of memory") || strstr(output, "bad_alloc") ||
	       strstr(output, "Cannot allocate memory") || strstr(output, "Allocation failed");
}

/* This process's limit on address space in MiB, which the helper inherits, if it is lower than the
 * helper's own; else 0. */
static unsigned inherited_limit_mib(const struct ebcc_compiler_client *client)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= (rlim_t)client->memory_mib << 20)
		return 0;
	return limit.rlim_cur < 1 << 20 ? 1 : limit.rlim_cur >> 20;
}

static struct ebcc_error *death_error(const struct ebcc_compiler_client *client,
				      const siginfo_t *status, const char *output)
{
	bool signaled = status && (status->si_code == CLD_KILLED || status->si_code == CLD_DUMPED);
	int number = status ? status->si_status : 0;
	int first_line = strcspn(output, "\n");
	unsigned inherited = inherited_limit_mib(client);

	if (inherited && (signaled || number == EXIT_CANT_RUN || is_out_of_memory(output)))
		return ebcc_error_create(
			EBCC_ERROR_COMPILE,
			"the compiler ran out of memory: it inherits this process's "
			"limit of %u MiB of address space (RLIMIT_AS, ulimit -v); "
			"raise that limit",
			inherited);
	if (is_out_of_memory(output))
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler ran out of memory (its limit is %u MiB; the "
					 "environment variable EBCC_CC_MEMORY changes it)",
					 client->memory_mib);
	if (signaled && number == SIGXCPU)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler used up its time (%u seconds; the "
					 "environment variable EBCC_CC_TIMEOUT changes it)",
					 client->timeout_seconds);
	if (signaled && number == SIGKILL)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler was killed, perhaps because the system ran "
					 "out of memory");
	if (signaled)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler crashed (%s%s%.*s); please report it, with "
					 "the source",
					 strsignal(number), *output ? ": " : "", first_line,
					 output);
	if (status)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler exited without an answer (exit status "
					 "%d%s%.*s); please report it, with the source",
					 number, *output ? ": " : "", first_line, output);
	return ebcc_error_create(EBCC_ERROR_COMPILE, "the compiler ended without an answer");
}

/* A helper that has closed its socket ends soon, by itself or because we kill it. */
static struct ebcc_error *dead_helper_error(struct ebcc_compiler_client *client)
{
	struct pollfd poll_fd = {.fd = client->pidfd, .events = POLLIN};
	char output[OUTPUT_LIMIT];
	struct ebcc_error *error;
	siginfo_t status;
	bool known;

	if (client->pidfd >= 0)
		poll(&poll_fd, 1, 1000);
	kill_helper(client);
	known = reap_helper(client, &status);
	read_output(client, output, sizeof(output));
	error = death_error(client, known ? &status : NULL, output);
	close_descriptors(client);
	return output[0] ? ebcc_error_with_details(error, output) : error;
}

static struct ebcc_error *outcome_error(struct ebcc_compiler_client *client, enum outcome outcome)
{
	int errnum = errno;

	switch (outcome) {
	case OUTCOME_DONE:
		return NULL;
	case OUTCOME_CLOSED:
		return dead_helper_error(client);
	case OUTCOME_TIMEOUT:
		stop_helper(client);
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the compiler did not finish within %u seconds and was "
					 "stopped (the environment variable EBCC_CC_TIMEOUT "
					 "changes the limit)",
					 client->timeout_seconds);
	case OUTCOME_INTERRUPTED:
		stop_helper(client);
		return ebcc_error_create(EBCC_ERROR_INTERRUPTED,
					 "a signal interrupted the compile");
	default:
		stop_helper(client);
		return ebcc_error_os(EBCC_ERROR_COMPILE, errnum,
				     "can't communicate with the compiler helper");
	}
}

/* After an invalid answer the helper must not be used again. */
static struct ebcc_error *invalid_answer_error(struct ebcc_compiler_client *client,
					       struct ebcc_error *cause)
{
	struct ebcc_error *error;

	stop_helper(client);
	if (ebcc_error_code(cause) != EBCC_ERROR_FORMAT)
		return cause;
	error = ebcc_error_create(EBCC_ERROR_COMPILE,
				  "the compiler helper does not belong to this version of ebcc, or "
				  "is broken (%s): reinstall ebcc",
				  ebcc_error_message(cause));
	ebcc_error_destroy(cause);
	return error;
}

static struct ebcc_error *receive_answer(struct ebcc_compiler_client *client, struct wait *wait,
					 struct ebcc_cc_answer *answer)
{
	struct ebcc_frame_header header;
	char *payload AUTO_FREE = NULL;
	struct ebcc_error *error;

	TRY(outcome_error(client, receive(client, (char *)&header, sizeof(header), wait)));
	error = ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER);
	if (error)
		return invalid_answer_error(client, error);
	payload = malloc(header.size + 1);
	if (!payload)
		return invalid_answer_error(client, ebcc_error_no_memory());
	TRY(outcome_error(client, receive(client, payload, header.size, wait)));
	error = ebcc_frame_check_payload(&header, payload);
	if (!error)
		error = ebcc_decode_answer(payload, header.size, answer);
	return error ? invalid_answer_error(client, error) : NULL;
}

static struct ebcc_error *exchange(struct ebcc_compiler_client *client, struct ebcc_buf *frame,
				   struct wait *wait, struct ebcc_cc_answer *answer)
{
	TRY(ebcc_check_interrupted(client->log));
	TRY(outcome_error(client, transmit(client, frame->data, frame->size, wait)));
	ebcc_buf_deinit(frame);
	ebcc_buf_init(frame);
	return receive_answer(client, wait, answer);
}

/* A helper is confined by its first request, so a request that may read other files needs a new
 * one. */
static struct ebcc_error *start_helper_for(struct ebcc_compiler_client *client,
					   const struct ebcc_cc_request *request)
{
	AUTO_BUF struct ebcc_buf readable = EBCC_BUF_INIT;

	ebcc_buf_printf(&readable, "%zu", request->readable_count);
	for (size_t i = 0; i < request->readable_count; i++)
		ebcc_buf_append(&readable, request->readable[i], strlen(request->readable[i]) + 1);
	TRY(ebcc_buf_check(&readable));
	if (client->readable.size && (client->readable.size != readable.size ||
				      memcmp(client->readable.data, readable.data, readable.size)))
		stop_helper(client);
	TRY(ebcc_compiler_client_start(client));
	ebcc_buf_clear(&client->readable);
	ebcc_buf_append(&client->readable, readable.data, readable.size);
	return ebcc_buf_check(&client->readable);
}

static struct ebcc_error *compile_in_helper(struct ebcc_compiler_client *client,
					    const struct ebcc_cc_request *request,
					    struct ebcc_cc_answer *answer)
{
	struct ebcc_buf frame AUTO_BUF = EBCC_BUF_INIT;
	struct ebcc_error *error;
	struct wait wait;

	TRY(ebcc_frame_encode_request(&frame, request));
	TRY(start_helper_for(client, request));
	wait_begin(client, &wait);
	error = exchange(client, &frame, &wait, answer);
	wait_end(&wait);
	return error;
}

/* The compiler library in this process. Never unloaded, because LLVM leaves hooks behind. */
static struct {
	pthread_mutex_t mutex; /* LLVM's options and the library's own state are global */
	enum ebcc_cc_status (*compile)(const struct ebcc_cc_request *request,
				       struct ebcc_cc_answer *answer);
} library = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct ebcc_error *find_library(char **ret)
{
	static const char *const places[] = {EBCC_COMPILER_SONAME};

	TRY(ebcc_find_beside_library(places, 1, R_OK, ret));
	if (!*ret)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "compiling in process needs " EBCC_COMPILER_SONAME
					 " with the ebcc library, and it is not installed");
	return NULL;
}

static struct ebcc_error *load_library(void)
{
	char *path AUTO_FREE = NULL;
	void *handle;

	TRY(find_library(&path));
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_COMPILE,
								 "can't load the compiler: %s",
								 dlerror()),
					       path);
	*(void **)&library.compile = dlsym(handle, "ebcc_cc_compile");
	if (!library.compile)
		return ebcc_error_create(EBCC_ERROR_COMPILE, "%s is not ebcc's compiler library",
					 path);
	return NULL;
}

static struct ebcc_error *compile_in_process(const struct ebcc_cc_request *request,
					     struct ebcc_cc_answer *answer)
{
	struct ebcc_error *error = NULL;

	pthread_mutex_lock(&library.mutex);
	if (!library.compile)
		error = load_library();
	if (!error)
		library.compile(request, answer);
	pthread_mutex_unlock(&library.mutex);
	return error;
}

struct ebcc_error *ebcc_compiler_client_compile(struct ebcc_compiler_client *client,
						const struct ebcc_cc_request *request,
						struct ebcc_cc_answer *answer)
{
	struct ebcc_error *error;
	LOG_STAGE(client->log, HELPER);

	*answer = (struct ebcc_cc_answer){0};
	if (client->mode == EBCC_COMPILER_IN_PROCESS)
		error = compile_in_process(request, answer);
	else
		error = compile_in_helper(client, request, answer);
	if (client->log && client->log->timing)
		ebcc_timing_add(client->log->timing, answer->times);
	/* The same source gives the same answer again, for caches and stores. */
	memset(answer->times, 0, sizeof(answer->times));
	return error;
}

struct ebcc_error *ebcc_compiler_client_identity(const struct ebcc_compiler_client *client,
						 struct ebcc_buf *identity)
{
	char *path AUTO_FREE = NULL;
	struct stat status;

	TRY(client->mode == EBCC_COMPILER_IN_PROCESS ? find_library(&path) : find_helper(&path));
	if (stat(path, &status))
		return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_COMPILE, errno,
							     "can't find the compiler %s", path),
					       path);
	ebcc_buf_printf(identity, "%s %lld %lld.%09ld %lld", path, (long long)status.st_size,
			(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
			(long long)status.st_ino);
	return ebcc_buf_check(identity);
}

void ebcc_compiler_client_finish(struct ebcc_compiler_client *client)
{
	if (client->pid && client->owner == getpid())
		kill_helper(client);
}

void ebcc_compiler_client_destroy(struct ebcc_compiler_client *client)
{
	if (!client)
		return;
	LOG_STAGE(client->pid ? client->log : NULL, HELPER);
	stop_helper(client);
	ebcc_buf_deinit(&client->readable);
	free(client);
}
