/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few things of POSIX that tracing scripts need and Lua doesn't have: clocks, sleeping,
 * the process, and signals that end a script. Debian has no luaposix for Lua 5.4.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
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

/* sleep(seconds, clock): true, or false when a signal came first, whose handler runs next. */
static int posix_sleep(lua_State *L)
{
	lua_Number seconds = luaL_checknumber(L, 1);
	clockid_t clock = int_optional(L, 2, CLOCK_MONOTONIC);
	struct timespec wait;
	int error;

	luaL_argcheck(L, seconds >= 0 && seconds < 1e12, 1, "not a time to sleep");
	wait.tv_sec = (time_t)seconds;
	wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
	error = clock_nanosleep(clock, 0, &wait, NULL);
	luaL_argcheck(L, error == 0 || error == EINTR, 2, "not a clock to sleep by");
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
	lua_pushstring(L, strerror(int_check(L, 1)));
	return 1;
}

/* --- signals --- */

static volatile sig_atomic_t interrupts;

/* The second one ends the process, as it would without us. */
static void note_interrupt(int number)
{
	if (interrupts++) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

/* Nobody reads the output any more: as good as an interrupt, however often it is tried. */
static void note_lost_reader(int number)
{
	if (!interrupts)
		interrupts = 1;
}

/* catch_interrupts(): from now on SIGINT and SIGTERM end waits and are noted, once, also where the
 * shell has set SIGINT to be ignored, as it does for background jobs. So is SIGPIPE. */
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
		{"time_ns", posix_time_ns},	    {"sleep", posix_sleep},
		{"cpu_count", posix_cpu_count},	    {"getpid", posix_getpid},
		{"strerror", posix_strerror},	    {"catch_interrupts", posix_catch_interrupts},
		{"interrupted", posix_interrupted}, {NULL, NULL},
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
