// SPDX-License-Identifier: Apache-2.0
/*
 * Finding debug files. A file found in one of the usual places is used only if it has the build id
 * of the stripped file or, if that has none, the checksum that the stripped file specifies. The
 * root of the process that maps the file is searched first, then this system.
 */
#include "elf/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/open_file.h"
#include "elf/sections.h"
#include "elf/symbols.h"

/* Computing a checksum reads the whole file, whose size another user may control. */
#define CHECKSUM_LIMIT (512ll << 20)
#define PATH_SIZE 4096

/* ---- Build ids ---- */

static size_t find_build_id(Elf_Data *notes, unsigned char *ret)
{
	size_t at = 0, name, bytes;
	GElf_Nhdr header;

	while (notes && (at = gelf_getnote(notes, at, &header, &name, &bytes))) {
		if (header.n_type != NT_GNU_BUILD_ID || header.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp((char *)notes->d_buf + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			continue;
		if (!header.n_descsz || header.n_descsz > EBCC_BUILD_ID_MAX)
			continue;
		memcpy(ret, (char *)notes->d_buf + bytes, header.n_descsz);
		return header.n_descsz;
	}
	return 0;
}

size_t ebcc_elf_build_id(Elf *elf, unsigned char *ret)
{
	size_t headers = 0, size = 0;
	Elf_Scn *section = NULL;
	GElf_Shdr section_header;
	GElf_Phdr header;

	/* Sections first: in a debug file the program headers may refer to missing data. */
	while (!size && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &section_header) && section_header.sh_type == SHT_NOTE)
			size = find_build_id(ebcc_elf_section_data(section, &section_header, 0),
					     ret);
	if (size || elf_getphdrnum(elf, &headers))
		return size;
	for (size_t i = 0; !size && i < headers && gelf_getphdr(elf, (int)i, &header); i++)
		if (header.p_type == PT_NOTE && header.p_filesz < 1u << 20)
			size = find_build_id(elf_getdata_rawchunk(elf, (int64_t)header.p_offset,
								  header.p_filesz, ELF_T_NHDR),
					     ret);
	return size;
}

static bool has_build_id(int fd, const unsigned char *wanted, size_t size)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	unsigned char found[EBCC_BUILD_ID_MAX];
	bool same;

	if (!elf)
		return false;
	same = elf_kind(elf) == ELF_K_ELF && ebcc_elf_build_id(elf, found) == size &&
	       !memcmp(found, wanted, size);
	elf_end(elf);
	return same;
}

/* ---- Candidates ---- */

/* How to recognize the right file. */
struct wanted {
	unsigned char build_id[EBCC_BUILD_ID_MAX];
	size_t build_id_size;
	const char *link; /* file name in .gnu_debuglink, or NULL */
	uint32_t checksum;
};

static bool has_checksum(int fd, uint32_t wanted)
{
	AUTO_FREE unsigned char *data = malloc(64u << 10);
	uLong checksum = crc32(0, NULL, 0);
	struct stat st;
	ssize_t size;

	if (!data || fstat(fd, &st) || st.st_size > CHECKSUM_LIMIT)
		return false;
	for (off_t at = 0; (size = pread(fd, data, 64u << 10, at)) > 0; at += size) {
		/* The file may grow in the meantime. */
		if (at > st.st_size)
			return false;
		checksum = crc32(checksum, data, (uInt)size);
	}
	return !size && checksum == wanted;
}

/* Returns the descriptor if it is the right file, else closes it and returns -1. */
static int accept_file(int fd, const struct wanted *wanted)
{
	if (fd < 0)
		return -1;
	if (wanted->build_id_size ? has_build_id(fd, wanted->build_id, wanted->build_id_size)
				  : wanted->link && has_checksum(fd, wanted->checksum))
		return fd;
	close(fd);
	return -1;
}

static int open_candidate(int root, const struct wanted *wanted, const char *format, ...)
	EBCC_PRINTF(3, 4);

/* @root: the root directory of the process; -1: this system's. */
static int open_candidate(int root, const struct wanted *wanted, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -1;
	return accept_file(root < 0 ? ebcc_open_regular_at(AT_FDCWD, path)
				    : ebcc_open_regular_in(root, path),
			   wanted);
}

static int open_by_build_id(int root, const char *directory, const struct wanted *wanted)
{
	char text[EBCC_BUILD_ID_MAX * 2 + 1];

	if (wanted->build_id_size < 2)
		return -1;
	for (size_t i = 0; i < wanted->build_id_size; i++)
		snprintf(text + i * 2, 3, "%02x", wanted->build_id[i]);
	return open_candidate(root, wanted, "%s/.build-id/%.2s/%s.debug", directory, text,
			      text + 2);
}

/* The length of the directory part of @path. */
static int directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) : 0;
}

static int open_by_link(int root, const char *debug, const char *path, const struct wanted *wanted)
{
	int length = directory_length(path), fd;

	fd = open_candidate(root, wanted, "%.*s/%s", length, path, wanted->link);
	if (fd < 0)
		fd = open_candidate(root, wanted, "%.*s/.debug/%s", length, path, wanted->link);
	if (fd < 0)
		fd = open_candidate(root, wanted, "%s%.*s/%s", debug, length, path, wanted->link);
	return fd;
}

/* Reads .gnu_debuglink: a file name, padded to a multiple of four bytes, and a checksum. */
static void read_link(Elf *elf, struct wanted *ret)
{
	Elf_Data *data = ebcc_elf_section_named(elf, ".gnu_debuglink", NULL);
	size_t length, at;

	if (!data)
		return;
	length = strnlen(data->d_buf, data->d_size);
	at = (length + 4) & ~(size_t)3;
	if (!length || at > data->d_size || data->d_size - at < sizeof(ret->checksum) ||
	    memchr(data->d_buf, '/', length))
		return;
	ret->link = data->d_buf;
	memcpy(&ret->checksum, (char *)data->d_buf + at, sizeof(ret->checksum));
}

int ebcc_debug_file_open(Elf *elf, const struct ebcc_symbol_places *places)
{
	struct wanted wanted = {0};
	int fd = -1;

	wanted.build_id_size = ebcc_elf_build_id(elf, wanted.build_id);
	read_link(elf, &wanted);
	if (places->symfs && places->path && *places->path == '/')
		fd = open_candidate(-1, &wanted, "%s%s", places->symfs, places->path);
	if (fd < 0 && places->debug)
		fd = open_by_build_id(-1, places->debug, &wanted);
	if (fd < 0 && places->root >= 0)
		fd = open_by_build_id(places->root, EBCC_DEBUG_DIRECTORY, &wanted);
	if (fd >= 0 || !wanted.link || !places->path || *places->path != '/')
		return fd;
	fd = open_by_link(places->root, EBCC_DEBUG_DIRECTORY, places->path, &wanted);
	if (fd < 0 && places->debug)
		fd = open_candidate(-1, &wanted, "%s%.*s/%s", places->debug,
				    directory_length(places->path), places->path, wanted.link);
	return fd;
}
