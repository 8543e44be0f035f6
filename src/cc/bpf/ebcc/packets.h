/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading packets: single loads at an offset, and cursors over the structs of bcc/proto.h. A
 * cursor is an offset that looks like a pointer; the packets pass turns accesses through it into
 * __ebcc_packet_load() and __ebcc_packet_store(), a value of any bits in network order.
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

#define cursor_advance(cursor, length)                                                             \
	({                                                                                         \
		void *__ebcc_at = (void *)(cursor);                                                \
		(cursor) += (length);                                                              \
		__ebcc_at;                                                                         \
	})

#endif /* EBCC_PACKETS_H */
