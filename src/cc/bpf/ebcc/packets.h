/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing packets: single values at an offset, and cursors over the structs of
 * bcc/proto.h. A cursor is an offset that looks like a pointer; the packets pass turns accesses
 * through it into packet loads and bpf_skb_store_bytes() calls.
 */
#ifndef EBCC_PACKETS_H
#define EBCC_PACKETS_H

struct sk_buff;

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

__EBCC_INLINE unsigned long long load_dword(void *skb, unsigned long long offset)
{
	return load_word(skb, offset) << 32 | load_word(skb, offset + 4);
}

/* The counterparts of the loads: write a value, given in the machine's byte order, in network
 * order. */
#define __EBCC_PACKET_STORE(name, type, swap)                                                      \
	__EBCC_INLINE int name(void *skb, __u64 offset, __u64 value)                               \
	{                                                                                          \
		type bytes = swap(value);                                                          \
                                                                                                   \
		return bpf_skb_store_bytes(skb, offset, &bytes, sizeof(bytes), 0);                 \
	}
__EBCC_PACKET_STORE(bpf_store_byte, __u8, )
__EBCC_PACKET_STORE(bpf_store_half, __u16, bpf_htons)
__EBCC_PACKET_STORE(bpf_store_word, __u32, bpf_htonl)
__EBCC_PACKET_STORE(bpf_store_dword, __u64, bpf_htonll)

/* A field of @bits bits (at most 64) that begins @first_bit bits, counted from the most significant
 * one, after the byte at @offset in the packet. Only bytes that contain part of it are accessed. */
__EBCC_INLINE __u64 __ebcc_extract(void *skb, __u64 offset, __u64 first_bit, __u64 bits)
{
	__u64 shift, bytes, value = 0;

	if (!bits)
		return 0;
	if (bits > 64) { /* the lowest ones, as in a C conversion */
		first_bit += bits - 64;
		bits = 64;
	}
	shift = first_bit % 8;
	bytes = (shift + bits + 7) / 8;
	offset += first_bit / 8;
#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++)
		if (i < bytes)
			value |= load_byte(skb, offset + i) << (56 - 8 * i);
	value <<= shift;
	if (bytes > 8)
		value |= load_byte(skb, offset + 8) >> (8 - shift);
	return value >> (64 - bits);
}

__EBCC_INLINE int __ebcc_insert(void *skb, __u64 offset, __u64 first_bit, __u64 bits, __u64 value)
{
	__u64 shift = first_bit % 8, bytes = (shift + bits + 7) / 8;
	__u64 mask = bits ? ~0ULL << (64 - bits) : 0;
	__u8 packet[9];

	if (bits > 64)
		return -__EBCC_EINVAL;
	if (!bits)
		return 0;
	value <<= 64 - bits;
	offset += first_bit / 8;
#pragma clang loop unroll(full)
	for (int i = 0; i < 9; i++) {
		__u8 used = i < 8 ? mask >> shift >> (56 - 8 * i) : mask << (8 - shift);
		__u8 part = i < 8 ? value >> shift >> (56 - 8 * i) : value << (8 - shift);

		if (i < bytes)
			packet[i] = (used == 0xff ? 0 : load_byte(skb, offset + i) & ~used) | part;
	}
	return bpf_skb_store_bytes(skb, offset, packet, bytes > 9 ? 9 : bytes, 0);
}

/* A constant number of bits above 64 is an error. */
#define __EBCC_CHECK_BITS(bits)                                                                    \
	_Static_assert(__builtin_choose_expr(__builtin_constant_p(bits), bits, 0) <= 64,           \
		       "a field of a packet has at most 64 bits here")
#define bpf_dext_pkt(skb, offset, first_bit, bits)                                                 \
	({                                                                                         \
		__EBCC_CHECK_BITS(bits);                                                           \
		__ebcc_extract(skb, offset, first_bit, bits);                                      \
	})
#define bpf_dins_pkt(skb, offset, first_bit, bits, value)                                          \
	({                                                                                         \
		__EBCC_CHECK_BITS(bits);                                                           \
		__ebcc_insert(skb, offset, first_bit, bits, value);                                \
	})

/* The context of the calling function; lowered by the markers pass. */
extern void *__ebcc_context(void);

/* Updates the checksum at an offset in the packet after a field of 2 or 4 bytes has changed from
 * @from to @to, both in the machine's byte order. The result is 0 or a negative error. */
#define __EBCC_IN_PACKET_ORDER(value, size)                                                        \
	((size) == 2 ? (__u64)bpf_htons(value) : (__u64)bpf_htonl(value))
#define __EBCC_CHECK_CHECKSUM(value)                                                               \
	_Static_assert(sizeof(value) == 2 || sizeof(value) == 4,                                   \
		       "a checksum is updated with values of 2 or 4 bytes: convert the value to "  \
		       "u16 or u32")
#define incr_cksum_l3(offset, from, to)                                                            \
	({                                                                                         \
		__EBCC_CHECK_CHECKSUM(to);                                                         \
		(int)bpf_l3_csum_replace(__ebcc_context(), (__u64)(offset),                        \
					 __EBCC_IN_PACKET_ORDER(from, sizeof(to)),                 \
					 __EBCC_IN_PACKET_ORDER(to, sizeof(to)), sizeof(to));      \
	})
/* The same for TCP and UDP. @pseudo: 1 if the field is part of the pseudo header, such as an
 * address. */
#define incr_cksum_l4(offset, from, to, pseudo)                                                    \
	({                                                                                         \
		__EBCC_CHECK_CHECKSUM(to);                                                         \
		(int)bpf_l4_csum_replace(__ebcc_context(), (__u64)(offset),                        \
					 __EBCC_IN_PACKET_ORDER(from, sizeof(to)),                 \
					 __EBCC_IN_PACKET_ORDER(to, sizeof(to)),                   \
					 ((pseudo)&1) << 4 | sizeof(to));                          \
	})

#define cursor_advance(cursor, length)                                                             \
	({                                                                                         \
		void *__ebcc_at = (void *)(cursor);                                                \
		(cursor) += (length);                                                              \
		__ebcc_at;                                                                         \
	})

#endif /* EBCC_PACKETS_H */
