/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few POSIX functions that tracing scripts need and Lua doesn't have: clocks, sleeping, the
 * process, and signals that end a script. Debian has no luaposix for Lua 5.4.
 */
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "luaebcc.h"

/* time_ns(clock): nanoseconds of a clock, the monotonic one by default. */
static int posix_time_ns(lua_State *L)
{
	clockid_t clock = int_optional(L, 1, CLOCK_MONOTONIC);
	struct timespec now;

	if (clock_gettime(clock, &now))
		return luaL_fileresult(L, 0, "clock_gettime");
	lua_pushinteger(L, (lua_Integer)now.tv_sec * 1000000000 + now.tv_nsec);
	return 1;
}

/* sleep(seconds, clock): true; or false if a signal came first, whose handler runs next. */
static int posix_sleep(lua_State *L)
{
	lua_Number seconds = luaL_checknumber(L, 1);
	clockid_t clock = int_optional(L, 2, CLOCK_MONOTONIC);
	struct timespec wait;
	int error;

	luaL_argcheck(L, seconds >= 0 && seconds < 1e12, 1, "not a valid number of seconds");
	wait.tv_sec = (time_t)seconds;
	wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
	error = clock_nanosleep(clock, 0, &wait, NULL);
	luaL_argcheck(L, error == 0 || error == EINTR, 2, "not a clock for sleeping");
	lua_pushboolean(L, error == 0);
	return 1;
}

static int posix_cpu_count(lua_State *L)
{
	lua_pushinteger(L, sysconf(_SC_NPROCESSORS_ONLN));
	return 1;
}

static int posix_getpid(lua_State *L)
{
	lua_pushinteger(L, getpid());
	return 1;
}

static int posix_strerror(lua_State *L)
{
	lua_pushstring(L, ebcc_errno_message(int_check(L, 1)));
	return 1;
}

/* user_id(name): the id of a user, or nil. */
static int posix_user_id(lua_State *L)
{
	const struct passwd *entry = getpwnam(luaL_checkstring(L, 1));

	if (entry)
		lua_pushinteger(L, entry->pw_uid);
	else
		lua_pushnil(L);
	return 1;
}

/* --- signals --- */

/* The number of a real-time signal: "RTMIN", "RTMIN+2", "RTMAX-1". 0 for other names. */
static int real_time_signal(const char *name)
{
	bool from_end = !strncmp(name, "RTMAX", 5);
	char sign = from_end ? '-' : '+', *end;
	long distance = 0;

	if (!from_end && strncmp(name, "RTMIN", 5))
		return 0;
	name += 5;
	if (*name) {
		if (*name != sign || name[1] < '0' || name[1] > '9')
			return 0;
		distance = strtol(name + 1, &end, 10);
		if (*end || distance > SIGRTMAX - SIGRTMIN)
			return 0;
	}
	return (int)(from_end ? SIGRTMAX - distance : SIGRTMIN + distance);
}

/* signal_number(name): the number of a signal, by its name without SIG; or nil. */
static int posix_signal_number(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int found = real_time_signal(name);

	for (int number = 1; !found && number < NSIG; number++) {
		const char *known = sigabbrev_np(number);

		if (known && !strcmp(known, name))
			found = number;
	}
	if (found)
		lua_pushinteger(L, found);
	else
		lua_pushnil(L);
	return 1;
}

static volatile sig_atomic_t interrupts;

/* A second signal ends the process, as it would without this handler. */
static void note_interrupt(int number)
{
	if (interrupts++) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

/* Nobody reads the output any more. This counts as an interrupt, however often it happens. */
static void note_lost_reader(int number)
{
	if (!interrupts)
		interrupts = 1;
}

/* catch_interrupts(): from now on, the first SIGINT or SIGTERM ends waits and sets a flag; even if
 * the shell ignores SIGINT, as it does for background jobs. So does SIGPIPE. */
static int posix_catch_interrupts(lua_State *L)
{
	struct sigaction action = {.sa_handler = note_interrupt};
	struct sigaction lost_reader = {.sa_handler = note_lost_reader};

	sigaction(SIGPIPE, &lost_reader, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return 0;
}

static int posix_interrupted(lua_State *L)
{
	lua_pushboolean(L, interrupts > 0);
	return 1;
}

void posix_add(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"time_ns", posix_time_ns},
		{"sleep", posix_sleep},
		{"cpu_count", posix_cpu_count},
		{"getpid", posix_getpid},
		{"strerror", posix_strerror},
		{"catch_interrupts", posix_catch_interrupts},
		{"interrupted", posix_interrupted},
		{"user_id", posix_user_id},
		{"signal_number", posix_signal_number},
		{NULL, NULL},
	};
	static const struct {
		const char *name;
		clockid_t clock;
	} clocks[] = {
		{"REALTIME", CLOCK_REALTIME},
		{"MONOTONIC", CLOCK_MONOTONIC},
		{"PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID},
		{"THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID},
		{"MONOTONIC_RAW", CLOCK_MONOTONIC_RAW},
		{"REALTIME_COARSE", CLOCK_REALTIME_COARSE},
		{"MONOTONIC_COARSE", CLOCK_MONOTONIC_COARSE},
	};

	luaL_newlib(L, functions);
	lua_newtable(L);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		lua_pushinteger(L, clocks[i].clock);
		lua_setfield(L, -2, clocks[i].name);
	}
	lua_setfield(L, -2, "CLOCK");
	lua_setfield(L, -2, "posix");
}
