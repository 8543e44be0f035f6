/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of USDT probes. A map says where they are (usdt_spec.h), so one object works for every
 * binary. The map is static, like the functions that use it: an object whose source reads no
 * arguments has neither.
 */
#ifndef EBCC_USDT_H
#define EBCC_USDT_H

#include "ebcc/usdt_spec.h"

/* How much of struct pt_regs a spec may refer to, and the offset of the instruction pointer in
 * it. */
#if defined(__x86_64__)
#define __EBCC_USDT_REGISTERS (21 * 8)
#define __EBCC_USDT_IP (16 * 8)
#elif defined(__aarch64__)
#define __EBCC_USDT_REGISTERS (34 * 8)
#define __EBCC_USDT_IP (32 * 8)
#endif

static __EBCC_DEFINE(__ebcc_usdt_specs, __EBCC_TYPE_HASH, __u64, struct ebcc_usdt_spec,
		     EBCC_USDT_SPECS_SIZE, 0);

/* libbpf sets this when it loads the object; on older kernels the verifier then skips the call that
 * they don't have. Declared where it is used, because a precompiled header would lose its type. */
#define __EBCC_USDT_HAS_COOKIE                                                                     \
	({                                                                                         \
		extern const _Bool LINUX_HAS_BPF_COOKIE __attribute__((section(".kconfig")));      \
		LINUX_HAS_BPF_COOKIE;                                                              \
	})

/* Keeps the optimizer from separating a comparison from the value that it bounds, so that the
 * verifier sees the bound. */
#define __EBCC_OPAQUE(value) asm volatile("" : "+r"(value))

__EBCC_INLINE const struct ebcc_usdt_spec *__ebcc_usdt_spec(void *ctx, _Bool cookies)
{
	__u64 key = cookies ? bpf_get_attach_cookie(ctx) : 0;

	if (!key)
		key = *(__u64 *)((char *)ctx + __EBCC_USDT_IP);
	return bpf_map_lookup_elem(__EBCC_MAP(__ebcc_usdt_specs), &key);
}

__EBCC_INLINE const struct ebcc_usdt_argument *__ebcc_usdt_find(__u64 n, void *ctx, _Bool cookies)
{
	const struct ebcc_usdt_spec *spec = __ebcc_usdt_spec(ctx, cookies);

	if (!spec)
		return NULL;
	n--;
	__EBCC_OPAQUE(n);
	if (n >= EBCC_USDT_MAX_ARGUMENTS)
		return NULL;
	__EBCC_OPAQUE(n);
	return n < spec->count ? &spec->arguments[n] : NULL;
}

/* A load from the context needs a constant offset; a probe read does not. */
__EBCC_INLINE int __ebcc_usdt_register(void *ctx, __u64 offset, __u64 *ret)
{
	*ret = 0;
	if (offset == EBCC_USDT_NO_REGISTER)
		return 0;
	__EBCC_OPAQUE(offset);
	if (offset > __EBCC_USDT_REGISTERS - sizeof(*ret))
		return -__EBCC_EINVAL;
	return bpf_probe_read_kernel(ret, sizeof(*ret), (char *)ctx + offset);
}

__EBCC_INLINE int __ebcc_usdt_memory(const struct ebcc_usdt_argument *argument, void *ctx,
				     __u64 base, __u64 *ret)
{
	__u64 index = 0, size = argument->size;
	int error;

	if (argument->kind == EBCC_USDT_INDEXED) {
		error = __ebcc_usdt_register(ctx, argument->index, &index);
		if (error)
			return error;
		base += index << (argument->shift & 3);
	}
	*ret = 0;
	__EBCC_OPAQUE(size);
	if (size > sizeof(*ret))
		return -__EBCC_EINVAL;
	return bpf_probe_read_user(ret, size, (const void *)(base + argument->value));
}

/* The value as it is in the process; the bits above its size are undefined. */
__EBCC_INLINE int __ebcc_usdt_fetch(const struct ebcc_usdt_argument *argument, void *ctx,
				    __u64 *ret)
{
	__u64 base;
	int error;

	if (argument->kind == EBCC_USDT_NONE)
		return -__EBCC_ENOENT;
	if (argument->kind == EBCC_USDT_CONSTANT) {
		*ret = argument->value;
		return 0;
	}
	error = __ebcc_usdt_register(ctx, argument->base, &base);
	if (error)
		return error;
	if (argument->kind != EBCC_USDT_REGISTER)
		return __ebcc_usdt_memory(argument, ctx, base, ret);
	*ret = base;
	return 0;
}

__EBCC_INLINE int __ebcc_usdt_read(__u64 n, void *ctx, _Bool cookies, __u64 *ret)
{
	const struct ebcc_usdt_argument *argument = __ebcc_usdt_find(n, ctx, cookies);
	__u64 value = 0;
	__u32 unused_bits;
	int error;

	*ret = 0;
	if (!argument)
		return -__EBCC_ENOENT;
	error = __ebcc_usdt_fetch(argument, ctx, &value);
	if (error)
		return error;
	unused_bits = (64 - argument->size * 8) & 63;
	value <<= unused_bits;
	*ret = argument->is_signed ? (__u64)((long long)value >> unused_bits)
				   : value >> unused_bits;
	return 0;
}

/* The number of arguments. */
__EBCC_INLINE int __ebcc_usdt_count(void *ctx, _Bool cookies)
{
	const struct ebcc_usdt_spec *spec = __ebcc_usdt_spec(ctx, cookies);

	return spec ? spec->count : 0;
}

/* The cookie that the caller gave when the program was attached; 0: none. */
__EBCC_INLINE __u64 __ebcc_usdt_cookie(void *ctx, _Bool cookies)
{
	const struct ebcc_usdt_spec *spec = __ebcc_usdt_spec(ctx, cookies);

	return spec ? spec->cookie : 0;
}

/* The size of argument @n (counted from 1) in bytes, or -ENOENT. */
__EBCC_INLINE int __ebcc_usdt_size(__u64 n, void *ctx, _Bool cookies)
{
	const struct ebcc_usdt_argument *argument = __ebcc_usdt_find(n, ctx, cookies);

	return argument && argument->kind != EBCC_USDT_NONE ? argument->size : -__EBCC_ENOENT;
}

/* The cookie of the attachment. The variable tells the loader that the source asks for it. */
#define bpf_usdt_cookie(ctx)                                                                       \
	({                                                                                         \
		static const char __ebcc_asks_for_cookie                                           \
			__attribute__((used, section(EBCC_USDT_COOKIE_SECTION))) = 1;              \
                                                                                                   \
		__ebcc_usdt_cookie(ctx, __EBCC_USDT_HAS_COOKIE);                                   \
	})

/* Reads the probe's argument @n (counted from 1) into *@arg, truncated or extended to its size. The
 * result is 0, or a negative error (-ENOENT: there is no such argument) with *@arg set to 0. */
#define bpf_usdt_readarg(n, ctx, arg)                                                              \
	({                                                                                         \
		__u64 __ebcc_argument;                                                             \
		int __ebcc_error =                                                                 \
			__ebcc_usdt_read(n, ctx, __EBCC_USDT_HAS_COOKIE, &__ebcc_argument);        \
                                                                                                   \
		_Static_assert(sizeof(*(arg)) <= sizeof(__ebcc_argument),                          \
			       "bpf_usdt_readarg() reads a number or a pointer; use "              \
			       "bpf_usdt_readarg_p() for what a pointer points to");               \
		__builtin_memcpy((void *)(arg), &__ebcc_argument, sizeof(*(arg)));                 \
		__ebcc_error;                                                                      \
	})

/* Copies @len bytes of the process's memory, from where the probe's argument @n points, to @buf.
 * The result is 0, or a negative error with @buf zeroed. */
#define bpf_usdt_readarg_p(n, ctx, buf, len)                                                       \
	({                                                                                         \
		__u64 __ebcc_address;                                                              \
		int __ebcc_missing =                                                               \
			__ebcc_usdt_read(n, ctx, __EBCC_USDT_HAS_COOKIE, &__ebcc_address);         \
		int __ebcc_unread =                                                                \
			bpf_probe_read_user((void *)(buf), len, (const void *)__ebcc_address);     \
                                                                                                   \
		__ebcc_missing ? __ebcc_missing : __ebcc_unread;                                   \
	})

#endif /* EBCC_USDT_H */
