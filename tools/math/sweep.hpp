/* The scalar operators of the language in C++, for sweep.cpp: a literal takes the type it meets.
 * SWEEP_NO_FMA: `mad` rounds twice, as on a machine without fused multiply-add. */
#ifndef SWEEP_HPP
#define SWEEP_HPP

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace fj {

using f32 = float;
using f64 = double;
using u32 = uint32_t;
using i32 = int32_t;
using u64 = uint64_t;
using i64 = int64_t;

struct weak {
    double real;
    uint64_t whole;
    constexpr explicit weak(unsigned long long v) : real((double)v), whole(v) {}
    constexpr explicit weak(double v) : real(v), whole(0) {}
    constexpr weak(double r, uint64_t w) : real(r), whole(w) {}
    constexpr operator f32() const { return (f32)real; }
    constexpr operator f64() const { return real; }
    constexpr operator u32() const { return (u32)whole; }
    constexpr operator i32() const { return (i32)whole; }
    constexpr operator u64() const { return whole; }
    constexpr operator i64() const { return (i64)whole; }
};
static constexpr weak inf((double)INFINITY), nan((double)NAN);
constexpr weak operator-(weak a) { return weak(-a.real, 0 - a.whole); }
constexpr weak operator+(weak a, weak b) { return weak(a.real + b.real, a.whole + b.whole); }
constexpr weak operator-(weak a, weak b) { return weak(a.real - b.real, a.whole - b.whole); }
constexpr weak operator*(weak a, weak b) { return weak(a.real * b.real, a.whole * b.whole); }
constexpr weak operator/(weak a, weak b) { return weak(a.real / b.real, 0); }

template <class T> using number = std::enable_if_t<std::is_arithmetic_v<T>, T>;
#define FJ_BINARY(op, result)                                                                     \
    template <class T> inline auto operator op(T a, weak b)->std::enable_if_t<std::is_arithmetic_v<T>, result> \
    { return (result)(a op (T)b); }                                                               \
    template <class T> inline auto operator op(weak a, T b)->std::enable_if_t<std::is_arithmetic_v<T>, result> \
    { return (result)((T)a op b); }
FJ_BINARY(+, T)
FJ_BINARY(-, T)
FJ_BINARY(*, T)
FJ_BINARY(/, T)
FJ_BINARY(&, T)
FJ_BINARY(|, T)
FJ_BINARY(^, T)
FJ_BINARY(<<, T)
FJ_BINARY(>>, T)
FJ_BINARY(<, bool)
FJ_BINARY(<=, bool)
FJ_BINARY(>, bool)
FJ_BINARY(>=, bool)
FJ_BINARY(==, bool)
FJ_BINARY(!=, bool)

template <class... T> struct meet_of;
template <class T> struct meet_of<T> { using type = T; };
template <class T, class... R> struct meet_of<T, R...> {
    using rest = typename meet_of<R...>::type;
    using type = std::conditional_t<std::is_same_v<T, weak>, rest, T>;
};
template <class... T> using meet = typename meet_of<T...>::type;

inline f32 fused(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
inline f64 fused(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
template <class A, class B, class C> inline meet<A, B, C> fma(A a, B b, C c)
{
    using T = meet<A, B, C>;
    return fused((T)a, (T)b, (T)c);
}
template <class A, class B, class C> inline meet<A, B, C> mad(A a, B b, C c)
{
    using T = meet<A, B, C>;
#ifdef SWEEP_NO_FMA
    return (T)a * (T)b + (T)c;
#else
    return fused((T)a, (T)b, (T)c);
#endif
}
template <class To, class From> inline To cast_bits(From v)
{
    static_assert(sizeof(To) == sizeof(From), "bitcast keeps the width");
    To r;
    memcpy(&r, &v, sizeof r);
    return r;
}
#define bitcast(v, T) cast_bits<T>(v)

#define FJ_UNARY(name, call)                                                                      \
    inline f32 name(f32 x) { return call##f(x); }                                                 \
    inline f64 name(f64 x) { return call(x); }
FJ_UNARY(abs, __builtin_fabs)
FJ_UNARY(sqrt, __builtin_sqrt)
FJ_UNARY(rint, __builtin_rint)
FJ_UNARY(floor, __builtin_floor)
FJ_UNARY(ceil, __builtin_ceil)
FJ_UNARY(trunc, __builtin_trunc)
template <class A, class B> inline meet<A, B> min(A a, B b)
{
    using T = meet<A, B>;
    return (T)a != (T)a || (T)a < (T)b ? (T)a : (T)b;
}
template <class A, class B> inline meet<A, B> max(A a, B b)
{
    using T = meet<A, B>;
    return (T)a != (T)a || (T)a > (T)b ? (T)a : (T)b;
}
template <class T> inline bool isnan(T x) { return x != x; }
template <class T> inline bool isinf(T x) { return __builtin_isinf(x); }
template <class T> inline bool isfinite(T x) { return __builtin_isfinite(x); }
template <class T> inline bool signbit(T x) { return __builtin_signbit(x); }
template <class A, class B> inline meet<A, B> copysign(A a, B b)
{
    using T = meet<A, B>;
    return sizeof(T) == 4 ? (T)__builtin_copysignf((f32)a, (f32)b)
                          : (T)__builtin_copysign((f64)a, (f64)b);
}
template <class T> inline i32 frexp_exponent(T x)
{
    int e = 0;
    if (x == x && !__builtin_isinf(x) && x != 0)
        (void)__builtin_frexp((f64)x, &e);
    return e;
}
template <class T, class I> inline T ldexp(T x, I n)
{
    return sizeof(T) == 4 ? (T)__builtin_ldexpf((f32)x, (i32)n) : (T)__builtin_ldexp((f64)x, (i32)n);
}
template <class T> inline T scale(T x, T n)
{
    int k = n > 3000 ? 3000 : n < -3000 ? -3000 : n == n ? (int)n : 0;
    return sizeof(T) == 4 ? (T)__builtin_ldexpf((f32)x, k) : (T)__builtin_ldexp((f64)x, k);
}
u64 two_over_pi_word(i64 i);
inline u64 two_over_pi(i64 i)
{
    i64 word = i >> 3;
    int bits = 8 * (int)(i & 7);
    u64 high = two_over_pi_word(word);
    return bits ? high << bits | two_over_pi_word(word + 1) >> (64 - bits) : high;
}

} // namespace fj

#endif
