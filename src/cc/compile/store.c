// SPDX-License-Identifier: Apache-2.0
#include "compile/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beside_library.h"
#include "compile/cache.h"
#include "compiler/protocol.h"

/* Must change whenever the stored data or the keys' inputs change. */
#define STORE_FORMAT "ebcc objects 1 " EBCC_VERSION

#define OBJECT "object"

/* What a page size of 0 means to the compiler. */
#define DEFAULT_PAGE_SIZE 4096

/* In the path of a dependency, stands for the directory of the source, which may be another one on
 * each machine. */
#define SOURCE_DIRECTORY "<source>/"

/* The size comes before the bytes, so that different lists of strings never give the same text. */
static void add_string(struct ebcc_buf *text, const char *name, const char *string, size_t size)
{
	ebcc_buf_printf(text, "%s %zu ", name, size);
	ebcc_buf_append(text, string, size);
}

/* A source that has no other directories in its name than its own can be moved. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct ebcc_error *ebcc_store_key(const struct ebcc_cc_request *request, const char *header_text,
				  struct ebcc_cache_key *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	const char *name = base_name(request->source_path);

	/* Ring buffers are sized in pages. */
	ebcc_buf_printf(&text, "%s arch %u pipeline %u pages %u ", STORE_FORMAT,
			(unsigned)request->arch, (unsigned)request->pipeline,
			request->page_size ? request->page_size : DEFAULT_PAGE_SIZE);
	add_string(&text, "source", request->source, request->source_size);
	add_string(&text, "name", name, strlen(name));
	if (header_text)
		add_string(&text, "header", header_text, strlen(header_text));
	for (size_t i = 0; i < request->cflag_count; i++)
		add_string(&text, "flag", request->cflags[i], strlen(request->cflags[i]));
	TRY(ebcc_buf_check(&text));
	*ret = ebcc_cache_key_of(&text);
	return NULL;
}

const char *ebcc_store_recording(void)
{
	const char *directory = secure_getenv("EBCC_RECORD");

	return directory && *directory ? directory : NULL;
}

/* ---- Dependencies ---- */

/* Replaces the path of a dependency beside the source, or below its directory, with one that begins
 * with SOURCE_DIRECTORY. */
static struct ebcc_error *make_movable(struct ebcc_cc_dependency *dependency,
				       const char *source_path)
{
	size_t directory = base_name(source_path) - source_path;
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	const char *rest = dependency->path + directory;

	if (!directory && !strncmp(rest, "./", 2))
		rest += 2;
	else if (!directory || strncmp(dependency->path, source_path, directory))
		return NULL;
	ebcc_buf_printf(&path, SOURCE_DIRECTORY "%s", rest);
	free(dependency->path);
	dependency->path = NULL;
	return ebcc_buf_take(&path, &dependency->path, NULL);
}

/* The path of a dependency on this machine. */
static void find_dependency(const struct ebcc_cc_dependency *dependency, const char *source_path,
			    struct ebcc_buf *ret)
{
	int directory = (int)(base_name(source_path) - source_path);
	const char *path = dependency->path;

	ebcc_buf_clear(ret);
	if (!strncmp(path, SOURCE_DIRECTORY, strlen(SOURCE_DIRECTORY)))
		ebcc_buf_printf(ret, "%.*s%s", directory, source_path,
				path + strlen(SOURCE_DIRECTORY));
	else
		ebcc_buf_append_string(ret, path);
}

/* Whether what the source includes is as it was. A file may be missing, because the object was made
 * from it elsewhere. */
static bool dependencies_hold(const struct ebcc_cc_answer *answer, const char *source_path)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

	for (size_t i = 0; i < answer->dependency_count; i++) {
		const struct ebcc_cc_dependency *dependency = &answer->dependencies[i];
		uint64_t now;

		find_dependency(dependency, source_path, &path);
		if (path.failed)
			return false;
		if (access(ebcc_buf_string(&path), F_OK))
			continue;
		if (dependency->missing ||
		    !ebcc_disk_cache_hash_file(ebcc_buf_string(&path), &now) ||
		    now != dependency->hash)
			return false;
	}
	return true;
}

/* ---- Places ---- */

/* Calls @fn for each directory, until it returns true. Returns whether one did. */
static bool each_directory(bool (*fn)(void *ctx, const char *directory), void *ctx)
{
	static const char *const places[] = {EBCC_OBJECTS_FROM_LIB};
	const char *named = secure_getenv("EBCC_OBJECTS");
	AUTO_FREE char *names = named ? strdup(named) : NULL, *installed = NULL;
	AUTO_ERROR struct ebcc_error *error = NULL;
	char *save, *name;

	if (named && !strcmp(named, "off"))
		return false;
	for (name = names ? strtok_r(names, ":", &save) : NULL; name;
	     name = strtok_r(NULL, ":", &save))
		if (fn(ctx, name))
			return true;
	error = ebcc_find_beside_library(places, 1, F_OK, &installed);
	return installed && fn(ctx, installed);
}

static bool append_place(void *ctx, const char *directory)
{
	struct ebcc_buf *text = ctx;

	ebcc_buf_printf(text, "%s%s", text->size ? ", " : "", directory);
	return false;
}

void ebcc_store_places(const struct ebcc_memory_store *memory, struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf places = EBCC_BUF_INIT;

	if (memory->bytes)
		append_place(&places, "the bundle");
	each_directory(append_place, &places);
	ebcc_buf_append_string(text, ebcc_buf_string(&places));
}

/* ---- Finding and adding ---- */

struct search {
	const struct ebcc_log *log;
	const struct ebcc_cache_key *key;
	const char *source_path;
	struct ebcc_cc_answer *ret;
	struct ebcc_buf *where;
};

/* Takes an entry if it is valid here. */
static bool take_entry(const struct search *search, const struct ebcc_buf *entry, const char *where)
{
	if (!ebcc_compile_cache_parse_answer(entry, search->ret) ||
	    !dependencies_hold(search->ret, search->source_path)) {
		ebcc_log(search->log, EBCC_LOG_INFO,
			 "the object in %s is not used: it is damaged, or was compiled from other "
			 "files than those that %s includes here",
			 where, search->source_path);
		ebcc_cc_answer_deinit(search->ret);
		return false;
	}
	ebcc_buf_append_string(search->where, where);
	return true;
}

static bool find_in(void *ctx, const char *directory)
{
	struct search *search = ctx;
	const struct ebcc_disk_cache_opts opts = {.directory = directory, .read_only = true};
	AUTO_DISK_CACHE struct ebcc_disk_cache *store = NULL;
	AUTO_BUF struct ebcc_buf entry = EBCC_BUF_INIT;

	store = ebcc_disk_cache_create(&opts, search->log);
	return ebcc_disk_cache_get(store, search->key, OBJECT, &entry) &&
	       take_entry(search, &entry, directory);
}

bool ebcc_store_find(const struct ebcc_log *log, const struct ebcc_memory_store *memory,
		     const struct ebcc_cache_key *key, const char *source_path,
		     struct ebcc_cc_answer *ret, struct ebcc_buf *where)
{
	struct search search = {log, key, source_path, ret, where};
	AUTO_BUF struct ebcc_buf entry = EBCC_BUF_INIT;

	*ret = (struct ebcc_cc_answer){0};
	if (memory->bytes && ebcc_disk_cache_get_from(memory->bytes, memory->size, key, &entry) &&
	    take_entry(&search, &entry, "the bundle"))
		return true;
	return each_directory(find_in, &search);
}

#define AUTO_ANSWER CLEANUP(ebcc_cc_answer_deinit)

/* A log callback that keeps the message. */
static void keep_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	(void)level;
	ebcc_buf_clear(ctx);
	ebcc_buf_append_string(ctx, message);
}

struct ebcc_error *ebcc_store_add(const char *directory, const struct ebcc_cache_key *key,
				  const char *source_path, const struct ebcc_cc_answer *answer)
{
	const struct ebcc_disk_cache_opts opts = {
		.directory = directory, .size_limit = UINT64_MAX, .shared = true};
	AUTO_DISK_CACHE struct ebcc_disk_cache *store = NULL;
	AUTO_BUF struct ebcc_buf frame = EBCC_BUF_INIT;
	AUTO_ANSWER struct ebcc_cc_answer copy = {0};
	AUTO_BUF struct ebcc_buf reason = EBCC_BUF_INIT;
	const struct ebcc_log log = {.fn = keep_message, .ctx = &reason};

	/* Its paths are changed. */
	TRY(ebcc_frame_encode_answer(&frame, answer));
	if (!ebcc_compile_cache_parse_answer(&frame, &copy))
		return ebcc_error_no_memory();
	for (size_t i = 0; i < copy.dependency_count; i++)
		TRY(make_movable(&copy.dependencies[i], source_path));
	ebcc_buf_clear(&frame);
	TRY(ebcc_frame_encode_answer(&frame, &copy));
	if (*directory != '/')
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "'%s' is not an absolute path: name the directory of an "
					 "object store by one",
					 directory);
	store = ebcc_disk_cache_create(&opts, &log);
	if (!store || !ebcc_disk_cache_put(store, key, OBJECT, frame.data, frame.size))
		return ebcc_error_create(EBCC_ERROR_OS, "the object can't be stored in %s: %s",
					 directory, ebcc_buf_string(&reason));
	return NULL;
}
