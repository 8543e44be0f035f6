// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacks kheaders.tar.xz. liblzma decompresses it. The tar format (POSIX ustar with GNU's long
 * names) is parsed here, since only files and directories matter. Files are written into a
 * temporary directory, which is renamed when it is complete, so that a directory with the final
 * name is always complete.
 */
#include "kernel/kheaders.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"

#define ARCHIVE_LIMIT (64u << 20)
#define UNPACKED_LIMIT (512u << 20)
#define MEMORY_LIMIT (256ull << 20)

#define BLOCK 512
#define LONG_NAME_LIMIT 4096

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char linkname[100], magic[8], uname[32], gname[32], major[8], minor[8], prefix[155];
	char pad[12];
};

static struct ebcc_error *malformed(const char *what)
{
	return ebcc_error_create(EBCC_ERROR_FORMAT,
				 "the archive of kernel headers is malformed: %s", what);
}

static struct ebcc_error *decompress(const struct ebcc_buf *packed, struct ebcc_buf *ret)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	AUTO_FREE uint8_t *chunk = malloc(1 << 20);
	lzma_ret status;

	if (!chunk || lzma_stream_decoder(&stream, MEMORY_LIMIT, LZMA_CONCATENATED) != LZMA_OK)
		return ebcc_error_no_memory();
	stream.next_in = (const uint8_t *)packed->data;
	stream.avail_in = packed->size;
	do {
		stream.next_out = chunk;
		stream.avail_out = 1 << 20;
		status = lzma_code(&stream, LZMA_FINISH);
		ebcc_buf_append(ret, chunk, (1 << 20) - stream.avail_out);
	} while (status == LZMA_OK && ret->size <= UNPACKED_LIMIT && !ret->failed);
	lzma_end(&stream);
	if (status == LZMA_MEM_ERROR)
		return ebcc_error_no_memory();
	if (status != LZMA_STREAM_END)
		return malformed(status == LZMA_OK ? "it is too large" : "it is not in xz format");
	return ebcc_buf_check(ret);
}

/* Parses an octal number that ends at a NUL, a space, or the end of the field. */
static bool parse_number(const char *field, size_t size, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < size && field[i] == ' ')
		i++;
	if (i == size || field[i] < '0' || field[i] > '7')
		return false;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	*ret = value;
	return i == size || !field[i] || field[i] == ' ';
}

/* The checksum is the sum of all bytes of the header, with spaces in its own field. */
static bool checksum_holds(const struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	size_t from = offsetof(struct tar_header, checksum);
	uint64_t expected, sum = 0;

	for (size_t i = 0; i < sizeof(*header); i++)
		sum += i >= from && i < from + sizeof(header->checksum) ? ' ' : bytes[i];
	return parse_number(header->checksum, sizeof(header->checksum), &expected) &&
	       expected == sum;
}

/* Whether a name stays inside the directory that it is unpacked into. */
static bool is_inside(const char *name)
{
	if (*name == '/')
		return false;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
			return false;
		if (!strchr(part, '/'))
			break;
	}
	return true;
}

/* Creates the directories of a path below @root. */
static bool make_parents(int root, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		bool failed;

		*slash = '\0';
		failed = *path && mkdirat(root, path, 0755) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return false;
	}
	return true;
}

static struct ebcc_error *write_file(int root, char *path, const char *data, size_t size)
{
	AUTO_CLOSE int fd = -1;

	if (!make_parents(root, path))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot make the directory of %s", path);
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	/* The archive may contain a file twice; the first one stays. */
	if (fd < 0 && errno == EEXIST)
		return NULL;
	if (fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot write %s", path);
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ebcc_error_os(EBCC_ERROR_OS, n ? errno : ENOSPC, "cannot write %s",
					     path);
		data += n;
		size -= n;
	}
	return NULL;
}

/* The member's name: the preceding long name if there is one, else prefix and name of the header.
 */
static struct ebcc_error *member_name(const struct tar_header *header, struct ebcc_buf *long_name,
				      struct ebcc_buf *ret)
{
	if (long_name->size) {
		ebcc_buf_append_string(ret, long_name->data);
		ebcc_buf_clear(long_name);
	} else {
		if (!memcmp(header->magic, "ustar\0", 6) && *header->prefix)
			ebcc_buf_printf(ret, "%.155s/", header->prefix);
		ebcc_buf_printf(ret, "%.100s", header->name);
	}
	TRY(ebcc_buf_check(ret));
	return is_inside(ebcc_buf_string(ret)) ? NULL : malformed("a name leads out of it");
}

static struct ebcc_error *unpack_member(int root, const struct tar_header *header, const char *data,
					size_t size, struct ebcc_buf *long_name)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;

	if (header->type == 'L') {
		if (size > LONG_NAME_LIMIT)
			return malformed("a name is too long");
		ebcc_buf_clear(long_name);
		ebcc_buf_append(long_name, data, strnlen(data, size));
		return ebcc_buf_check(long_name);
	}
	TRY(member_name(header, long_name, &name));
	if ((header->type == '0' || !header->type) && name.size)
		return write_file(root, name.data, data, size);
	return NULL;
}

static struct ebcc_error *unpack(const struct ebcc_buf *tar, int root)
{
	AUTO_BUF struct ebcc_buf long_name = EBCC_BUF_INIT;
	size_t at = 0;

	while (tar->size - at >= BLOCK && tar->data[at]) {
		const struct tar_header *header = (const struct tar_header *)(tar->data + at);
		uint64_t size;

		at += BLOCK;
		if (!checksum_holds(header) ||
		    !parse_number(header->size, sizeof(header->size), &size))
			return malformed("a header is invalid");
		if (size > tar->size - at)
			return malformed("it is truncated");
		TRY(unpack_member(root, header, tar->data + at, size, &long_name));
		size = (size + BLOCK - 1) / BLOCK * BLOCK;
		if (size > tar->size - at)
			break;
		at += size;
	}
	return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static struct ebcc_error *unpack_into(const struct ebcc_buf *packed, const char *temporary)
{
	AUTO_BUF struct ebcc_buf tar = EBCC_BUF_INIT;
	AUTO_CLOSE int root = -1;

	TRY(decompress(packed, &tar));
	root = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot open %s", temporary);
	return unpack(&tar, root);
}

/* Whether the final directory exists, and no other user can have changed it. */
static bool is_unpacked(const char *path)
{
	struct stat status;

	return !lstat(path, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

struct ebcc_error *ebcc_kheaders_unpack(const char *archive, const char *directory, char **ret)
{
	AUTO_BUF struct ebcc_buf packed = EBCC_BUF_INIT;
	AUTO_FREE char *path = NULL, *temporary = NULL;
	struct ebcc_error *error;

	TRY(ebcc_buf_read_file(&packed, archive, ARCHIVE_LIMIT));
	if (asprintf(&path, "%s/kheaders-%016llx", directory,
		     (unsigned long long)XXH64(packed.data, packed.size, 0)) < 0)
		path = NULL;
	if (!path || asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return ebcc_error_no_memory();
	if (is_unpacked(path)) {
		*ret = TAKE_PTR(path);
		return NULL;
	}
	if (!mkdtemp(temporary))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot make %s", temporary);
	error = unpack_into(&packed, temporary);
	/* Another process may have been faster; its directory is just as good. */
	if (!error && rename(temporary, path) && !is_unpacked(path))
		error = ebcc_error_os(EBCC_ERROR_OS, errno, "cannot make %s", path);
	if (!access(temporary, F_OK))
		nftw(temporary, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (error)
		return ebcc_error_prefix(error, "unpacking %s", archive);
	*ret = TAKE_PTR(path);
	return NULL;
}
