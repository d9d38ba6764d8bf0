#!/usr/bin/env python3
"""The words of 2/pi that the operator two_over_pi(i) gives: bits 64 i .. 64 i + 63 after the point."""
WORDS = 20
GUARD = 64


def arctan_inverse(n, one):
    """one * arctan(1/n)"""
    total = term = one // n
    k, sign = 1, 1
    while term:
        term //= n * n
        k += 2
        sign = -sign
        total += sign * (term // k)
    return total


one = 1 << (64 * WORDS + 2 * GUARD)
pi = 4 * (4 * arctan_inverse(5, one) - arctan_inverse(239, one))
bits = (2 * one * one // pi) >> (2 * GUARD)
for i in range(WORDS):
    print(f"0x{bits >> (64 * (WORDS - 1 - i)) & (1 << 64) - 1:016x}u,")
