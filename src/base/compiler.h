#pragma once
/* Compiler attributes and small always-true macros that every folder uses. */

#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PRINTF_LIKE(format_index, first_arg) \
    __attribute__((format(printf, format_index, first_arg)))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define UNUSED __attribute__((unused))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define ALIGNED(n) __attribute__((aligned(n)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* MUST_CHECK_TYPE marks an enum type whose values may not be dropped by a caller. */
#if defined(__clang__)
#define MUST_CHECK_TYPE __attribute__((warn_unused_result))
#else
#define MUST_CHECK_TYPE [[nodiscard]]
#endif

/* Kernels carry a portable and an AVX2/BMI2 body; the loader picks one at start. Sanitizer builds
 * take the portable one: ifunc resolvers run before their run time is set up. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(MERAK_NO_CLONES)
#define KERNEL_CLONES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define KERNEL_CLONES
#endif
#endif
#ifndef KERNEL_CLONES
#if defined(__x86_64__)
#define KERNEL_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define KERNEL_CLONES
#endif
#endif

#undef MIN /* sys/param.h, behind some libraries' headers, has them too */
#undef MAX
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline size_t align_up(size_t value, size_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}
