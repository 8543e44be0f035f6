// SPDX-License-Identifier: Apache-2.0
/*
 * What is installed: the compiler, the cache, the tools, and Python packages that are in the way.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/disk_cache.h"
#include "compile/client.h"
#include "doctor.h"
#include "report.h"

#define PYTHON_FILE_LIMIT (1u << 20)
/* With this the compiler's answer to --version begins. */
#define IDENTITY "ebcc-cc: "

/* ---- The compiler ---- */

/* Where the helper is, malloc'ed, or an error. */
static struct ebcc_error *find_compiler(char **ret)
{
	AUTO_BUF struct ebcc_buf identity = EBCC_BUF_INIT;
	struct ebcc_compiler_client *client;
	struct ebcc_error *error;

	TRY(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &client));
	error = ebcc_compiler_client_identity(client, &identity);
	ebcc_compiler_client_destroy(client);
	if (error)
		return error;
	/* The path is followed by three numbers. */
	for (unsigned i = 0; i < 3; i++)
		*strrchr(identity.data, ' ') = '\0';
	return ebcc_copy_string(identity.data, ret);
}

/* Runs "PATH --version" and returns its first line, malloc'ed; NULL if it can't be run. */
static char *ask_version(const char *path)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int ends[2];
	FILE *output;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	child = fork();
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		execl(path, path, "--version", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	output = fdopen(ends[0], "r");
	if (output && child > 0 && getline(&line, &size, output) > 0)
		line[strcspn(line, "\n")] = '\0';
	if (output)
		fclose(output);
	else
		close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return TAKE_PTR(line);
}

static void check_compiler(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_FREE char *path = NULL, *version = NULL;
	AUTO_ERROR struct ebcc_error *error = find_compiler(&path);

	if (error) {
		doctor_say(ret, DOCTOR_PROBLEM, "%s", ebcc_error_message(error));
		return;
	}
	ret->value = cli_json_text(path);
	version = ask_version(path);
	if (!version || strncmp(version, IDENTITY, strlen(IDENTITY))) {
		doctor_say(ret, DOCTOR_PROBLEM, "%s can't be run, or is another program", path);
		doctor_advise(ret, "install ebcc-cc again, or set EBCC_CC to its path");
		return;
	}
	doctor_say(ret, DOCTOR_OK, "%s (%s)", path, version + strlen(IDENTITY));
}

static void check_version(struct doctor *doctor, struct doctor_finding *ret)
{
	ret->value = json_string(ebcc_version());
	doctor_say(ret, DOCTOR_OK, "%s", ebcc_version());
}

/* ---- The cache ---- */

static void remember(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct ebcc_buf *text = ctx;

	if (level <= EBCC_LOG_INFO && !text->size)
		ebcc_buf_append_string(text, message);
}

static void check_cache(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_BUF struct ebcc_buf why = EBCC_BUF_INIT;
	const struct ebcc_log log = {.fn = remember, .ctx = &why};
	AUTO_DISK_CACHE struct ebcc_disk_cache *cache = ebcc_disk_cache_create(NULL, &log);

	if (cache) {
		ret->value = cli_json_text(ebcc_disk_cache_path(cache));
		doctor_say(ret, DOCTOR_OK, "%s", ebcc_disk_cache_path(cache));
		return;
	}
	doctor_say(ret, DOCTOR_MISSING, "%s", why.size ? ebcc_buf_string(&why) : "off");
	doctor_advise(ret, "each start compiles again; EBCC_CACHE names a directory of your own");
}

/* ---- Python ---- */

/* Whether a package `bcc` is the one that comes with ebcc: it imports it. */
static bool is_ours(const char *directory)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT, text = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;

	ebcc_buf_printf(&path, "%s/bcc/__init__.py", directory);
	error = ebcc_buf_read_file(&text, ebcc_buf_string(&path), PYTHON_FILE_LIMIT);
	return !error && strstr(ebcc_buf_string(&text), "from ebcc import");
}

static bool has_package(const char *directory, const char *name)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT, module = EBCC_BUF_INIT;

	ebcc_buf_printf(&path, "%s/%s/__init__.py", directory, name);
	ebcc_buf_printf(&module, "%s/%s.py", directory, name);
	return !access(ebcc_buf_string(&path), F_OK) || !access(ebcc_buf_string(&module), F_OK);
}

/* Appends the directories that match a pattern, and those in them, to a list with ":" between. */
static void add_matches(struct ebcc_buf *list, const char *pattern)
{
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		ebcc_buf_printf(list, ":%s", found.gl_pathv[i]);
	globfree(&found);
}

/* The directories in which Debian's Python looks for packages, in its order. */
static void python_path(struct ebcc_buf *list)
{
	const char *named = getenv("PYTHONPATH"), *home = getenv("HOME");

	ebcc_buf_append_string(list, named ? named : "");
	if (home && *home == '/') {
		AUTO_BUF struct ebcc_buf pattern = EBCC_BUF_INIT;

		ebcc_buf_printf(&pattern, "%s/.local/lib/python3.*/site-packages", home);
		add_matches(list, ebcc_buf_string(&pattern));
	}
	add_matches(list, "/usr/local/lib/python3.*/dist-packages");
	add_matches(list, "/usr/lib/python3/dist-packages");
}

/* The first directory of Python's path that has a package, malloc'ed; NULL: none. */
static char *find_package(const char *name)
{
	AUTO_BUF struct ebcc_buf list = EBCC_BUF_INIT;
	char *save, *directory;

	python_path(&list);
	directory = list.data ? strtok_r(list.data, ":", &save) : NULL;
	for (; directory; directory = strtok_r(NULL, ":", &save))
		if (has_package(directory, name))
			return strdup(directory);
	return NULL;
}

static void check_python(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_FREE char *directory = find_package("ebcc");

	ret->value = cli_json_text(directory);
	if (directory) {
		doctor_say(ret, DOCTOR_OK, "%s/ebcc", directory);
		return;
	}
	doctor_say(ret, DOCTOR_INFO, "not on Python's path");
	doctor_advise(ret, "scripts in Python and most tools need it: install the package "
			   "python3-ebcc, or set PYTHONPATH");
}

static void check_bcc(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_FREE char *directory = find_package("bcc");

	ret->value = cli_json_text(directory);
	if (!directory) {
		doctor_say(ret, DOCTOR_INFO, "no package bcc on Python's path");
		doctor_advise(ret, "scripts written for bcc need the one that comes with ebcc");
	} else if (is_ours(directory)) {
		doctor_say(ret, DOCTOR_OK, "%s/bcc, which is ebcc's", directory);
	} else {
		doctor_say(ret, DOCTOR_INFO, "%s/bcc is another project's, and comes first",
			   directory);
		doctor_advise(ret, "`import bcc` does not get ebcc; remove it (Debian's package is "
				   "python3-bpfcc), or put ebcc's directory first in PYTHONPATH");
	}
}

/* ---- Lua ---- */

/* Whether one of the templates of Lua's path, such as "/usr/share/lua/5.4/?.lua", leads to a
 * module. The list is separated by ";", of which the first is left out. */
static char *find_lua_module(const char *name)
{
	static const char defaults[] =
		"/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;"
		"/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua";
	const char *named = getenv("LUA_PATH_5_4");
	AUTO_BUF struct ebcc_buf list = EBCC_BUF_INIT;
	char *save, *place;

	ebcc_buf_printf(&list, "%s;%s", named ? named : "", defaults);
	place = list.data ? strtok_r(list.data, ";", &save) : NULL;
	for (; place; place = strtok_r(NULL, ";", &save)) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
		char *mark = strchr(place, '?');

		if (!mark)
			continue;
		*mark = '\0';
		ebcc_buf_printf(&path, "%s%s%s", place, name, mark + 1);
		if (!access(ebcc_buf_string(&path), F_OK))
			return strdup(ebcc_buf_string(&path));
	}
	return NULL;
}

static void check_lua(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_FREE char *package = find_lua_module("ebcc");
	AUTO_FREE char *argparse = find_lua_module("argparse"), *dkjson = find_lua_module("dkjson");

	ret->value = cli_json_text(package);
	if (!package) {
		doctor_say(ret, DOCTOR_INFO, "not on Lua's path");
		doctor_advise(ret, "scripts in Lua need it: install the package lua-ebcc, or set "
				   "LUA_PATH_5_4 and LUA_CPATH_5_4");
		return;
	}
	doctor_say(ret, argparse && dkjson ? DOCTOR_OK : DOCTOR_MISSING, "%s", package);
	if (!argparse || !dkjson)
		doctor_advise(ret, "the tools in Lua also need: apt-get install lua-argparse "
				   "lua-dkjson");
}

#define GROUP "installation"
const struct doctor_check doctor_installation_checks[] = {
	{GROUP, "ebcc", check_version},
	{GROUP, "compiler", check_compiler},
	{GROUP, "cache", check_cache},
	{GROUP, "Python package ebcc", check_python},
	{GROUP, "Python package bcc", check_bcc},
	{GROUP, "Lua package ebcc", check_lua},
	{NULL, NULL, NULL},
};
