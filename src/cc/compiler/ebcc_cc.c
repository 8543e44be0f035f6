// SPDX-License-Identifier: Apache-2.0
/*
 * Main of ebcc-cc, the helper process in which the compiler runs. It reads requests from the socket
 * that is its standard input and writes answers to it until the other side closes. It sets its own
 * resource limits before the first request, so that whatever LLVM does (leak, spin, crash, recurse
 * endlessly) doesn't affect the tracing program. The first request says which files it may read,
 * and the process gives up access to everything else (confine.c); later requests may read the same
 * files.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "compiler/compiler.h"
#include "compiler/confine.h"
#include "compiler/protocol.h"

static const char usage[] =
	"Usage: ebcc-cc --serve TIMEOUT MEMORY PARENT | --version | --help\n"
	"\n"
	"ebcc's compiler in a process of its own. The ebcc library starts this helper itself;\n"
	"it is not meant to be run by hand. To compile and run BPF programs, use the\n"
	"library (ebcc.h) or the Python module bcc.\n"
	"\n"
	"  --serve     answer compile requests on standard input, a socket; at most TIMEOUT\n"
	"              seconds of CPU time for each, MEMORY MiB in all, as a child of process "
	"PARENT\n"
	"  --version   print the versions of ebcc, of LLVM and of the embedded headers\n"
	"  --help      print this text\n";

static void limit(int resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit(resource, &now))
		return;
	if (value > now.rlim_max)
		value = now.rlim_max;
	setrlimit(resource, &(struct rlimit){.rlim_cur = value, .rlim_max = now.rlim_max});
}

/* The time limit is per request, so add what earlier ones used. */
static void limit_cpu_time(unsigned seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	limit(RLIMIT_CPU, usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + seconds + 1);
}

static void limit_all(unsigned memory_mib, pid_t parent)
{
	pid_t now;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Otherwise the parent died before the signal was set. 0: the parent is in an outer PID
	 * namespace. */
	now = getppid();
	if (now && now != parent)
		_exit(1);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 1 << 20); /* output goes to a file in memory */
#ifndef __SANITIZE_ADDRESS__	      /* the sanitizer reserves terabytes of address space */
	limit(RLIMIT_AS, (rlim_t)memory_mib << 20);
#endif
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Paths in requests are absolute or relative to the request's working directory, never to
	 * ours. */
	if (chdir("/"))
		return;
}

/* Returns false at the end of the stream, or if the connection breaks. */
static bool receive(void *data, size_t size)
{
	for (char *position = data; size;) {
		ssize_t count = recv(STDIN_FILENO, position, size, 0);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		position += count;
		size -= count;
	}
	return true;
}

static bool transmit(const char *data, size_t size)
{
	while (size) {
		ssize_t count = send(STDIN_FILENO, data, size, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return false;
		data += count;
		size -= count;
	}
	return true;
}

static void confine(const struct ebcc_cc_request *request)
{
	static bool confined;

	if (!confined)
		ebcc_confine(request->readable, request->readable_count);
	confined = true;
}

static struct ebcc_error *answer_request(const struct ebcc_frame_header *header,
					 const char *payload, struct ebcc_buf *frame)
{
	struct ebcc_decoded_request decoded;
	struct ebcc_cc_answer answer;
	struct ebcc_error *error;

	TRY(ebcc_frame_check_payload(header, payload));
	TRY(ebcc_decode_request(payload, header->size, &decoded));
	confine(&decoded.request);
	ebcc_cc_compile(&decoded.request, &answer);
	ebcc_decoded_request_deinit(&decoded);
	error = ebcc_frame_encode_answer(frame, &answer);
	ebcc_cc_answer_deinit(&answer);
	return error;
}

/* Serves one request. Returns NULL with *@ret_end set when there are no more. */
static struct ebcc_error *serve_one(unsigned timeout, bool *ret_end)
{
	struct ebcc_frame_header header;
	struct ebcc_buf frame AUTO_BUF = EBCC_BUF_INIT;
	char *payload AUTO_FREE = NULL;

	*ret_end = !receive(&header, sizeof(header));
	if (*ret_end)
		return NULL;
	limit_cpu_time(timeout);
	TRY(ebcc_frame_check_header(&header, EBCC_FRAME_REQUEST));
	payload = malloc(header.size + 1);
	if (!payload)
		return ebcc_error_no_memory();
	*ret_end = !receive(payload, header.size);
	if (*ret_end)
		return NULL;
	TRY(answer_request(&header, payload, &frame));
	*ret_end = !transmit(frame.data, frame.size);
	return NULL;
}

static int serve(unsigned timeout, unsigned memory_mib, pid_t parent)
{
	bool end = false;

	limit_all(memory_mib, parent);
	/* A compile allocates and frees tens of megabytes: keep them for the next one. */
	mallopt(M_TOP_PAD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	while (!end) {
		struct ebcc_error *error = serve_one(timeout, &end);

		if (error) {
			fprintf(stderr, "%s\n", ebcc_error_message(error));
			ebcc_error_destroy(error);
			_exit(1);
		}
	}
	/* Skip LLVM's destructors, which would only take time. */
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--serve"))
		return serve(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10),
			     strtol(argv[4], NULL, 10));
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("ebcc-cc: %s\n", ebcc_cc_identity());
		return 0;
	}
	fputs(usage, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
}
