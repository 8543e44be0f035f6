/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constants, macros and small functions of the kernel's internal headers that BPF programs use and
 * BTF doesn't have. macro_table.c makes a table of these definitions at build time. Each one (a
 * #define, a typedef, or a function that begins with `static`) is independent of the others: it is
 * added to a text only if the source or another added definition names it, and BTF doesn't have the
 * name. Functions come after those that they call. Parameter names begin with two underscores, so
 * that they don't clash with enumerators.
 */

/* linux/types.h, in case BTF lacks them. */
typedef int pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 dev_t;
typedef unsigned short umode_t;
typedef u64 sector_t;
typedef u64 blkcnt_t;
typedef unsigned int gfp_t;
typedef unsigned int fmode_t;
typedef unsigned int slab_flags_t;
typedef long long loff_t;
typedef unsigned long ino_t;
typedef unsigned int mode_t;
typedef s64 ktime_t;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef u64 resource_size_t;
typedef unsigned long pgoff_t;
typedef int clockid_t;
typedef long clock_t;
typedef long time_t;
typedef s64 time64_t;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef unsigned short ushort;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef unsigned short sa_family_t;
typedef u8 u_int8_t;
typedef u16 u_int16_t;
typedef u32 u_int32_t;
typedef u64 u_int64_t;
typedef long intptr_t;
typedef u8 blk_status_t;
typedef u32 blk_opf_t;
typedef int key_serial_t;
typedef unsigned int __poll_t;
typedef unsigned short __kernel_sa_family_t;

/* linux/kernel.h, linux/minmax.h, linux/math.h, linux/limits.h, linux/bits.h */
#define min(__a, __b)                                                                              \
	({                                                                                         \
		__typeof__(__a) __min_a = (__a);                                                   \
		__typeof__(__b) __min_b = (__b);                                                   \
		__min_a < __min_b ? __min_a : __min_b;                                             \
	})
#define max(__a, __b)                                                                              \
	({                                                                                         \
		__typeof__(__a) __max_a = (__a);                                                   \
		__typeof__(__b) __max_b = (__b);                                                   \
		__max_a > __max_b ? __max_a : __max_b;                                             \
	})
#define min_t(__type, __a, __b)                                                                    \
	({                                                                                         \
		__type __min_a = (__a);                                                            \
		__type __min_b = (__b);                                                            \
		__min_a < __min_b ? __min_a : __min_b;                                             \
	})
#define max_t(__type, __a, __b)                                                                    \
	({                                                                                         \
		__type __max_a = (__a);                                                            \
		__type __max_b = (__b);                                                            \
		__max_a > __max_b ? __max_a : __max_b;                                             \
	})
#define min3(__a, __b, __c) min(min(__a, __b), __c)
#define max3(__a, __b, __c) max(max(__a, __b), __c)
#define clamp(__value, __low, __high) min(max(__value, __low), __high)
#define clamp_t(__type, __value, __low, __high) min_t(__type, max_t(__type, __value, __low), __high)
#define clamp_val(__value, __low, __high) clamp_t(__typeof__(__value), __value, __low, __high)
#define swap(__a, __b)                                                                             \
	do {                                                                                       \
		__typeof__(__a) __swap_a = (__a);                                                  \
		(__a) = (__b);                                                                     \
		(__b) = __swap_a;                                                                  \
	} while (0)
#define abs(__value)                                                                               \
	({                                                                                         \
		__typeof__(__value) __abs_value = (__value);                                       \
		__abs_value < 0 ? -__abs_value : __abs_value;                                      \
	})
#define ARRAY_SIZE(__array) (sizeof(__array) / sizeof((__array)[0]))
#define DIV_ROUND_UP(__n, __d) (((__n) + (__d)-1) / (__d))
#define DIV_ROUND_UP_ULL(__n, __d) (((unsigned long long)(__n) + (__d)-1) / (__d))
#define DIV_ROUND_CLOSEST(__n, __d)                                                                \
	({                                                                                         \
		__typeof__(__n) __closest_n = (__n);                                               \
		__typeof__(__d) __closest_d = (__d);                                               \
		(__typeof__(__n))-1 > 0 || (__typeof__(__d))-1 > 0 ||                              \
				(__closest_n > 0) == (__closest_d > 0)                             \
			? (__closest_n + __closest_d / 2) / __closest_d                            \
			: (__closest_n - __closest_d / 2) / __closest_d;                           \
	})
#define DIV_ROUND_CLOSEST_ULL(__n, __d)                                                            \
	(((unsigned long long)(__n) + (__d) / 2) / (unsigned long long)(__d))
#define DIV_ROUND_DOWN_ULL(__n, __d) ((unsigned long long)(__n) / (__d))
#define mult_frac(__n, __mul, __d)                                                                 \
	({                                                                                         \
		__typeof__(__n) __frac_n = (__n);                                                  \
		__typeof__(__mul) __frac_mul = (__mul);                                            \
		__typeof__(__d) __frac_d = (__d);                                                  \
		__frac_n / __frac_d *__frac_mul + __frac_n % __frac_d *__frac_mul / __frac_d;      \
	})
#define roundup(__n, __to) ((((__n) + (__to)-1) / (__to)) * (__to))
#define rounddown(__n, __to) ((__n) - (__n) % (__to))
#define round_up(__n, __to) ((((__n)-1) | ((__typeof__(__n))(__to)-1)) + 1)
#define round_down(__n, __to) ((__n) & ~((__typeof__(__n))(__to)-1))
#define ALIGN(__n, __to) (((__n) + ((__typeof__(__n))(__to)-1)) & ~((__typeof__(__n))(__to)-1))
#define ALIGN_DOWN(__n, __to) ((__n) & ~((__typeof__(__n))(__to)-1))
#define IS_ALIGNED(__n, __to) (((__n) & ((__typeof__(__n))(__to)-1)) == 0)
#define PTR_ALIGN(__p, __to) ((__typeof__(__p))ALIGN((unsigned long)(__p), (__to)))
#define BIT(__n) (1UL << (__n))
#define BIT_ULL(__n) (1ULL << (__n))
#define _BITUL(__n) (1UL << (__n))
#define _BITULL(__n) (1ULL << (__n))
#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BITS_PER_TYPE(__type) (sizeof(__type) * 8)
#define BITS_TO_LONGS(__n) (((__n) + 63) / 64)
#define BITS_TO_BYTES(__n) (((__n) + 7) / 8)
#define BITS_TO_U32(__n) (((__n) + 31) / 32)
#define BITS_TO_U64(__n) (((__n) + 63) / 64)
#define BIT_ULL_MASK(__n) (1ULL << ((__n) % 64))
#define BIT_ULL_WORD(__n) ((__n) / 64)
#define BIT_MASK(__n) (1UL << ((__n) % 64))
#define BIT_WORD(__n) ((__n) / 64)
#define GENMASK(__high, __low) ((~0UL << (__low)) & (~0UL >> (63 - (__high))))
#define GENMASK_ULL(__high, __low) ((~0ULL << (__low)) & (~0ULL >> (63 - (__high))))
#define DECLARE_BITMAP(__name, __bits) unsigned long __name[BITS_TO_LONGS(__bits)]
#define upper_32_bits(__n) ((u32)((u64)(__n) >> 32))
#define lower_32_bits(__n) ((u32)(__n))
#define upper_16_bits(__n) ((u16)((__n) >> 16))
#define lower_16_bits(__n) ((u16)(__n))
#define USHRT_MAX ((unsigned short)~0U)
#define SHRT_MAX ((short)(USHRT_MAX >> 1))
#define SHRT_MIN ((short)(-SHRT_MAX - 1))
#define UINT_MAX (~0U)
#define INT_MAX ((int)(~0U >> 1))
#define INT_MIN (-INT_MAX - 1)
#define ULONG_MAX (~0UL)
#define LONG_MAX ((long)(~0UL >> 1))
#define LONG_MIN (-LONG_MAX - 1L)
#define ULLONG_MAX (~0ULL)
#define LLONG_MAX ((long long)(~0ULL >> 1))
#define LLONG_MIN (-LLONG_MAX - 1LL)
#define SIZE_MAX (~(size_t)0)
#define U8_MAX ((u8)~0U)
#define S8_MAX ((s8)(U8_MAX >> 1))
#define S8_MIN ((s8)(-S8_MAX - 1))
#define U16_MAX ((u16)~0U)
#define S16_MAX ((s16)(U16_MAX >> 1))
#define S16_MIN ((s16)(-S16_MAX - 1))
#define U32_MAX ((u32)~0U)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define S32_MIN ((s32)(-S32_MAX - 1))
#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))
#define S64_MIN ((s64)(-S64_MAX - 1))
#define UINT8_MAX U8_MAX
#define UINT16_MAX U16_MAX
#define UINT32_MAX U32_MAX
#define UINT64_MAX U64_MAX
#define INT8_MAX S8_MAX
#define INT16_MAX S16_MAX
#define INT32_MAX S32_MAX
#define INT64_MAX S64_MAX
#define SZ_1K 0x400
#define SZ_4K 0x1000
#define SZ_64K 0x10000
#define SZ_1M 0x100000
#define SZ_1G 0x40000000

/* linux/compiler.h, linux/stddef.h, linux/container_of.h, linux/kconfig.h, linux/err.h */
#define likely(__condition) __builtin_expect(!!(__condition), 1)
#define unlikely(__condition) __builtin_expect(!!(__condition), 0)
#define READ_ONCE(__x) (*(const volatile __typeof__(__x) *)&(__x))
#define WRITE_ONCE(__x, __value) (*(volatile __typeof__(__x) *)&(__x) = (__value))
#define ACCESS_ONCE(__x) (*(volatile __typeof__(__x) *)&(__x))
#define barrier() __asm__ __volatile__("" : : : "memory")
#define offsetof(__type, __member) __builtin_offsetof(__type, __member)
#define offsetofend(__type, __member)                                                              \
	(__builtin_offsetof(__type, __member) + sizeof(((__type *)0)->__member))
#define sizeof_field(__type, __member) sizeof(((__type *)0)->__member)
#define FIELD_SIZEOF(__type, __member) sizeof(((__type *)0)->__member)
#define container_of(__pointer, __type, __member)                                                  \
	((__type *)((char *)(__pointer) - __ebcc_offset_of(__type, __member)))
#define typeof_member(__type, __member) __typeof__(((__type *)0)->__member)
#define struct_size(__p, __member, __n) (sizeof(*(__p)) + sizeof(*(__p)->__member) * (__n))
#define struct_group(__name, ...) __struct_group(/* no tag */, __name, /* none */, __VA_ARGS__)
#define struct_group_attr(__name, __attributes, ...)                                               \
	__struct_group(/* no tag */, __name, __attributes, __VA_ARGS__)
#define struct_group_tagged(__tag, __name, ...)                                                    \
	__struct_group(__tag, __name, /* none */, __VA_ARGS__)
#define __struct_group(__tag, __name, __attributes, ...)                                           \
	union {                                                                                    \
		struct {                                                                           \
			__VA_ARGS__                                                                \
		} __attributes;                                                                    \
		struct __tag {                                                                     \
			__VA_ARGS__                                                                \
		} __attributes __name;                                                             \
	} __attributes
#define DECLARE_FLEX_ARRAY(__type, __name)                                                         \
	struct {                                                                                   \
		struct {                                                                           \
		} __empty_##__name;                                                                \
		__type __name[];                                                                   \
	}
#define __same_type(__a, __b) __builtin_types_compatible_p(__typeof__(__a), __typeof__(__b))
#define BUILD_BUG_ON(__condition) _Static_assert(!(__condition), "BUILD_BUG_ON")
#define static_assert(__condition, ...) _Static_assert(__condition, "" __VA_ARGS__)
#define fallthrough __attribute__((__fallthrough__))
#define __stringify_1(...) #__VA_ARGS__
#define __stringify(...) __stringify_1(__VA_ARGS__)
#define __ARG_PLACEHOLDER_1 0,
#define __take_second_arg(__ignored, __value, ...) __value
#define __kconfig_third(__junk) __take_second_arg(__junk 1, 0, __ARG_PLACEHOLDER_1)
#define __kconfig_second(__value) __kconfig_third(__ARG_PLACEHOLDER_##__value)
#define __kconfig_is(__option) __kconfig_second(__option)
#define IS_BUILTIN(__option) __kconfig_is(__option)
#define IS_MODULE(__option) __kconfig_is(__option##_MODULE)
#define IS_REACHABLE(__option) __kconfig_is(__option)
#define IS_ENABLED(__option) (__kconfig_is(__option) || __kconfig_is(__option##_MODULE))
#define MAX_ERRNO 4095
#define IS_ERR_VALUE(__value) ((unsigned long)(void *)(__value) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR(__p) IS_ERR_VALUE(__p)
#define IS_ERR_OR_NULL(__p) (!(__p) || IS_ERR_VALUE(__p))
#define PTR_ERR(__p) ((long)(__p))
#define ERR_PTR(__error) ((void *)(long)(__error))
#define rcu_dereference(__p) (__p)
#define rcu_dereference_raw(__p) (__p)
#define smp_load_acquire(__p) (*(const volatile __typeof__(*(__p)) *)(__p))

/*
 * Attributes: linux/compiler_attributes.h, linux/compiler_types.h, linux/cache.h, linux/init.h and
 * others. macro_table.c marks a #define that is empty or expands to attributes or `inline`, and the
 * scan recognizes attributes by this mark. Attributes that affect neither the layout of types nor
 * BPF code are empty.
 */
#define __packed __attribute__((__packed__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#define __used __attribute__((__used__))
#define __weak __attribute__((__weak__))
#define __pure __attribute__((__pure__))
#define __attribute_const__ __attribute__((__const__))
#define __cold __attribute__((__cold__))
#define __noreturn __attribute__((__noreturn__))
#define __flatten __attribute__((__flatten__))
#define __gnu_inline __attribute__((__gnu_inline__))
#define noinline __attribute__((__noinline__))
#define __noinline __attribute__((__noinline__))
#define noinline_for_stack __attribute__((__noinline__))
#define __aligned(__n) __attribute__((__aligned__(__n)))
#define __section(__name) __attribute__((__section__(__name)))
#define __cleanup(__function) __attribute__((__cleanup__(__function)))
#define __mode(__name) __attribute__((__mode__(__name)))
#define __alias(__symbol) __attribute__((__alias__(#__symbol)))
#define __aligned_largest __attribute__((__aligned__(16)))
#define __always_inline inline __attribute__((__always_inline__))
#define __inline inline
#define nokprobe_inline inline __attribute__((__always_inline__))
#define L1_CACHE_SHIFT 6
#define L1_CACHE_BYTES (1 << L1_CACHE_SHIFT)
#define SMP_CACHE_BYTES L1_CACHE_BYTES
#define ____cacheline_aligned __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define ____cacheline_aligned_in_smp __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define ____cacheline_internodealigned_in_smp __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define __cacheline_aligned __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define __cacheline_aligned_in_smp __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define __must_check
#define __user
#define __kernel
#define __iomem
#define __rcu
#define __percpu
#define __force
#define __bitwise
#define __nocast
#define __private
#define __safe
#define __randomize_layout
#define __no_randomize_layout
#define __designated_init
#define __latent_entropy
#define __read_mostly
#define __ro_after_init
#define __init
#define __exit
#define __initdata
#define __initconst
#define __exitdata
#define __init_or_module
#define __net_init
#define __net_exit
#define __net_initdata
#define __ref
#define __refdata
#define __sched
#define __kprobes
#define __lockfunc
#define __irq_entry
#define __softirq_entry
#define __visible
#define __deprecated
#define __nonstring
#define __nonstring_array
#define __noclone
#define __malloc
#define __overloadable
#define __retain
#define __naked
#define __uninitialized
#define __nocfi
#define __noscs
#define __noendbr
#define __noretpoline
#define __no_profile
#define __no_stack_protector
#define __no_sanitize_address
#define __no_sanitize_undefined
#define __no_sanitize_thread
#define __no_sanitize_coverage
#define __no_kmsan_checks
#define __no_kcsan
#define __no_kasan_or_inline
#define __page_aligned_data
#define __page_aligned_bss
#define __bpf_kfunc
#define asmlinkage
#define notrace
#define noinstr
#define __counted_by(__member)
#define __counted_by_le(__member)
#define __counted_by_be(__member)
#define __counted_by_ptr(__member)
#define __guarded_by(...)
#define __pt_guarded_by(...)
#define __acquires(...)
#define __releases(...)
#define __cond_acquires(...)
#define __must_hold(...)
#define __printf(__format, __first)
#define __scanf(__format, __first)
#define __nonnull_args(...)
#define __alloc_size(...)
#define __assume_aligned(...)
#define __compiletime_error(__text)
#define __compiletime_warning(__text)

/* linux/errno.h: errors that are internal to the kernel. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ENOIOCTLCMD 515
#define ERESTART_RESTARTBLOCK 516
#define EPROBE_DEFER 517
#define ENOTSUPP 524
#define EIOCBQUEUED 529

/* linux/version.h */
#define KERNEL_VERSION(__a, __b, __c) (((__a) << 16) + ((__b) << 8) + ((__c) > 255 ? 255 : (__c)))

/* Byte order: asm/byteorder.h. BPF programs use that of the machine, which is little-endian. */
#define __constant_htons(__n) ((__be16)__builtin_bswap16(__n))
#define __constant_ntohs(__n) ((__u16)__builtin_bswap16(__n))
#define __constant_htonl(__n) ((__be32)__builtin_bswap32(__n))
#define __constant_ntohl(__n) ((__u32)__builtin_bswap32(__n))
#define htons(__n) ((__be16)__builtin_bswap16(__n))
#define ntohs(__n) ((__u16)__builtin_bswap16(__n))
#define htonl(__n) ((__be32)__builtin_bswap32(__n))
#define ntohl(__n) ((__u32)__builtin_bswap32(__n))
#define ___htons(__n) ((__be16)__builtin_bswap16(__n))
#define ___ntohs(__n) ((__u16)__builtin_bswap16(__n))
#define ___htonl(__n) ((__be32)__builtin_bswap32(__n))
#define ___ntohl(__n) ((__u32)__builtin_bswap32(__n))
#define cpu_to_be16(__n) ((__be16)__builtin_bswap16(__n))
#define cpu_to_be32(__n) ((__be32)__builtin_bswap32(__n))
#define cpu_to_be64(__n) ((__be64)__builtin_bswap64(__n))
#define be16_to_cpu(__n) ((__u16)__builtin_bswap16(__n))
#define be32_to_cpu(__n) ((__u32)__builtin_bswap32(__n))
#define be64_to_cpu(__n) ((__u64)__builtin_bswap64(__n))
#define __cpu_to_be16(__n) ((__be16)__builtin_bswap16(__n))
#define __cpu_to_be32(__n) ((__be32)__builtin_bswap32(__n))
#define __cpu_to_be64(__n) ((__be64)__builtin_bswap64(__n))
#define __be16_to_cpu(__n) ((__u16)__builtin_bswap16(__n))
#define __be32_to_cpu(__n) ((__u32)__builtin_bswap32(__n))
#define __be64_to_cpu(__n) ((__u64)__builtin_bswap64(__n))
#define be16_to_cpup(__p) ((__u16)__builtin_bswap16(*(__p)))
#define be32_to_cpup(__p) ((__u32)__builtin_bswap32(*(__p)))
#define be64_to_cpup(__p) ((__u64)__builtin_bswap64(*(__p)))
#define cpu_to_le16(__n) ((__le16)(__n))
#define cpu_to_le32(__n) ((__le32)(__n))
#define cpu_to_le64(__n) ((__le64)(__n))
#define le16_to_cpu(__n) ((__u16)(__n))
#define le32_to_cpu(__n) ((__u32)(__n))
#define le64_to_cpu(__n) ((__u64)(__n))
#define swab16(__n) __builtin_bswap16(__n)
#define swab32(__n) __builtin_bswap32(__n)
#define swab64(__n) __builtin_bswap64(__n)
#define __swab16(__n) __builtin_bswap16(__n)
#define __swab32(__n) __builtin_bswap32(__n)
#define __swab64(__n) __builtin_bswap64(__n)

/* Time: linux/time64.h, linux/jiffies.h, linux/ktime.h, vdso/time64.h */
#define MSEC_PER_SEC 1000L
#define USEC_PER_MSEC 1000L
#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define USEC_PER_SEC 1000000L
#define NSEC_PER_SEC 1000000000L
#define PSEC_PER_NSEC 1000L
#define FSEC_PER_SEC 1000000000000000LL
#define KTIME_MAX ((s64) ~((u64)1 << 63))
#define KTIME_SEC_MAX (KTIME_MAX / NSEC_PER_SEC)
#define MAX_JIFFY_OFFSET ((LONG_MAX >> 1) - 1)
#define time_after(__a, __b) ((long)((__b) - (__a)) < 0)
#define time_before(__a, __b) time_after(__b, __a)
#define time_after_eq(__a, __b) ((long)((__a) - (__b)) >= 0)
#define time_before_eq(__a, __b) time_after_eq(__b, __a)
static __inline__ __attribute__((__always_inline__)) u64 div_u64(u64 __n, u32 __d)
{
	return __n / __d;
}
static __inline__ __attribute__((__always_inline__)) u64 div64_u64(u64 __n, u64 __d)
{
	return __n / __d;
}
static __inline__ __attribute__((__always_inline__)) u64 div_u64_rem(u64 __n, u32 __d, u32 *__rest)
{
	*__rest = __n % __d;
	return __n / __d;
}
/* Signed division, which older BPF instruction sets lack, by unsigned division. */
static __inline__ __attribute__((__always_inline__)) s64 div64_s64(s64 __n, s64 __d)
{
	u64 __quotient = (u64)(__n < 0 ? -__n : __n) / (u64)(__d < 0 ? -__d : __d);

	return (__n < 0) == (__d < 0) ? __quotient : -__quotient;
}
static __inline__ __attribute__((__always_inline__)) s64 div_s64(s64 __n, s32 __d)
{
	return div64_s64(__n, __d);
}
#define div64_ul(__n, __d) div64_u64(__n, __d)
static __inline__ __attribute__((__always_inline__)) u64 mul_u32_u32(u32 __a, u32 __b)
{
	return (u64)__a * __b;
}
static __inline__ __attribute__((__always_inline__)) u64 mul_u64_u32_shr(u64 __a, u32 __mul,
									 unsigned int __shift)
{
	u64 __low = (u64)(u32)__a * __mul, __high = (__a >> 32) * __mul;

	if (__shift > 32)
		return (__high + (__low >> 32)) >> (__shift - 32);
	return (__low >> __shift) + (__high << (32 - __shift));
}
#define do_div(__n, __d)                                                                           \
	({                                                                                         \
		u32 __do_div_d = (__d);                                                            \
		u32 __do_div_rest = (u64)(__n) % __do_div_d;                                       \
		(__n) = (u64)(__n) / __do_div_d;                                                   \
		__do_div_rest;                                                                     \
	})
static __inline__ __attribute__((__always_inline__)) unsigned int
jiffies_to_msecs(unsigned long __jiffies)
{
	return __jiffies * MSEC_PER_SEC / HZ;
}
static __inline__ __attribute__((__always_inline__)) unsigned int
jiffies_to_usecs(unsigned long __jiffies)
{
	return __jiffies * USEC_PER_SEC / HZ;
}
static __inline__ __attribute__((__always_inline__)) u64 jiffies_to_nsecs(unsigned long __jiffies)
{
	return (u64)__jiffies * (NSEC_PER_SEC / HZ);
}
static __inline__ __attribute__((__always_inline__)) unsigned long
msecs_to_jiffies(unsigned int __ms)
{
	return ((unsigned long)__ms * HZ + MSEC_PER_SEC - 1) / MSEC_PER_SEC;
}
static __inline__ __attribute__((__always_inline__)) unsigned long
usecs_to_jiffies(unsigned int __us)
{
	return ((unsigned long)__us * HZ + USEC_PER_SEC - 1) / USEC_PER_SEC;
}
static __inline__ __attribute__((__always_inline__)) u64 nsecs_to_jiffies64(u64 __ns)
{
	return __ns / (NSEC_PER_SEC / HZ);
}
static __inline__ __attribute__((__always_inline__)) unsigned long nsecs_to_jiffies(u64 __ns)
{
	return nsecs_to_jiffies64(__ns);
}
static __inline__ __attribute__((__always_inline__)) s64 ktime_to_ns(ktime_t __time)
{
	return __time;
}
static __inline__ __attribute__((__always_inline__)) s64 ktime_to_us(ktime_t __time)
{
	return div_s64(__time, NSEC_PER_USEC);
}
static __inline__ __attribute__((__always_inline__)) s64 ktime_to_ms(ktime_t __time)
{
	return div_s64(__time, NSEC_PER_MSEC);
}

/* linux/log2.h */
static __inline__ __attribute__((__always_inline__)) int fls64(u64 __n)
{
	return __n ? 64 - __builtin_clzll(__n) : 0;
}
static __inline__ __attribute__((__always_inline__)) int fls(unsigned int __n)
{
	return __n ? 32 - __builtin_clz(__n) : 0;
}
static __inline__ __attribute__((__always_inline__)) int ilog2(u64 __n)
{
	return fls64(__n) - 1;
}
static __inline__ __attribute__((__always_inline__)) bool is_power_of_2(unsigned long __n)
{
	return __n && !(__n & (__n - 1));
}
static __inline__ __attribute__((__always_inline__)) bool
test_bit(long __bit, const volatile unsigned long *__words)
{
	return __words[__bit / 64] >> (__bit % 64) & 1;
}
static __inline__ __attribute__((__always_inline__)) unsigned int hweight32(unsigned int __n)
{
	return __builtin_popcount(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned long hweight64(u64 __n)
{
	return __builtin_popcountll(__n);
}
static __inline__ __attribute__((__always_inline__)) int ffs(int __n)
{
	return __n ? __builtin_ctz(__n) + 1 : 0;
}
static __inline__ __attribute__((__always_inline__)) unsigned long __ffs(unsigned long __n)
{
	return __builtin_ctzl(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned long
roundup_pow_of_two(unsigned long __n)
{
	return 1UL << fls64(__n - 1);
}

/* linux/bitops.h, the rest of linux/log2.h, linux/bitfield.h */
static __inline__ __attribute__((__always_inline__)) u8 rol8(u8 __n, unsigned int __by)
{
	return (__n << (__by & 7)) | (__n >> (-__by & 7));
}
static __inline__ __attribute__((__always_inline__)) u8 ror8(u8 __n, unsigned int __by)
{
	return (__n >> (__by & 7)) | (__n << (-__by & 7));
}
static __inline__ __attribute__((__always_inline__)) u16 rol16(u16 __n, unsigned int __by)
{
	return (__n << (__by & 15)) | (__n >> (-__by & 15));
}
static __inline__ __attribute__((__always_inline__)) u16 ror16(u16 __n, unsigned int __by)
{
	return (__n >> (__by & 15)) | (__n << (-__by & 15));
}
static __inline__ __attribute__((__always_inline__)) u32 rol32(u32 __n, unsigned int __by)
{
	return (__n << (__by & 31)) | (__n >> (-__by & 31));
}
static __inline__ __attribute__((__always_inline__)) u32 ror32(u32 __n, unsigned int __by)
{
	return (__n >> (__by & 31)) | (__n << (-__by & 31));
}
static __inline__ __attribute__((__always_inline__)) u64 rol64(u64 __n, unsigned int __by)
{
	return (__n << (__by & 63)) | (__n >> (-__by & 63));
}
static __inline__ __attribute__((__always_inline__)) u64 ror64(u64 __n, unsigned int __by)
{
	return (__n >> (__by & 63)) | (__n << (-__by & 63));
}
static __inline__ __attribute__((__always_inline__)) s32 sign_extend32(u32 __n, int __index)
{
	return (s32)(__n << (31 - __index)) >> (31 - __index);
}
static __inline__ __attribute__((__always_inline__)) s64 sign_extend64(u64 __n, int __index)
{
	return (s64)(__n << (63 - __index)) >> (63 - __index);
}
static __inline__ __attribute__((__always_inline__)) unsigned int hweight8(unsigned int __n)
{
	return __builtin_popcount(__n & 0xff);
}
static __inline__ __attribute__((__always_inline__)) unsigned int hweight16(unsigned int __n)
{
	return __builtin_popcount(__n & 0xffff);
}
static __inline__ __attribute__((__always_inline__)) unsigned long hweight_long(unsigned long __n)
{
	return __builtin_popcountll(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned int fls_long(unsigned long __n)
{
	return fls64(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned long __fls(unsigned long __n)
{
	return 63 - __builtin_clzll(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned int __ffs64(u64 __n)
{
	return __builtin_ctzll(__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned long ffz(unsigned long __n)
{
	return __builtin_ctzl(~__n);
}
static __inline__ __attribute__((__always_inline__)) unsigned long
rounddown_pow_of_two(unsigned long __n)
{
	return 1UL << (fls64(__n) - 1);
}
static __inline__ __attribute__((__always_inline__)) int order_base_2(unsigned long __n)
{
	return __n > 1 ? fls64(__n - 1) : 0;
}
static __inline__ __attribute__((__always_inline__)) int bits_per(unsigned long __n)
{
	return __n > 1 ? fls64(__n) : 1;
}
#define const_ilog2(__n) ((__n) < 2 ? 0 : 63 - __builtin_clzll(__n))
#define __bf_shf(__mask) (__builtin_ffsll(__mask) - 1)
#define FIELD_MAX(__mask) ((__typeof__(__mask))((__mask) >> __bf_shf(__mask)))
#define FIELD_FIT(__mask, __value)                                                                 \
	(!((((__typeof__(__mask))(__value)) << __bf_shf(__mask)) & ~(__mask)))
#define FIELD_PREP(__mask, __value) (((__typeof__(__mask))(__value) << __bf_shf(__mask)) & (__mask))
#define FIELD_GET(__mask, __register)                                                              \
	((__typeof__(__mask))(((__register) & (__mask)) >> __bf_shf(__mask)))

/* linux/unaligned.h (asm/unaligned.h) */
#define get_unaligned(__p)                                                                         \
	({                                                                                         \
		const struct {                                                                     \
			__typeof__(*(__p)) __value;                                                \
		} __attribute__((__packed__)) *__unaligned_p = (const void *)(__p);                \
		__unaligned_p->__value;                                                            \
	})
#define put_unaligned(__new, __p)                                                                  \
	do {                                                                                       \
		struct {                                                                           \
			__typeof__(*(__p)) __value;                                                \
		} __attribute__((__packed__)) *__unaligned_p = (void *)(__p);                      \
		__unaligned_p->__value = (__new);                                                  \
	} while (0)
#define get_unaligned_le16(__p) get_unaligned((const u16 *)(__p))
#define get_unaligned_be16(__p) __builtin_bswap16(get_unaligned((const u16 *)(__p)))
#define get_unaligned_le32(__p) get_unaligned((const u32 *)(__p))
#define get_unaligned_be32(__p) __builtin_bswap32(get_unaligned((const u32 *)(__p)))
#define get_unaligned_le64(__p) get_unaligned((const u64 *)(__p))
#define get_unaligned_be64(__p) __builtin_bswap64(get_unaligned((const u64 *)(__p)))

/* linux/jhash.h: Bob Jenkins' lookup3. */
#define jhash_size(__n) ((u32)1 << (__n))
#define jhash_mask(__n) (jhash_size(__n) - 1)
#define JHASH_INITVAL 0xdeadbeef
#define __jhash_mix(__a, __b, __c)                                                                 \
	do {                                                                                       \
		__a -= __c, __a ^= rol32(__c, 4), __c += __b;                                      \
		__b -= __a, __b ^= rol32(__a, 6), __a += __c;                                      \
		__c -= __b, __c ^= rol32(__b, 8), __b += __a;                                      \
		__a -= __c, __a ^= rol32(__c, 16), __c += __b;                                     \
		__b -= __a, __b ^= rol32(__a, 19), __a += __c;                                     \
		__c -= __b, __c ^= rol32(__b, 4), __b += __a;                                      \
	} while (0)
#define __jhash_final(__a, __b, __c)                                                               \
	do {                                                                                       \
		__c ^= __b, __c -= rol32(__b, 14);                                                 \
		__a ^= __c, __a -= rol32(__c, 11);                                                 \
		__b ^= __a, __b -= rol32(__a, 25);                                                 \
		__c ^= __b, __c -= rol32(__b, 16);                                                 \
		__a ^= __c, __a -= rol32(__c, 4);                                                  \
		__b ^= __a, __b -= rol32(__a, 14);                                                 \
		__c ^= __b, __c -= rol32(__b, 24);                                                 \
	} while (0)
static __inline__ __attribute__((__always_inline__)) u32 jhash(const void *__key, u32 __length,
							       u32 __initval)
{
	const u8 *__k = __key;
	u32 __a, __b, __c;

	__a = __b = __c = JHASH_INITVAL + __length + __initval;
	for (; __length > 12; __length -= 12, __k += 12) {
		__a += get_unaligned_le32(__k);
		__b += get_unaligned_le32(__k + 4);
		__c += get_unaligned_le32(__k + 8);
		__jhash_mix(__a, __b, __c);
	}
	if (!__length)
		return __c;
	for (u32 __i = 0; __i < 12; __i++) {
		u32 __byte = __i < __length ? (u32)__k[__i] << __i % 4 * 8 : 0;

		if (__i < 4)
			__a += __byte;
		else if (__i < 8)
			__b += __byte;
		else
			__c += __byte;
	}
	__jhash_final(__a, __b, __c);
	return __c;
}
static __inline__ __attribute__((__always_inline__)) u32 jhash2(const u32 *__k, u32 __length,
								u32 __initval)
{
	u32 __a, __b, __c;

	__a = __b = __c = JHASH_INITVAL + (__length << 2) + __initval;
	for (; __length > 3; __length -= 3, __k += 3) {
		__a += __k[0];
		__b += __k[1];
		__c += __k[2];
		__jhash_mix(__a, __b, __c);
	}
	if (!__length)
		return __c;
	__a += __k[0];
	if (__length > 1)
		__b += __k[1];
	if (__length > 2)
		__c += __k[2];
	__jhash_final(__a, __b, __c);
	return __c;
}
static __inline__ __attribute__((__always_inline__)) u32 __jhash_nwords(u32 __a, u32 __b, u32 __c,
									u32 __initval)
{
	__a += __initval;
	__b += __initval;
	__c += __initval;
	__jhash_final(__a, __b, __c);
	return __c;
}
static __inline__ __attribute__((__always_inline__)) u32 jhash_3words(u32 __a, u32 __b, u32 __c,
								      u32 __initval)
{
	return __jhash_nwords(__a, __b, __c, __initval + JHASH_INITVAL + (3 << 2));
}
static __inline__ __attribute__((__always_inline__)) u32 jhash_2words(u32 __a, u32 __b,
								      u32 __initval)
{
	return __jhash_nwords(__a, __b, 0, __initval + JHASH_INITVAL + (2 << 2));
}
static __inline__ __attribute__((__always_inline__)) u32 jhash_1word(u32 __a, u32 __initval)
{
	return __jhash_nwords(__a, 0, 0, __initval + JHASH_INITVAL + (1 << 2));
}

/* linux/hash.h */
#define GOLDEN_RATIO_32 0x61C88647
#define GOLDEN_RATIO_64 0x61C8864680B583EBull
#define GOLDEN_RATIO_PRIME GOLDEN_RATIO_64
static __inline__ __attribute__((__always_inline__)) u32 hash_32(u32 __n, unsigned int __bits)
{
	return __n * GOLDEN_RATIO_32 >> (32 - __bits);
}
static __inline__ __attribute__((__always_inline__)) u32 hash_64(u64 __n, unsigned int __bits)
{
	return __n * GOLDEN_RATIO_64 >> (64 - __bits);
}
#define hash_long(__n, __bits) hash_64(__n, __bits)
#define hash_ptr(__p, __bits) hash_64((unsigned long)(__p), __bits)

/* net/checksum.h, linux/if_ether.h, linux/etherdevice.h, linux/in.h, net/ipv6.h */
#define CSUM_MANGLED_0 ((__sum16)0xffff)
static __inline__ __attribute__((__always_inline__)) __sum16 csum_fold(__wsum __sum)
{
	__sum = (__sum & 0xffff) + (__sum >> 16);
	__sum = (__sum & 0xffff) + (__sum >> 16);
	return ~__sum;
}
static __inline__ __attribute__((__always_inline__)) __wsum csum_unfold(__sum16 __sum)
{
	return __sum;
}
static __inline__ __attribute__((__always_inline__)) __wsum csum_add(__wsum __sum, __wsum __addend)
{
	__sum += __addend;
	return __sum + (__sum < __addend);
}
static __inline__ __attribute__((__always_inline__)) __wsum csum_sub(__wsum __sum, __wsum __addend)
{
	return csum_add(__sum, ~__addend);
}
static __inline__ __attribute__((__always_inline__)) __sum16 csum16_add(__sum16 __sum,
									__be16 __addend)
{
	__sum += __addend;
	return __sum + (__sum < __addend);
}
static __inline__ __attribute__((__always_inline__)) __sum16 csum16_sub(__sum16 __sum,
									__be16 __addend)
{
	return csum16_add(__sum, ~__addend);
}
static __inline__ __attribute__((__always_inline__)) void csum_replace_by_diff(__sum16 *__sum,
									       __wsum __diff)
{
	*__sum = csum_fold(csum_add(__diff, ~csum_unfold(*__sum)));
}
static __inline__ __attribute__((__always_inline__)) void csum_replace4(__sum16 *__sum,
									__be32 __from, __be32 __to)
{
	*__sum = csum_fold(csum_add(csum_sub(~csum_unfold(*__sum), __from), __to));
}
static __inline__ __attribute__((__always_inline__)) void csum_replace2(__sum16 *__sum,
									__be16 __old, __be16 __new)
{
	*__sum = ~csum16_add(csum16_sub(~*__sum, __old), __new);
}
static __inline__ __attribute__((__always_inline__)) void csum_replace(__wsum *__sum, __wsum __old,
								       __wsum __new)
{
	*__sum = csum_add(csum_sub(*__sum, __old), __new);
}
static __inline__ __attribute__((__always_inline__)) bool
is_multicast_ether_addr(const u8 *__address)
{
	return __address[0] & 1;
}
static __inline__ __attribute__((__always_inline__)) bool is_unicast_ether_addr(const u8 *__address)
{
	return !(__address[0] & 1);
}
static __inline__ __attribute__((__always_inline__)) bool is_local_ether_addr(const u8 *__address)
{
	return __address[0] & 2;
}
static __inline__ __attribute__((__always_inline__)) bool is_zero_ether_addr(const u8 *__address)
{
	return !(__address[0] | __address[1] | __address[2] | __address[3] | __address[4] |
		 __address[5]);
}
static __inline__ __attribute__((__always_inline__)) bool
is_broadcast_ether_addr(const u8 *__address)
{
	return (__address[0] & __address[1] & __address[2] & __address[3] & __address[4] &
		__address[5]) == 0xff;
}
static __inline__ __attribute__((__always_inline__)) bool is_valid_ether_addr(const u8 *__address)
{
	return !is_multicast_ether_addr(__address) && !is_zero_ether_addr(__address);
}
static __inline__ __attribute__((__always_inline__)) bool ether_addr_equal(const u8 *__a,
									   const u8 *__b)
{
	return !((__a[0] ^ __b[0]) | (__a[1] ^ __b[1]) | (__a[2] ^ __b[2]) | (__a[3] ^ __b[3]) |
		 (__a[4] ^ __b[4]) | (__a[5] ^ __b[5]));
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_loopback(__be32 __address)
{
	return (__address & htonl(0xff000000)) == htonl(0x7f000000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_multicast(__be32 __address)
{
	return (__address & htonl(0xf0000000)) == htonl(0xe0000000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_lbcast(__be32 __address)
{
	return __address == 0xffffffff;
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_private_10(__be32 __address)
{
	return (__address & htonl(0xff000000)) == htonl(0x0a000000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_private_172(__be32 __address)
{
	return (__address & htonl(0xfff00000)) == htonl(0xac100000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_private_192(__be32 __address)
{
	return (__address & htonl(0xffff0000)) == htonl(0xc0a80000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_linklocal_169(__be32 __address)
{
	return (__address & htonl(0xffff0000)) == htonl(0xa9fe0000);
}
static __inline__ __attribute__((__always_inline__)) bool ipv4_is_zeronet(__be32 __address)
{
	return __address == 0;
}
static __inline__ __attribute__((__always_inline__)) bool
ipv6_addr_equal(const struct in6_addr *__a, const struct in6_addr *__b)
{
	return !((__a->in6_u.u6_addr32[0] ^ __b->in6_u.u6_addr32[0]) |
		 (__a->in6_u.u6_addr32[1] ^ __b->in6_u.u6_addr32[1]) |
		 (__a->in6_u.u6_addr32[2] ^ __b->in6_u.u6_addr32[2]) |
		 (__a->in6_u.u6_addr32[3] ^ __b->in6_u.u6_addr32[3]));
}
static __inline__ __attribute__((__always_inline__)) bool
ipv6_addr_is_multicast(const struct in6_addr *__address)
{
	return __address->in6_u.u6_addr8[0] == 0xff;
}

/* asm/thread_info.h, asm/page_64_types.h, asm/processor.h, asm-generic/param.h, linux/page-flags.h
 */
#define USER_HZ 100
#if BTF(kasan_report)
#define KASAN_STACK_ORDER 1
#else
#define KASAN_STACK_ORDER 0
#endif
#if X86_64
#define THREAD_SIZE_ORDER (2 + KASAN_STACK_ORDER)
#define THREAD_SIZE (PAGE_SIZE << THREAD_SIZE_ORDER)
#else
#define __THREAD_SIZE_MIN (1UL << (14 + KASAN_STACK_ORDER))
#define THREAD_SIZE (PAGE_SIZE > __THREAD_SIZE_MIN ? PAGE_SIZE : __THREAD_SIZE_MIN)
#endif
/* The padding at the top of the stack in a kernel that may use FRED. */
#if X86_64 && BTF(cpu_init_fred_exceptions)
#define TOP_OF_KERNEL_STACK_PADDING 16
#else
#define TOP_OF_KERNEL_STACK_PADDING 0
#endif
#define task_stack_page(__task) ((void *)(__task)->stack)
#define task_pt_regs(__task)                                                                       \
	((struct pt_regs *)((char *)(__task)->stack + THREAD_SIZE - TOP_OF_KERNEL_STACK_PADDING) - \
	 1)
#if KERNEL < 6.18
#define nth_page(__page, __n) ((__page) + (__n))
#endif
#define folio_page(__folio, __n) (&(__folio)->page + (__n))

/* linux/list.h, linux/rbtree.h, linux/llist.h */
#define ktime_add(__a, __b) ((__a) + (__b))
#define ktime_sub(__a, __b) ((__a) - (__b))
static __inline__ __attribute__((__always_inline__)) ktime_t ns_to_ktime(u64 __ns)
{
	return __ns;
}
static __inline__ __attribute__((__always_inline__)) ktime_t ms_to_ktime(u64 __ms)
{
	return __ms * NSEC_PER_MSEC;
}
static __inline__ __attribute__((__always_inline__)) s64 ktime_us_delta(ktime_t __later,
									ktime_t __earlier)
{
	return ktime_to_us(__later - __earlier);
}
static __inline__ __attribute__((__always_inline__)) s64 ktime_ms_delta(ktime_t __later,
									ktime_t __earlier)
{
	return ktime_to_ms(__later - __earlier);
}
static __inline__ __attribute__((__always_inline__)) s64
timespec64_to_ns(const struct timespec64 *__time)
{
	return __time->tv_sec * NSEC_PER_SEC + __time->tv_nsec;
}
#define list_entry(__pointer, __type, __member) container_of(__pointer, __type, __member)
#define list_first_entry(__head, __type, __member) list_entry((__head)->next, __type, __member)
#define list_last_entry(__head, __type, __member) list_entry((__head)->prev, __type, __member)
#define list_next_entry(__entry, __member)                                                         \
	list_entry((__entry)->__member.next, __typeof__(*(__entry)), __member)
#define list_prev_entry(__entry, __member)                                                         \
	list_entry((__entry)->__member.prev, __typeof__(*(__entry)), __member)
#define hlist_entry(__pointer, __type, __member) container_of(__pointer, __type, __member)
#define hlist_entry_safe(__pointer, __type, __member)                                              \
	({                                                                                         \
		__typeof__(__pointer) __safe_pointer = (__pointer);                                \
		__safe_pointer ? hlist_entry(__safe_pointer, __type, __member) : NULL;             \
	})
#define llist_entry(__pointer, __type, __member) container_of(__pointer, __type, __member)
#define rb_entry(__pointer, __type, __member) container_of(__pointer, __type, __member)
#define list_for_each(__at, __head) for (__at = (__head)->next; __at != (__head); __at = __at->next)
#define list_for_each_entry(__at, __head, __member)                                                \
	for (__at = list_first_entry(__head, __typeof__(*__at), __member);                         \
	     &__at->__member != (__head); __at = list_next_entry(__at, __member))
static __inline__ __attribute__((__always_inline__)) int list_empty(const struct list_head *__head)
{
	return __head->next == __head;
}
static __inline__ __attribute__((__always_inline__)) int
hlist_empty(const struct hlist_head *__head)
{
	return !__head->first;
}
#define RB_EMPTY_ROOT(__root) (!(__root)->rb_node)
#define rb_parent(__node) ((struct rb_node *)((__node)->__rb_parent_color & ~3UL))
#define RB_EMPTY_NODE(__node) ((__node)->__rb_parent_color == (unsigned long)(__node))

/* linux/sched.h: p->__state, and how the sched_switch tracepoint reports it. */
#define TASK_RUNNING 0x0000
#define TASK_INTERRUPTIBLE 0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define __TASK_STOPPED 0x0004
#define __TASK_TRACED 0x0008
#define EXIT_DEAD 0x0010
#define EXIT_ZOMBIE 0x0020
#define EXIT_TRACE (EXIT_ZOMBIE | EXIT_DEAD)
#define TASK_PARKED 0x0040
#define TASK_DEAD 0x0080
#define TASK_WAKEKILL 0x0100
#define TASK_WAKING 0x0200
#define TASK_NOLOAD 0x0400
#define TASK_NEW 0x0800
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_STOPPED (TASK_WAKEKILL | __TASK_STOPPED)
#if KERNEL >= 5.19
#define TASK_TRACED __TASK_TRACED
#else
#define TASK_TRACED (TASK_WAKEKILL | __TASK_TRACED)
#endif
#define TASK_IDLE (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define SIGNAL_STOP_STOPPED 0x00000001
#define SIGNAL_STOP_CONTINUED 0x00000002
#define SIGNAL_GROUP_EXIT 0x00000004
#define is_idle_task(__task) (!!((__task)->flags & PF_IDLE))
#define TASK_REPORT                                                                                \
	(TASK_RUNNING | TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | __TASK_STOPPED |               \
	 __TASK_TRACED | EXIT_DEAD | EXIT_ZOMBIE | TASK_PARKED)
#define TASK_COMM_LEN 16
#define PF_VCPU 0x00000001
#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_WQ_WORKER 0x00000020
#define PF_FORKNOEXEC 0x00000040
#define PF_SUPERPRIV 0x00000100
#define PF_DUMPCORE 0x00000200
#define PF_SIGNALED 0x00000400
#define PF_MEMALLOC 0x00000800
#define PF_USED_MATH 0x00002000
#define PF_KSWAPD 0x00020000
#define PF_KTHREAD 0x00200000
#define PF_RANDOMIZE 0x00400000
#define MAX_NICE 19
#define MIN_NICE (-20)
#define NICE_WIDTH (MAX_NICE - MIN_NICE + 1)
#define MAX_RT_PRIO 100
#define MAX_PRIO (MAX_RT_PRIO + NICE_WIDTH)
#define DEFAULT_PRIO (MAX_RT_PRIO + NICE_WIDTH / 2)
#define NICE_TO_PRIO(__nice) ((__nice) + DEFAULT_PRIO)
#define PRIO_TO_NICE(__prio) ((__prio)-DEFAULT_PRIO)
#define task_pid_nr(__task) ((__task)->pid)
#define task_tgid_nr(__task) ((__task)->tgid)
#define task_tgid_vnr(__task) ((__task)->tgid)

/* linux/kernel.h: the direction of a transfer. */
#define READ 0
#define WRITE 1

/* linux/kdev_t.h: device numbers as the kernel encodes them, which differs from user space. */
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
#define MAJOR(__dev) ((unsigned int)((__dev) >> MINORBITS))
#define MINOR(__dev) ((unsigned int)((__dev)&MINORMASK))
#define MKDEV(__major, __minor) (((__major) << MINORBITS) | (__minor))
static __inline__ __attribute__((__always_inline__)) u32 new_encode_dev(dev_t __dev)
{
	return (MINOR(__dev) & 0xff) | (MAJOR(__dev) << 8) | ((MINOR(__dev) & ~0xffU) << 12);
}
static __inline__ __attribute__((__always_inline__)) dev_t new_decode_dev(u32 __dev)
{
	return MKDEV((__dev & 0xfff00) >> 8, (__dev & 0xff) | ((__dev >> 12) & 0xfff00));
}
#define huge_encode_dev(__dev) new_encode_dev(__dev)
#define huge_decode_dev(__dev) new_decode_dev(__dev)

/* linux/stat.h, linux/fs.h, linux/dcache.h, linux/namei.h */
#define S_IRWXUGO (S_IRWXU | S_IRWXG | S_IRWXO)
#define S_IALLUGO (S_ISUID | S_ISGID | S_ISVTX | S_IRWXUGO)
#define S_IRUGO (S_IRUSR | S_IRGRP | S_IROTH)
#define S_IWUGO (S_IWUSR | S_IWGRP | S_IWOTH)
#define S_IXUGO (S_IXUSR | S_IXGRP | S_IXOTH)
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_LSEEK 0x4
#define FMODE_PREAD 0x8
#define FMODE_PWRITE 0x10
#define FMODE_EXEC 0x20
/* 6.14, and 6.12 with backports from it. */
#if KERNEL >= 6.14 || BTF(file_set_fsnotify_mode)
#define FMODE_NONOTIFY 0x2000000
#define FMODE_NONOTIFY_PERM 0x4000000
#else
#define FMODE_NONOTIFY 0x4000000
#endif
#define FMODE_OPENED 0x80000
#define FMODE_CREATED 0x100000
#define MAY_EXEC 0x00000001
#define MAY_WRITE 0x00000002
#define MAY_READ 0x00000004
#define MAY_APPEND 0x00000008
#define MAY_ACCESS 0x00000010
#define MAY_OPEN 0x00000020
#define MAY_CHDIR 0x00000040
#define SB_RDONLY 1
#define SB_NOSUID 2
#define SB_NODEV 4
#define SB_NOEXEC 8
#define SB_SYNCHRONOUS 16
#define LOOKUP_FOLLOW 1
#define LOOKUP_DIRECTORY 2
#define FL_POSIX 1
#define FL_FLOCK 2
#define FL_LEASE 32
#define BINPRM_BUF_SIZE 256
#define MAX_ARG_STRLEN (PAGE_SIZE * 32)
static __inline__ __attribute__((__always_inline__)) struct inode *
file_inode(const struct file *__file)
{
	return __file->f_inode;
}
static __inline__ __attribute__((__always_inline__)) struct inode *
d_inode(const struct dentry *__dentry)
{
	return __dentry->d_inode;
}
static __inline__ __attribute__((__always_inline__)) struct inode *
d_backing_inode(const struct dentry *__dentry)
{
	return __dentry->d_inode;
}

/* linux/gfp_types.h. The bits are enumerators since 6.10; older kernels have these numbers. */
#define ___GFP_DMA_BIT 0
#define ___GFP_HIGHMEM_BIT 1
#define ___GFP_DMA32_BIT 2
#define ___GFP_MOVABLE_BIT 3
#define ___GFP_RECLAIMABLE_BIT 4
#define ___GFP_HIGH_BIT 5
#define ___GFP_IO_BIT 6
#define ___GFP_FS_BIT 7
#define ___GFP_ZERO_BIT 8
#define ___GFP_DIRECT_RECLAIM_BIT 10
#define ___GFP_KSWAPD_RECLAIM_BIT 11
#define ___GFP_WRITE_BIT 12
#define ___GFP_NOWARN_BIT 13
#define ___GFP_RETRY_MAYFAIL_BIT 14
#define ___GFP_NOFAIL_BIT 15
#define ___GFP_NORETRY_BIT 16
#define ___GFP_MEMALLOC_BIT 17
#define ___GFP_COMP_BIT 18
#define ___GFP_NOMEMALLOC_BIT 19
#define ___GFP_HARDWALL_BIT 20
#define ___GFP_THISNODE_BIT 21
#define ___GFP_ACCOUNT_BIT 22
#define __GFP_DMA ((gfp_t)(1u << ___GFP_DMA_BIT))
#define __GFP_HIGHMEM ((gfp_t)(1u << ___GFP_HIGHMEM_BIT))
#define __GFP_DMA32 ((gfp_t)(1u << ___GFP_DMA32_BIT))
#define __GFP_MOVABLE ((gfp_t)(1u << ___GFP_MOVABLE_BIT))
#define __GFP_RECLAIMABLE ((gfp_t)(1u << ___GFP_RECLAIMABLE_BIT))
#define __GFP_HIGH ((gfp_t)(1u << ___GFP_HIGH_BIT))
#define __GFP_IO ((gfp_t)(1u << ___GFP_IO_BIT))
#define __GFP_FS ((gfp_t)(1u << ___GFP_FS_BIT))
#define __GFP_ZERO ((gfp_t)(1u << ___GFP_ZERO_BIT))
#define __GFP_DIRECT_RECLAIM ((gfp_t)(1u << ___GFP_DIRECT_RECLAIM_BIT))
#define __GFP_KSWAPD_RECLAIM ((gfp_t)(1u << ___GFP_KSWAPD_RECLAIM_BIT))
#define __GFP_WRITE ((gfp_t)(1u << ___GFP_WRITE_BIT))
#define __GFP_NOWARN ((gfp_t)(1u << ___GFP_NOWARN_BIT))
#define __GFP_RETRY_MAYFAIL ((gfp_t)(1u << ___GFP_RETRY_MAYFAIL_BIT))
#define __GFP_NOFAIL ((gfp_t)(1u << ___GFP_NOFAIL_BIT))
#define __GFP_NORETRY ((gfp_t)(1u << ___GFP_NORETRY_BIT))
#define __GFP_MEMALLOC ((gfp_t)(1u << ___GFP_MEMALLOC_BIT))
#define __GFP_COMP ((gfp_t)(1u << ___GFP_COMP_BIT))
#define __GFP_NOMEMALLOC ((gfp_t)(1u << ___GFP_NOMEMALLOC_BIT))
#define __GFP_HARDWALL ((gfp_t)(1u << ___GFP_HARDWALL_BIT))
#define __GFP_THISNODE ((gfp_t)(1u << ___GFP_THISNODE_BIT))
#define __GFP_ACCOUNT ((gfp_t)(1u << ___GFP_ACCOUNT_BIT))
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#if KERNEL >= 6.3
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#else
#define __GFP_ATOMIC ((gfp_t)0x200u)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#endif
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#if KERNEL >= 6.8
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#else
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#endif
#define GFP_NOIO __GFP_RECLAIM
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HARDWALL)
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_DMA __GFP_DMA
#define GFP_DMA32 __GFP_DMA32

/* linux/mm.h, linux/mmzone.h, linux/page-flags.h, linux/vmstat.h */
#define VM_READ 0x00000001
#define VM_WRITE 0x00000002
#define VM_EXEC 0x00000004
#define VM_SHARED 0x00000008
#define VM_MAYREAD 0x00000010
#define VM_MAYWRITE 0x00000020
#define VM_MAYEXEC 0x00000040
#define VM_MAYSHARE 0x00000080
#define VM_GROWSDOWN 0x00000100
#define VM_PFNMAP 0x00000400
#define VM_LOCKED 0x00002000
#define VM_IO 0x00004000
#define VM_DONTCOPY 0x00020000
#define VM_DONTEXPAND 0x00040000
#define VM_HUGETLB 0x00400000
#define VM_FAULT_OOM 0x000001
#define VM_FAULT_SIGBUS 0x000002
#define VM_FAULT_MAJOR 0x000004
#define VM_FAULT_HWPOISON 0x000010
#define VM_FAULT_HWPOISON_LARGE 0x000020
#define VM_FAULT_SIGSEGV 0x000040
#define VM_FAULT_NOPAGE 0x000100
#define VM_FAULT_LOCKED 0x000200
#define VM_FAULT_RETRY 0x000400
#define VM_FAULT_FALLBACK 0x000800
#define VM_FAULT_ERROR                                                                             \
	(VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON |                   \
	 VM_FAULT_HWPOISON_LARGE | VM_FAULT_FALLBACK)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(__address) ALIGN(__address, PAGE_SIZE)
#define PFN_UP(__address) (((__address) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(__address) ((__address) >> PAGE_SHIFT)
#define PFN_PHYS(__frame) ((phys_addr_t)(__frame) << PAGE_SHIFT)
#define PMD_SHIFT 21
#define PMD_SIZE (1UL << PMD_SHIFT)
#define PUD_SHIFT 30
#define MAX_PAGE_ORDER 10
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)
#define MAX_ORDER_NR_PAGES (1 << MAX_PAGE_ORDER)
/* The number of orders; later the greatest order; later removed. */
#if KERNEL < 6.4
#define MAX_ORDER NR_PAGE_ORDERS
#endif
#if KERNEL >= 6.4 && KERNEL < 6.8
#define MAX_ORDER MAX_PAGE_ORDER
#endif
#define HPAGE_PMD_ORDER (PMD_SHIFT - PAGE_SHIFT)

/* linux/security.h: options of capability checks, since 5.1. */
#define CAP_OPT_NONE 0x0
#define CAP_OPT_NOAUDIT BIT(1)
#define CAP_OPT_INSETID BIT(2)

/* linux/blkdev.h, linux/blk_types.h, linux/genhd.h */
#define DISK_NAME_LEN 32
#define BDEVNAME_SIZE 32
#define SECTOR_SHIFT 9
#define SECTOR_SIZE (1 << SECTOR_SHIFT)
#define REQ_OP_BITS 8
#define REQ_OP_MASK ((1 << REQ_OP_BITS) - 1)
#define REQ_FAILFAST_DEV (1ULL << __REQ_FAILFAST_DEV)
#define REQ_FAILFAST_TRANSPORT (1ULL << __REQ_FAILFAST_TRANSPORT)
#define REQ_FAILFAST_DRIVER (1ULL << __REQ_FAILFAST_DRIVER)
#define REQ_SYNC (1ULL << __REQ_SYNC)
#define REQ_META (1ULL << __REQ_META)
#define REQ_PRIO (1ULL << __REQ_PRIO)
#define REQ_NOMERGE (1ULL << __REQ_NOMERGE)
#define REQ_IDLE (1ULL << __REQ_IDLE)
#define REQ_INTEGRITY (1ULL << __REQ_INTEGRITY)
#define REQ_FUA (1ULL << __REQ_FUA)
#define REQ_PREFLUSH (1ULL << __REQ_PREFLUSH)
#define REQ_RAHEAD (1ULL << __REQ_RAHEAD)
#define REQ_BACKGROUND (1ULL << __REQ_BACKGROUND)
#define REQ_NOWAIT (1ULL << __REQ_NOWAIT)
#define REQ_POLLED (1ULL << __REQ_POLLED)
#define REQ_SWAP (1ULL << __REQ_SWAP)
#define req_op(__request) ((__request)->cmd_flags & REQ_OP_MASK)
#define bio_op(__bio) ((__bio)->bi_opf & REQ_OP_MASK)
#define op_is_write(__op) (!!((__op)&1))
#define op_is_sync(__op)                                                                           \
	(((__op)&REQ_OP_MASK) == REQ_OP_READ || ((__op) & (REQ_SYNC | REQ_FUA | REQ_PREFLUSH)))
#define bio_data_dir(__bio) (op_is_write(bio_op(__bio)) ? WRITE : READ)
#define bio_sectors(__bio) ((__bio)->bi_iter.bi_size >> SECTOR_SHIFT)
#define rq_data_dir(__request) (op_is_write(req_op(__request)) ? WRITE : READ)
#if KERNEL >= 5.14
#define blk_rq_is_passthrough(__request)                                                           \
	(req_op(__request) == REQ_OP_DRV_IN || req_op(__request) == REQ_OP_DRV_OUT)
#else
#define blk_rq_is_passthrough(__request)                                                           \
	((req_op(__request) & ~1) == REQ_OP_SCSI_IN || req_op(__request) == REQ_OP_DRV_IN ||       \
	 req_op(__request) == REQ_OP_DRV_OUT)
#endif
#define BLK_STS_OK 0
#define BLK_STS_IOERR 10
static __inline__ __attribute__((__always_inline__)) unsigned int
blk_rq_bytes(const struct request *__request)
{
	return __request->__data_len;
}
static __inline__ __attribute__((__always_inline__)) sector_t
blk_rq_pos(const struct request *__request)
{
	return __request->__sector;
}
static __inline__ __attribute__((__always_inline__)) unsigned int
blk_rq_sectors(const struct request *__request)
{
	return __request->__data_len >> SECTOR_SHIFT;
}

/* linux/socket.h: enumerators for user space, macros in the kernel. */
#define MSG_OOB 1
#define MSG_PEEK 2
#define MSG_DONTROUTE 4
#define MSG_CTRUNC 8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_ERRQUEUE 0x2000
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000
#define MSG_ZEROCOPY 0x4000000
#define MSG_FASTOPEN 0x20000000
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_SECURITY 3
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define AF_UNSPEC 0
#if KERNEL >= 5.15
#define AF_MAX 46
#else
#define AF_MAX 45
#endif
#define PF_MAX AF_MAX
#define SOL_IP 0
#define SOL_TCP 6
#define SOL_UDP 17
#define SOL_IPV6 41
#define SOL_ICMPV6 58
#define SOL_SCTP 132
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define SHUTDOWN_MASK 3

/* linux/in.h, in case BTF lacks the enum. */
#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_IGMP 2
#define IPPROTO_IPIP 4
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_GRE 47
#define IPPROTO_ESP 50
#define IPPROTO_AH 51
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPPROTO_RAW 255
#define IPPROTO_ICMPV6 58
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_NONE 59
#define IPPROTO_DSTOPTS 60
#define NEXTHDR_HOP 0
#define NEXTHDR_TCP 6
#define NEXTHDR_UDP 17
#define NEXTHDR_IPV6 41
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_ICMP 58
#define NEXTHDR_NONE 59
#define NEXTHDR_DEST 60

/* net/tcp_states.h, net/tcp.h, net/sock.h, net/inet_sock.h, net/ipv6.h, linux/tcp.h, linux/udp.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define TCP_CLOSING 11
#define TCP_NEW_SYN_RECV 12
#define TCPF_ESTABLISHED (1 << TCP_ESTABLISHED)
#define TCPF_SYN_SENT (1 << TCP_SYN_SENT)
#define TCPF_SYN_RECV (1 << TCP_SYN_RECV)
#define TCPF_FIN_WAIT1 (1 << TCP_FIN_WAIT1)
#define TCPF_FIN_WAIT2 (1 << TCP_FIN_WAIT2)
#define TCPF_TIME_WAIT (1 << TCP_TIME_WAIT)
#define TCPF_CLOSE (1 << TCP_CLOSE)
#define TCPF_CLOSE_WAIT (1 << TCP_CLOSE_WAIT)
#define TCPF_LAST_ACK (1 << TCP_LAST_ACK)
#define TCPF_LISTEN (1 << TCP_LISTEN)
#define TCPF_CLOSING (1 << TCP_CLOSING)
#define TCPF_NEW_SYN_RECV (1 << TCP_NEW_SYN_RECV)
#define TCPHDR_FIN 0x01
#define TCPHDR_SYN 0x02
#define TCPHDR_RST 0x04
#define TCPHDR_PSH 0x08
#define TCPHDR_ACK 0x10
#define TCPHDR_URG 0x20
#define TCPHDR_ECE 0x40
#define TCPHDR_CWR 0x80
#define TCPHDR_SYN_ECN (TCPHDR_SYN | TCPHDR_ECE | TCPHDR_CWR)
#define TCP_NAGLE_OFF 1
#define TCP_NAGLE_CORK 2
#define TCP_NAGLE_PUSH 4
#define TCP_RTO_MIN ((unsigned int)(HZ / 5))
#define TCP_TIMEOUT_INIT ((unsigned int)HZ)
#define ICSK_TIME_RETRANS 1
#define ICSK_TIME_DACK 2
#define ICSK_TIME_PROBE0 3
#define tcp_flag_byte(__header) (((u8 *)(__header))[13])
#define TCP_SKB_CB(__skb) ((struct tcp_skb_cb *)&((__skb)->cb[0]))
#define IPCB(__skb) ((struct inet_skb_parm *)((__skb)->cb))
#define skb_shinfo(__skb) ((struct skb_shared_info *)((__skb)->head + (__skb)->end))
#define sk_for_each(__sk, __list)                                                                  \
	for (__sk = hlist_entry_safe((__list)->first, struct sock, __sk_common.skc_node); __sk;    \
	     __sk = hlist_entry_safe(__sk->__sk_common.skc_node.next, struct sock,                 \
				     __sk_common.skc_node))
#define tcp_sk(__sk) ((struct tcp_sock *)(__sk))
#define inet_sk(__sk) ((struct inet_sock *)(__sk))
#define udp_sk(__sk) ((struct udp_sock *)(__sk))
#define raw_sk(__sk) ((struct raw_sock *)(__sk))
#define unix_sk(__sk) ((struct unix_sock *)(__sk))
#define inet_csk(__sk) ((struct inet_connection_sock *)(__sk))
#define inet_rsk(__sk) ((struct inet_request_sock *)(__sk))
#define tcp_rsk(__request) ((struct tcp_request_sock *)(__request))
#define inet_twsk(__sk) ((struct inet_timewait_sock *)(__sk))
#define sk_fullsock(__sk)                                                                          \
	(!!(1 << (__sk)->__sk_common.skc_state & ~(TCPF_TIME_WAIT | TCPF_NEW_SYN_RECV)))
#define inet6_sk(__sk) (sk_fullsock(__sk) ? ((struct inet_sock *)(__sk))->pinet6 : NULL)
#define netlink_sk(__sk) ((struct netlink_sock *)(__sk))
#define packet_sk(__sk) ((struct packet_sock *)(__sk))
#define inet_csk_ca(__sk) ((void *)((struct inet_connection_sock *)(__sk))->icsk_ca_priv)
#define sock_net(__sk) ((__sk)->__sk_common.skc_net.net)
#define dev_net(__device) ((__device)->nd_net.net)
#define skb_headlen(__skb) ((__skb)->len - (__skb)->data_len)
#define skb_is_nonlinear(__skb) ((bool)(__skb)->data_len)
static __inline__ __attribute__((__always_inline__)) unsigned char *
skb_mac_header(const struct sk_buff *__skb)
{
	return __skb->head + __skb->mac_header;
}
static __inline__ __attribute__((__always_inline__)) unsigned char *
skb_network_header(const struct sk_buff *__skb)
{
	return __skb->head + __skb->network_header;
}
static __inline__ __attribute__((__always_inline__)) unsigned char *
skb_transport_header(const struct sk_buff *__skb)
{
	return __skb->head + __skb->transport_header;
}
static __inline__ __attribute__((__always_inline__)) unsigned char *
skb_tail_pointer(const struct sk_buff *__skb)
{
	return __skb->head + __skb->tail;
}
static __inline__ __attribute__((__always_inline__)) unsigned char *
skb_end_pointer(const struct sk_buff *__skb)
{
	return __skb->head + __skb->end;
}
#define tcp_hdr(__skb) ((struct tcphdr *)skb_transport_header(__skb))
#define udp_hdr(__skb) ((struct udphdr *)skb_transport_header(__skb))
#define icmp_hdr(__skb) ((struct icmphdr *)skb_transport_header(__skb))
#define ip_hdr(__skb) ((struct iphdr *)skb_network_header(__skb))
#define ipv6_hdr(__skb) ((struct ipv6hdr *)skb_network_header(__skb))
#define eth_hdr(__skb) ((struct ethhdr *)skb_mac_header(__skb))
static __inline__ __attribute__((__always_inline__)) bool
skb_mac_header_was_set(const struct sk_buff *__skb)
{
	return __skb->mac_header != (__typeof__(__skb->mac_header))~0U;
}
static __inline__ __attribute__((__always_inline__)) bool
skb_transport_header_was_set(const struct sk_buff *__skb)
{
	return __skb->transport_header != (__typeof__(__skb->transport_header))~0U;
}
static __inline__ __attribute__((__always_inline__)) unsigned int
tcp_hdrlen(const struct sk_buff *__skb)
{
	return tcp_hdr(__skb)->doff * 4;
}
static __inline__ __attribute__((__always_inline__)) struct sk_buff *
skb_peek(const struct sk_buff_head *__list)
{
	struct sk_buff *__skb = __list->next;

	return __skb == (struct sk_buff *)__list ? NULL : __skb;
}
static __inline__ __attribute__((__always_inline__)) int
skb_queue_empty(const struct sk_buff_head *__list)
{
	return __list->next == (const struct sk_buff *)__list;
}
static __inline__ __attribute__((__always_inline__)) u32
skb_queue_len(const struct sk_buff_head *__list)
{
	return __list->qlen;
}
static __inline__ __attribute__((__always_inline__)) u16
skb_get_queue_mapping(const struct sk_buff *__skb)
{
	return __skb->queue_mapping;
}
static __inline__ __attribute__((__always_inline__)) bool
skb_rx_queue_recorded(const struct sk_buff *__skb)
{
	return __skb->queue_mapping != 0;
}
static __inline__ __attribute__((__always_inline__)) u16
skb_get_rx_queue(const struct sk_buff *__skb)
{
	return __skb->queue_mapping - 1;
}
static __inline__ __attribute__((__always_inline__)) bool skb_is_gso(const struct sk_buff *__skb)
{
	return skb_shinfo(__skb)->gso_size != 0;
}
static __inline__ __attribute__((__always_inline__)) bool before(u32 __a, u32 __b)
{
	return (s32)(__a - __b) < 0;
}
#define after(__a, __b) before(__b, __a)
static __inline__ __attribute__((__always_inline__)) unsigned int
tcp_packets_in_flight(const struct tcp_sock *__tp)
{
	return __tp->packets_out - (__tp->sacked_out + __tp->lost_out) + __tp->retrans_out;
}
static __inline__ __attribute__((__always_inline__)) bool
ipv6_addr_any(const struct in6_addr *__address)
{
	return !(__address->in6_u.u6_addr32[0] | __address->in6_u.u6_addr32[1] |
		 __address->in6_u.u6_addr32[2] | __address->in6_u.u6_addr32[3]);
}
static __inline__ __attribute__((__always_inline__)) bool
ipv6_addr_loopback(const struct in6_addr *__address)
{
	return !(__address->in6_u.u6_addr32[0] | __address->in6_u.u6_addr32[1] |
		 __address->in6_u.u6_addr32[2] | (__address->in6_u.u6_addr32[3] ^ be32_to_cpu(1)));
}
static __inline__ __attribute__((__always_inline__)) bool
ipv6_addr_v4mapped(const struct in6_addr *__address)
{
	return !(__address->in6_u.u6_addr32[0] | __address->in6_u.u6_addr32[1] |
		 (__address->in6_u.u6_addr32[2] ^ be32_to_cpu(0x0000ffff)));
}
#define IPV6_ADDR_ANY 0x0000U
#define IFNAMSIZ 16
#define IP_CE 0x8000
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1FFF
#define MAX_ADDR_LEN 32
#define NETDEV_TX_OK 0
#define NETDEV_TX_BUSY 0x10
#define NET_RX_SUCCESS 0
#define NET_RX_DROP 1
#define NET_XMIT_SUCCESS 0
#define NET_XMIT_DROP 1
#define NET_XMIT_CN 2
#define CHECKSUM_NONE 0
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_COMPLETE 2
#define CHECKSUM_PARTIAL 3
#define VLAN_HLEN 4
#define VLAN_ETH_HLEN 18
#define VLAN_PRIO_MASK 0xe000
#define VLAN_PRIO_SHIFT 13
#define VLAN_VID_MASK 0x0fff
#define INET_ADDRSTRLEN 16
#define INET6_ADDRSTRLEN 48
#define NF_DROP 0
#define NF_ACCEPT 1
#define NF_STOLEN 2
#define NF_QUEUE 3
#define NF_REPEAT 4
#define XT_TABLE_MAXNAMELEN 32

/* linux/scatterlist.h */
#define SG_CHAIN 0x01UL
#define SG_END 0x02UL
#define SG_PAGE_LINK_MASK (SG_CHAIN | SG_END)
#define sg_is_chain(__entry) ((__entry)->page_link & SG_CHAIN)
#define sg_is_last(__entry) ((__entry)->page_link & SG_END)
#define sg_chain_ptr(__entry) ((struct scatterlist *)((__entry)->page_link & ~SG_PAGE_LINK_MASK))
#define sg_page(__entry) ((struct page *)((__entry)->page_link & ~SG_PAGE_LINK_MASK))
static __inline__ __attribute__((__always_inline__)) struct scatterlist *
sg_next(struct scatterlist *__entry)
{
	if (sg_is_last(__entry))
		return NULL;
	__entry++;
	return sg_is_chain(__entry) ? sg_chain_ptr(__entry) : __entry;
}

/* linux/interrupt.h, linux/irq.h, linux/workqueue.h, linux/atomic.h, linux/refcount.h */
#define IRQ_NONE 0
#define IRQ_HANDLED 1
#if KERNEL < 6.9
#define WORK_STRUCT_FLAG_MASK 0xffUL
#endif
#define atomic_read(__atomic) ((__atomic)->counter)
#define atomic64_read(__atomic) ((__atomic)->counter)
#define atomic_long_read(__atomic) ((__atomic)->counter)
#define refcount_read(__refcount) ((unsigned int)(__refcount)->refs.counter)
#define kref_read(__kref) ((unsigned int)(__kref)->refcount.refs.counter)

/* linux/uidgid.h */
#define __kuid_val(__id) ((__id).val)
#define __kgid_val(__id) ((__id).val)
#define from_kuid(__namespace, __id) ((__id).val)
#define from_kgid(__namespace, __id) ((__id).val)
#define uid_eq(__left, __right) ((__left).val == (__right).val)
#define gid_eq(__left, __right) ((__left).val == (__right).val)
#define uid_lt(__left, __right) ((__left).val < (__right).val)
#define uid_valid(__id) ((__id).val != (uid_t)-1)
#define KUIDT_INIT(__value) ((kuid_t){__value})
#define KGIDT_INIT(__value) ((kgid_t){__value})
#define GLOBAL_ROOT_UID KUIDT_INIT(0)
#define GLOBAL_ROOT_GID KGIDT_INIT(0)

/* linux/cgroup.h, linux/nsproxy.h, linux/user_namespace.h */
#define PROC_DYNAMIC_FIRST 0xF0000000U
#define PROC_IPC_INIT_INO 0xEFFFFFFFU
#define PROC_UTS_INIT_INO 0xEFFFFFFEU
#define PROC_USER_INIT_INO 0xEFFFFFFDU
#define PROC_PID_INIT_INO 0xEFFFFFFCU
#define PROC_CGROUP_INIT_INO 0xEFFFFFFBU
#if KERNEL >= 6.1
#define KSYM_NAME_LEN 512
#else
#define KSYM_NAME_LEN 128
#endif
#define MODULE_NAME_LEN 56
#define MAX_PARAM_PREFIX_LEN (64 - sizeof(unsigned long))

/* linux/const.h, asm/signal.h */
#define __AC(__number, __suffix) (__number##__suffix)
#define _AC(__number, __suffix) __AC(__number, __suffix)
#define _AT(__type, __value) ((__type)(__value))
#define _UL(__number) (_AC(__number, UL))
#define _ULL(__number) (_AC(__number, ULL))
#define UL(__number) (_UL(__number))
#define ULL(__number) (_ULL(__number))
#define _NSIG 64

/* Constants in user-space headers that differ between kernel versions, such as masks and version
 * numbers. They are not taken from the headers, only from BTF if it has them. */
#undef AUDIT_NR_FILTERS
#undef FUTEX_CMD_MASK
#undef MAX_BPF_LINK_TYPE
#undef MLOCK_LIMIT
#undef MPOL_MODE_FLAGS
#undef NSIGBUS
#undef NSIGCHLD
#undef NSIGEMT
#undef NSIGFPE
#undef NSIGILL
#undef NSIGPOLL
#undef NSIGSEGV
#undef NSIGSYS
#undef NSIGTRAP
#undef NPROTO
#undef PERF_SAMPLE_MAX
#undef RTAX_FEATURE_MASK
#undef RTNH_COMPARE_MASK
#undef RWF_SUPPORTED
#undef SOF_TIMESTAMPING_MASK
#undef SOF_TIMESTAMPING_TX_RECORD_MASK
#undef SW_CNT
#undef SW_MAX
#undef TASKSTATS_VERSION
#undef XFRM_MODE_MAX
