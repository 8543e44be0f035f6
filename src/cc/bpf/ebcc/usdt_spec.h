/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the arguments of a USDT probe are, as data: the layout of the map that programs read
 * (usdt.h) and that is filled when they are attached. Both sides include this file, so it uses
 * plain C types only and includes nothing.
 *
 * The map is a hash. Its key is a u64: the cookie that the probe's location was attached with, if
 * it is not 0, or the location's address in the traced process. A location without an entry has no
 * arguments and no cookie of the caller's.
 */
#ifndef EBCC_USDT_SPEC_H
#define EBCC_USDT_SPEC_H

/* The map's name, and its size unless the loader sets another. */
#define EBCC_USDT_SPECS_NAME "__ebcc_usdt_specs"
#define EBCC_USDT_SPECS_SIZE 256

#define EBCC_USDT_MAX_ARGUMENTS 12

/* A section of objects whose sources read the caller's cookie. */
#define EBCC_USDT_COOKIE_SECTION ".ebcc.usdt_cookie"

/* Instead of a register; the value is 0. */
#define EBCC_USDT_NO_REGISTER 0xffff

/* Where an argument comes from, before it is truncated to its size and extended to 64 bits. */
enum ebcc_usdt_kind {
	EBCC_USDT_NONE,	    /* no argument */
	EBCC_USDT_CONSTANT, /* value */
	EBCC_USDT_REGISTER, /* base */
	EBCC_USDT_MEMORY,   /* user memory at base + value */
	EBCC_USDT_INDEXED,  /* user memory at base + (index << shift) + value */
};

struct ebcc_usdt_argument {
	unsigned long long value; /* of a constant; an offset from an address, modulo 2^64 */
	unsigned short base;	  /* register, as its byte offset in struct pt_regs */
	unsigned short index;	  /* the same */
	unsigned char kind;	  /* enum ebcc_usdt_kind */
	unsigned char size;	  /* in bytes: 1, 2, 4 or 8 */
	unsigned char is_signed;  /* whether its highest bit is a sign: 0 or 1 */
	unsigned char shift;	  /* of the index: 0 to 3 */
};

struct ebcc_usdt_spec {
	unsigned long long count;  /* of arguments */
	unsigned long long cookie; /* the caller's; 0: none */
	struct ebcc_usdt_argument arguments[EBCC_USDT_MAX_ARGUMENTS];
};

#endif /* EBCC_USDT_SPEC_H */
