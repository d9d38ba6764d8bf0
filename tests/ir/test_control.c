/* Control flow as values: branches, loops, ways out of them, and who may set a status flag. */
#include <criterion/criterion.h>

#include "lower_case.h"

Test(control, branches)
{
    static const lower_case rows[] = {
        { "fn f(x) { if x > 1 { return 1 } if x < -1 { return -1 } return x }", "f32", "3",
          "f32 1" },
        { "fn f(x) { if x > 1 { return 1 } if x < -1 { return -1 } return x }", "f32", "-3",
          "f32 -1" },
        { "fn f(x) { if x > 1 { return 1 } if x < -1 { return -1 } return x }", "f32", "nan",
          "f32 nan" },
        { "fn f(x) { if x > 1 { return 1 } else { return 2 } }", "f32", "nan", "i64 2" },
        { "fn f(x) { if x > 1 { return 1 } else if x > 0 { return 2 } else { return 3 } }",
          "f32", "0.5", "i64 2" },
        { "fn f(x) { var y = 0 if x > 1 { y = x } return y }", "f32", "0.5", "f32 0" },
        { "fn f(x) { var y = 0 if x > 1 { y = x } return y }", "f32", "1.5", "f32 1.5" },
        { "fn f(x) -> y { if x > 1 { y = x return 7 } y = 2 }", "f32", "1.5", "f32 7" },
        { "fn f(x) -> y { if x > 1 { y = x return 7 } y = 2 }", "f32", "0.5", "f32 2" },
        { "fn f(x) -> (a, b) { a = x b = 1 if x > 0 { b = 2 } }", "f32", "1", "f32 1, i64 2" },
        { "fn f(x) -> (a, b) { if x > 0 { return x, 1 } return 0, 2.5 }", "f64", "-1",
          "f64 0, f64 2.5" },
        { "fn f(x) { if x > 0 { return sincos(x) } return 0, x }", "f32", "-1",
          "f32 0, f32 -1" },
        { "fn f(x) { let y = x let y = y + 1 return y }", "f32", "1", "f32 2" },
        { "fn f(x) { var y = x if x > 0 { let y = 5 var z = y z = 2*z } return y }", "f32", "1",
          "f32 1" },
        { "fn f(x) { return x x = 3 }", "f32", "1", "E0115" },
        { "fn f(x) { var y = x return y y = y + 1 return y }", "f32", "1", "f32 1" },
        { "fn f(x) { if 2 > 1 { return x } return 0 }", "f32", "1", "f32 1" },
        { "const big = false\nfn f(x) { if big { return x } return 0 }", "f32", "1", "f32 0" },
        { "fn f(x) { if x > 0 { return x } }", "f32", "1", "E0122" },
        { "fn f(x) -> y { if x > 0 { y = x } }", "f32", "1", "E0122" },
        { "fn f(x) -> y { y += x }", "f32", "1", "E0122" },
        { "fn f(x) { let y = x }", "f32", "1", "E0121" },
        { "fn f(x) { if x > 0 { return x } else { while true { } } }", "f32", "1", "f32 1" },
        { "fn f(x) = x > 0 && x < 2 || x == 5", "f32", "5", "bool true" },
        { "fn f(x) = !(x > 0)", "f32", "nan", "bool true" },
        { "fn f(x) = select(x > 0, 1, x)", "f32", "-2", "f32 -2" },
    };
    LOWER_CHECK(rows);
}

Test(control, loops)
{
    static const char collatz[] = "fn f(n) { var k = 0 var m = n\n"
                                  " while m != 1 { if m % 2 == 0 { m = m // 2 } else { m = 3*m "
                                  "+ 1 } k += 1 }\n return k }";
    static const char leave[] =
        "fn f(x) { var s = x var i = 0\n"
        " while true { i += 1 if i == 3 { continue } if i > 6 { break }\n"
        "   if s > 100 { return -1 } s += i } return s }";
    static const char nested[] = "fn f(n) { var s = 0 for i in 0 .. n { for j in i .. n { if j "
                                 "- i > 2 { break } s += 1 } }"
                                 " return s }";
    static const char mandel[] =
        "fn f(cr, ci; maxit: i32 = 50) -> i32 {\n"
        " var zr = 0 var zi = 0 var n: i32 = 0\n"
        " while n < maxit && zr*zr + zi*zi <= 4 {\n"
        "  let t = zr*zr - zi*zi + cr zi = 2*zr*zi + ci zr = t n += 1 }\n"
        " return n }";
    static const lower_case rows[] = {
        { collatz, "i64", "27", "i64 111" },
        { collatz, "i32", "1", "i64 0" },
        { leave, "f32", "0", "f32 18" },
        { leave, "f32", "99", "f32 -1" },
        { nested, "i32", "5", "i64 12" },
        { nested, "i32", "0", "i64 0" },
        { mandel, "f32,f32", "0.3,0.5", "i32 50" },
        { mandel, "f64,f64", "1,1", "i32 2" },
        { "fn f(x) { while true { return x } }", "f32", "1", "f32 1" },
        { "fn f(x) { while x > 0 { } return x }", "f32", "-1", "f32 -1" },
        { "fn f(x) { var y = x while true { y += 1 } return y }", "f32", "1", "fuel" },
        { "fn f(x) -> y { y = 0 for i in 0 .. 3 { if x > i { y = i } } }", "f32", "1.5",
          "i64 1" },
        { "fn f(x) -> y { for i in 0 .. 3 { y = x } }", "f32", "1.5", "E0122" },
        { "fn f(x) { for i in 0 .. 3 { if x < i { return i } } return 10 }", "f32", "0.5",
          "i64 1" },
        { "fn f(x) { for i in 0 .. 3 { if x < i { return x } } return 10 }", "f32", "5",
          "f32 10" },
        { "fn f(x) { while x > 0 { if x > 5 { break } return x } return 2 }", "f32", "7",
          "f32 2" },
        { "fn f(x) { while false { return x } return 2 }", "f32", "7", "f32 2" },
    };
    LOWER_CHECK(rows);
}

Test(control, for_counts)
{
    static const lower_case rows[] = {
        { "fn f(n) { var s = 0 for i in 0 .. n { s += i } return s }", "i32", "5", "i64 10" },
        { "fn f(n) { var s = n for i in 0 .. n { s += i } return s }", "u8", "5", "u8 15" },
        { "fn f(n) { var s = 0 for i in n .. 0 by -2 { s += i } return s }", "i32", "5",
          "i64 9" },
        { "fn f(n) { var s = 0 for i in 0 .. 10 by n { s += 1 } return s }", "i32", "3",
          "i64 4" },
        { "fn f(n) { var s = 0 for i in 0 .. 10 by n { s += 1 } return s }", "i32", "0",
          "i64 0" },
        { "fn f(n) { var s = 0 for i in 10 .. 0 by n { s += 1 } return s }", "i32", "-3",
          "i64 4" },
        { "fn f(n) { var s = 0 for i in 10 .. 0 by n { s += 1 } return s }", "i32", "0",
          "i64 0" },
        { "fn f(n: i64) { var s = 0 for i in 9223372036854775800 .. n by 5 { s += 1 } return s "
          "}",
          "i64", "9223372036854775807", "i64 2" },
        { "fn f(n: i64) { var s = 0 for i in -9223372036854775800 .. -n by -5 { s += 1 } "
          "return s }",
          "i64", "9223372036854775807", "i64 2" },
        { "fn f(n: i64) { var s = 0 for i in n .. -n by -9223372036854775807 { s += 1 } return "
          "s }",
          "i64", "9223372036854775807", "i64 2" },
        { "fn f(x) { var s = 0 for i in 0 .. 3 by 0 { s += 1 } return s }", "f32", "1",
          "E0208" },
        { "fn f(x) { for i in 0 .. 3 { i = 2 } return x }", "f32", "1", "E0115" },
        { "fn f(x) { for i in 0 .. 2.5 { } return x }", "f32", "1", "E0207" },
        { "fn f(x: f32) { for i in 0 .. x { } return x }", "f32", "1", "E0207" },
        { "fn f(x) { var s = x for i in 0 .. 3 { s = s/(i + 1) } return s }", "f32", "6",
          "f32 1" },
        { "fn f(x) { var s = 0 for i in 0 .. 3 { var t = 0 t += x s += t } return s }", "f32",
          "6", "f32 18" },
    };
    LOWER_CHECK(rows);
}

/* Only elements that execute an operation set its flag. */
Test(control, flags_are_guarded)
{
    static const lower_case rows[] = {
        { "fn f(x, y) = y != 0 ? x // y : 0", "i32,i32", "7,0", "i32 0" },
        { "fn f(x, y) = y != 0 ? x // y : 0", "i32,i32", "7,2", "i32 3" },
        { "fn f(x, y) = x // y", "i32,i32", "7,0", "i32 0 flags 1" },
        { "fn f(x, y) = y != 0 && x % y == 1", "i32,i32", "7,0", "bool false" },
        { "fn f(x, y) = y == 0 || x % y == 1", "i32,i32", "7,0", "bool true" },
        { "fn f(x, y) { if y == 0 { return -1 } return x // y }", "i32,i32", "7,0", "i32 -1" },
        { "fn f(x, y) { var r = x if y != 0 { r = x % y } return r }", "i32,i32", "7,0",
          "i32 7" },
        { "fn f(x) = x < 100 ? i8(x) : i8(0)", "f32", "1e9", "i8 0" },
        { "fn f(x) = x < 100 ? i8(x) : i8(0)", "f32", "nan", "i8 0" },
        { "fn f(x, n) = n < 0 ? 0 : x**n", "i32,i32", "2,-1", "i32 0" },
        { "fn f(x, y) { var r = x while y != 0 && r % y != 0 { r += 1 } return r }", "i32,i32",
          "7,0", "i32 7" },
        { "fn f(x, y) { var r = x for i in 0 .. 4 { if i == y { break } r = r // (y - i) } "
          "return r }",
          "i32,i32", "24,2", "i32 12" },
        { "fn g(x, y) { return x // y }\nfn f(x, y) = y > 0 ? g(x, y) : 0", "i32,i32", "7,0",
          "i32 0" },
        { "fn g(x, y) { if y == 0 { return 0 } return x // y }\nfn f(x, y) = g(x, y)",
          "i32,i32", "7,0", "i32 0" },
    };
    LOWER_CHECK(rows);
}

Test(control, variables_have_the_promoted_type)
{
    static const lower_case rows[] = {
        { "fn f(x) { var s = 0 let t = s/3 s = x return t }", "f32", "1", "f32 0" },
        { "fn f(x) { var s = 0 s = 1 return s }", "f32", "1", "i64 1" },
        { "fn f(x) { var s = 0 s = 1.5 return s }", "f32", "1", "f32 1.5" },
        { "fn f(x) { var s = 0 if x > 0 { s = f64(x) } return s }", "f32", "1", "f64 1" },
        { "fn f(x, y) { var s = x s = y return s }", "i8,u8", "1,200", "i16 200" },
        { "fn f(x, y) { var s = x s = y return s }", "f32,f64", "1,2", "f64 2" },
        { "fn f(x, y) { var s = x s = y return s }", "u64,i32", "1,2", "E0200" },
        { "fn f(x) { var s = x s = x > 0 return s }", "f32", "1", "E0201" },
        { "fn f(x) { var s = 0 while s < 3 { s = s + x } return s }", "f32", "1", "f32 3" },
        { "fn f(x, n: i32) { var s = 0.5 var t = 0 for i in 0 .. 3 { t = t + s*n s = s*x } "
          "return t }",
          "f32,i32", "2,1", "f32 3.5" },
        { "fn f(x) { var a = 0 var b = 0 var c = 0 for i in 0 .. 4 { a = b b = c c = x } "
          "return a }",
          "f32", "1", "f32 1" },
        { "fn f(x) { var s: f64 = 0 s = x return s }", "f32", "1", "f64 1" },
        { "fn f(x: f64) { var s: f32 = 0 s = x return s }", "f64", "1", "E0203" },
        { "fn g(x) { var s = 0 s += x return s }\nfn f(x) = g(x) + g(1)", "f32", "1", "f32 2" },
        { "fn f(x) { if x > 0 { return 1 } return x }", "i16", "-5", "i16 -5" },
        { "fn f(x, y) { if x > 0 { return x } return y }", "i16,f32", "5,1", "f32 5" },
        { "fn f(x) { var n = 3 let m = n*2 return x**m }", "f32", "2", "f32 64" },
    };
    LOWER_CHECK(rows);
}
