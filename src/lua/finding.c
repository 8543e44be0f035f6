/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of ebcc._ebcc that find what can be traced (kernel functions, tracepoints, functions of
 * ELF files, libraries), and what the kernel supports.
 */
#include <stdlib.h>

#include "luaebcc.h"

static int find(lua_State *L,
		struct ebcc_error *(*function)(const char *, const struct ebcc_find_opts *,
					       char ***, size_t *))
{
	struct ebcc_error *error;
	char **names;
	size_t count;

	error = function(luaL_checkstring(L, 1), NULL, &names, &count);
	if (error)
		return error_return(L, error);
	strings_return(L, names, count);
	return 1;
}

static int find_kprobe_functions(lua_State *L)
{
	return find(L, ebcc_kernel_find_functions);
}

static int find_tracepoints(lua_State *L)
{
	return find(L, ebcc_kernel_find_tracepoints);
}

static int tracepoint_exists(lua_State *L)
{
	lua_pushboolean(L,
			ebcc_kernel_has_tracepoint(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
	return 1;
}

static int syscall_name(lua_State *L)
{
	lua_pushstring(L, ebcc_syscall_name(luaL_checkstring(L, 1)));
	return 1;
}

static int syscall_prefix(lua_State *L)
{
	lua_pushstring(L, ebcc_kernel_syscall_prefix());
	return 1;
}

/* find_user_functions(binary, regex): a list of {name=, addr=}; addr is the address in the file. */
static int find_user_functions(lua_State *L)
{
	struct ebcc_error *error;
	uint64_t *addresses;
	char **names;
	size_t count;

	error = ebcc_binary_find_functions(luaL_checkstring(L, 1), luaL_checkstring(L, 2), NULL,
					   &names, &addresses, &count);
	if (error)
		return error_return(L, error);
	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_createtable(L, 0, 2);
		lua_pushstring(L, names[i]);
		lua_setfield(L, -2, "name");
		lua_pushinteger(L, addresses[i]);
		lua_setfield(L, -2, "addr");
		lua_rawseti(L, -2, i + 1);
	}
	free(names);
	free(addresses);
	return 1;
}

static int find_library(lua_State *L)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	char *path;

	opts.pid = int_optional(L, 2, 0);
	error = ebcc_library_find(luaL_checkstring(L, 1), &opts, &path);
	if (error)
		return error_return(L, error);
	lua_pushstring(L, path);
	free(path);
	return 1;
}

/* is_go_binary(binary, pid): whether the Go compiler built it. */
static int is_go_binary(lua_State *L)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	bool answer;

	opts.pid = int_optional(L, 2, 0);
	error = ebcc_binary_is_go(luaL_checkstring(L, 1), &opts, &answer);
	if (error)
		return error_return(L, error);
	lua_pushboolean(L, answer);
	return 1;
}

static int possible_cpus(lua_State *L)
{
	struct ebcc_error *error;
	unsigned count;

	error = ebcc_kernel_possible_cpus(&count);
	if (error)
		return error_return(L, error);
	lua_pushinteger(L, count);
	return 1;
}

/* check_privilege(): true; or nil, message, errno if this process may not trace. */
static int check_privilege(lua_State *L)
{
	struct ebcc_error *error = ebcc_privilege_check();

	if (error)
		return error_return(L, error);
	lua_pushboolean(L, true);
	return 1;
}

/* pid_namespace(): the inode number of this process's PID namespace; 0 for the initial one. */
static int pid_namespace(lua_State *L)
{
	struct ebcc_error *error;
	uint32_t inode;

	error = ebcc_process_pid_namespace(&inode);
	if (error)
		return error_return(L, error);
	lua_pushinteger(L, inode);
	return 1;
}

/* kernel_supports(name): whether the kernel supports programs of this kind. */
static int kernel_supports(lua_State *L)
{
	static const char *const names[] = {
		"kfunc", "fmod_ret", "lsm", "raw_tracepoint", "raw_tracepoint_in_module", NULL,
	};
	static const enum ebcc_capability capabilities[] = {
		EBCC_CAPABILITY_KFUNC,
		EBCC_CAPABILITY_FMOD_RET,
		EBCC_CAPABILITY_LSM,
		EBCC_CAPABILITY_RAW_TRACEPOINT,
		EBCC_CAPABILITY_RAW_TRACEPOINT_IN_MODULE,
	};

	lua_pushboolean(L, ebcc_kernel_supports(capabilities[luaL_checkoption(L, 1, NULL, names)]));
	return 1;
}

/* Returns true or false, or nil if the kernel doesn't describe the type. */
static int answer_return(lua_State *L, int answer)
{
	if (answer < 0)
		return nil_return(L);
	lua_pushboolean(L, answer);
	return 1;
}

static int kernel_has_member(lua_State *L)
{
	return answer_return(
		L, ebcc_kernel_has_member(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
}

static int kernel_has_enumerator(lua_State *L)
{
	return answer_return(
		L, ebcc_kernel_has_enumerator(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
}

void finding_add(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"find_kprobe_functions", find_kprobe_functions},
		{"find_tracepoints", find_tracepoints},
		{"tracepoint_exists", tracepoint_exists},
		{"syscall_name", syscall_name},
		{"syscall_prefix", syscall_prefix},
		{"find_user_functions", find_user_functions},
		{"find_library", find_library},
		{"is_go_binary", is_go_binary},
		{"possible_cpus", possible_cpus},
		{"check_privilege", check_privilege},
		{"pid_namespace", pid_namespace},
		{"kernel_supports", kernel_supports},
		{"kernel_has_member", kernel_has_member},
		{"kernel_has_enumerator", kernel_has_enumerator},
		{NULL, NULL},
	};

	luaL_setfuncs(L, functions, 0);
}
