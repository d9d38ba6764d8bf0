/* Which sanitizers this is built with: they slow tests down and keep freed memory. */
#ifndef SANITIZERS_H
#define SANITIZERS_H

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#if !defined(WITH_ASAN)
#define WITH_ASAN 0
#endif
#if !defined(WITH_TSAN)
#define WITH_TSAN 0
#endif

#endif
