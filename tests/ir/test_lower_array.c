/* Array functions of the language, by value: what is not easily seen in a graph. */
#include <criterion/criterion.h>

#include "array_run.h"

Test(lower_array, programs_of_the_language_page)
{
    static const array_row rows[] = {
        { "fn f(e: [n+1]) -> c: [n] { c[i] = 0.5*(e[i] + e[i+1]) }", "f64", "3", "1 2 4 8",
          "1.5 3 6" },
        { "fn f(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }", "f32,f32", "3,2",
          "1 2 3 4; 10 1", "12 23 34" },
        { "fn f(x: [n]) -> (lo, hi, avg) = (min[i](x[i]), max[i](x[i]), mean[i](x[i]))", "f64",
          "4", "3 1 4 2", "1; 4; 2.5" },
        { "fn f(x: [n]; a = 0.5) -> y: [n] {\n"
          "  var s = 0\n"
          "  for i in 0 .. n { s = a*s + (1 - a)*x[i]   y[i] = s }\n"
          "}",
          "f64", "3", "2 4 8", "1 2.5 5.25" },
        { "fn f(z: [n], y: i32) {\n"
          "  let m = max[i](z[i])\n"
          "  return m + log(sum[i](exp(z[i] - m))) - z[y]\n"
          "}",
          "f64,i32", "2", "0 0; 1", "0.6931472" },
        { "fn f(x: [n]; eps = 0) -> y: [n] {\n"
          "  let mu = mean(x)\n"
          "  let va = mean((x - mu)**2)\n"
          "  y[i] = (x[i] - mu) * rsqrt(va + eps)\n"
          "}",
          "f64", "4", "1 1 3 3", "-1 -1 1 1" },
        { "fn f(x: [d], W1: [d,h], b1: [h], W2: [h,o], b2: [o]) -> [o] =\n"
          "  relu(x @ W1 + b1) @ W2 + b2",
          "f64,f64,f64,f64,f64", "2,3,1", "1 2; 1 0 -1 0 1 -1; 0 1 0; 1 10 100; 0.5", "31.5" },
        { "fn lj(r2) = r2*r2\n"
          "fn f(p: [n,3]) -> f: [n,3] {\n"
          "  let r2[i,j] = sum[k]((p[i,k] - p[j,k])**2)\n"
          "  f[i,k] = sum[j](i == j ? 0 : lj(r2[i,j])*(p[i,k] - p[j,k]))\n"
          "}",
          "f64", "2", "0 0 0 1 1 0", "-4 -4 0 4 4 0" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, broadcasting)
{
    static const array_row rows[] = {
        { "fn f(x: [m,n], b: [n]) = x + b", "f64,f64", "2,2", "1 2 3 4; 10 20", "11 22 13 24" },
        { "fn f(x: [m,1], b: [n]) = x + b", "f64,f64", "2,2", "1 2; 10 20", "11 21 12 22" },
        { "fn f(x: [n]) = 2*x > 3 ? x : -x", "f64", "3", "1 2 3", "-1 2 3" },
        { "fn f(x: [n]) = x > 1 && !(x > 2)", "f64", "3", "1 2 3", "0 1 0" },
        { "fn f(x: [n], y) = select(y > 0, x, 0)", "f64,f64", "2", "1 2; 0", "0 0" },
        { "fn g(x; a = 2) = x > 0 ? x : a*x\nfn f(x: [n]) = g(x; 3)", "f64", "2", "1 -2",
          "1 -6" },
        { "fn g(x, y) -> (s, d) = (x + y, x - y)\n"
          "fn f(x: [m,n], y: [n]) { let (s, d) = g(x, y)  return s*d }",
          "f64,f64", "2,2", "1 2 3 4; 1 2", "0 0 8 12" },
        { "fn g(x: [n]) -> y: [n] { y[i] = x[n-1-i] }\nfn f(x: [m,n]) = g(x)", "i32", "2,3",
          "1 2 3 4 5 6", "3 2 1 6 5 4" },
        { "fn g(x: [n], y: [n]) = x @ y\nfn f(x: [m,n], y: [n]) = g(x, y)", "f64,f64", "2,2",
          "1 2 3 4; 1 10", "21 43" },
        { "fn f(x: [n], y: i32[n]) = x*y", "f32,i32", "2", "1.5 2; 2 3", "3 6" },
        { "fn f(x: [n]) = i32(x)", "f64", "2", "1.9 -1.9", "1 -1" },
        { "fn f(x: f16[n]) -> y: f16[n] = x*2 + 0.0001", "f16", "2", "1 2", "2 4" },
        { "fn f(x: [n]) = bitcast(x, u32)", "f32", "2", "0 1", "0 1065353216" },
        { "fn f(x: [n]) { while sum(x) > 100 { return x }  return x**3 }", "f64", "2", "1 2",
          "1 8" },
        { "fn f(x: [n]; w: [n], k: f32[2,n]) = x*w + k[1]", "f64,f64,f32", "2",
          "1 2; 3 4; 0 0 10 20", "13 28" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, index_notation)
{
    static const array_row rows[] = {
        { "fn f(x: [m,n]) -> y: [n,m] { y[j,i] = x[i,j] }", "i32", "2,3", "1 2 3 4 5 6",
          "1 4 2 5 3 6" },
        { "fn f(x: [m,n]) { let t[j,i] = x[i,j]  return t }", "i32", "2,3", "1 2 3 4 5 6",
          "1 4 2 5 3 6" },
        { "fn f(x: [m,n]) -> y: [m,n] { y[i] = x[m-1-i] }", "i32", "2,2", "1 2 3 4",
          "3 4 1 2" },
        { "fn f(x: [m,n]) -> y: [m,n] { y[i,0] = x[i,1]  y[i,1] += x[i,0] }", "i32", "2,2",
          "1 2 3 4", "2 1 4 3" },
        { "fn f(x: [n]) -> y: [n] { y[i] = x[i]  y[i] = y[n-1-i] }", "i32", "3", "1 2 3",
          "3 2 1" },
        { "fn f(x: [n]) -> y: [n,n] { y[i,i] = x[i] }", "i32", "2", "5 6", "5 0 0 6" },
        { "fn f(x: [n], p: i32[n]) -> y: [n] { y[p[i]] = x[i] }", "i32,i32", "3",
          "1 2 3; 2 0 1", "2 3 1" },
        { "fn f(x: [n], p: i32[n]) -> y: [n] { y[p[i]] += x[i] }", "i32,i32", "3",
          "1 2 3; 2 0 2", "2 0 4" },
        { "fn f(x: [n], p: i32[n]) -> y: [n] { y[p[i]] += x[i] }", "i32,i32", "3",
          "1 2 3; 2 0 3", "index" },
        { "fn f(x: [n]) -> y: [2*n] { y[2*i] = x[i]  y[2*i+1] = -x[i] }", "i32", "2", "1 2",
          "1 -1 2 -2" },
        { "fn f(z: [n], p: i32[m]) -> y: [m] { y[i] = z[p[i]] }", "f64,i32", "2,3",
          "1.5 2.5; 1 0 1", "2.5 1.5 2.5" },
        { "fn f(z: [n], p: i32[m]) -> y: [m] { y[i] = z[p[i]] }", "f64,i32", "2,3",
          "1.5 2.5; 1 0 2", "index" },
        { "fn f(x: [n]) -> y: [n] { y[i] = i > 0 ? x[i-1] : 0 }", "f64", "3", "1 2 3",
          "0 1 2" },
        { "fn f(x: [n], k: i32[1]) -> y: [n] { y[i] = k[0] > 5 ? x[k[0]] : 1 }", "f64,i32", "2",
          "1 2; 4", "1 1" },
        { "fn f(x: [n], y: [m]) -> r: [n] { r[i] = y[i] }", "f64,f64", "2,3", "1 2; 3 4 5",
          "3 4" },
        { "fn f(x: [n], y: [m]) -> r: [n] { r[i] = y[i] }", "f64,f64", "3,2", "1 2 3; 3 4",
          "index" },
        { "fn f(x: [n]) -> y: [n] { y[i] = i }", "f32", "3", "0 0 0", "0 1 2" },
        { "fn f(x: [n]) { let r[i] = x[i] > 0 ? i : n  return r }", "f32", "3", "1 -1 1",
          "0 3 2" },
        { "fn f(x: [m,n]) { let r[i] = x[i]  return r[1,0] }", "i32", "2,2", "1 2 3 4", "3" },
        { "fn f(x: [n]) -> y: [n] { y[i] = x[i]/2 }", "i32", "2", "1 2", "0.5 1" },
        { "fn f(x: [n]) -> y: bool[n] { y[i] = x[i] > 1 }", "i32", "2", "1 2", "0 1" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, reductions)
{
    static const array_row rows[] = {
        { "fn f(x: [m,n]) = sum(x; axis = 0)", "i32", "2,2", "1 2 3 4", "4 6" },
        { "fn f(x: [m,n]) = sum(x; axis = -1)", "i32", "2,2", "1 2 3 4", "3 7" },
        { "fn f(x: [m,n]) = sum[i,j](x[i,j])", "u8", "2,2", "200 200 3 4", "407" },
        { "fn f(x: [m,n]) = sum[i](x[i])", "f64", "2,2", "1 2 3 4", "4 6" },
        { "fn f(x: [n]) = sum(x > 1)", "f64", "3", "1 2 3", "2" },
        { "fn f(x: [n]) = (prod(x), mean(x), min(x), max(x), argmin(x), argmax(x))", "i32", "3",
          "3 1 3", "9; 2.333333; 1; 3; 1; 0" },
        { "fn f(x: [n]) = (argmin(x), argmax(x), min(x))", "f64", "3", "3 nan 1", "1; 1; nan" },
        { "fn f(x: [n]) = (any(x > 2), all(x > 0), min(x > 1), max(x > 2))", "f64", "2", "1 2",
          "0; 1; 0; 0" },
        { "fn f(x: [n]) = (sum(x), prod(x), any(x > 0), all(x > 0), mean(x))", "f64", "0", "",
          "0; 1; 0; 1; nan" },
        { "fn f(x: [n]) = max(x)", "f64", "0", "", "index" },
        { "fn f(x: [n]) = argmax[i in 2 .. n](x[i])", "f64", "4", "9 8 1 7", "3" },
        { "fn f(x: [n]) = argmax[i in 2 .. n](x[i])", "f64", "2", "9 8", "index" },
        { "fn f(x: [n]) -> y: [n] { y[i] = sum[j in 0 .. i+1](x[j]) }", "f64", "3", "1 2 4",
          "1 3 7" },
        { "fn f(x: [n]) -> y: [n] { y[i] = mean[j in 0 .. i+1](x[j]) }", "f64", "3", "1 2 6",
          "1 1.5 3" },
        { "fn f(x: [n]) -> y: [n] { y[i] = max[j in 0 .. i+1](x[j]) }", "f64", "3", "1 5 4",
          "1 5 5" },
        { "fn f(x: [n]) -> y: [n] { y[i] = argmin[j in i .. n](x[j]) }", "f64", "3", "1 5 4",
          "0 2 2" },
        { "fn f(x: [n]) -> y: [n] { y[i] = min[j in 0 .. i](x[j]) }", "f64", "3", "1 5 4",
          "index" },
        { "fn f(x: [n]) -> y: [n] { y[i] = i > 0 ? min[j in 0 .. i](x[j]) : 0 }", "f64", "3",
          "1 5 4", "0 1 1" },
        { "fn f(x: [n]) = sum[i in 0 .. 4](i*i)", "f64", "1", "1", "14" },
        { "fn f(x: [n]) = mean[i](x[i] > 1 ? i : 0)", "f64", "4", "1 2 3 4", "1.5" },
        { "fn f(x: [n]) = sum(x*x) + sum(x**2)", "f64", "2", "1 2", "10" },
        { "fn f(x: [n]) @seq = sum(x)", "f64", "2", "1 2", "3" },
        { "fn f(x: [n]) { let q = x*x  return sum(q) + max(q) }", "f64", "2", "1 2", "9" },
        { "fn f(x: [n]) { let q[i,j] = x[i]*x[j]  return sum[i](q[i,i]) }", "f64", "2", "1 2",
          "5" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, matrix_products)
{
    static const array_row rows[] = {
        { "fn f(a: [k], b: [k]) = a @ b", "f64,f64", "2", "1 2; 3 4", "11" },
        { "fn f(a: [m,k], b: [k]) = a @ b", "f64,f64", "2,2", "1 2 3 4; 1 10", "21 43" },
        { "fn f(a: [k], b: [k,n]) = a @ b", "f64,f64", "2,2", "1 10; 1 2 3 4", "31 42" },
        { "fn f(a: [m,k], b: [k,n]) = a @ b", "f32,f64", "2,2,2", "1 2 3 4; 1 0 0 1",
          "1 2 3 4" },
        { "fn f(a: [b,m,k], x: [k,n]) = a @ x", "i32,i32", "2,1,2,1", "1 2 3 4; 1 10",
          "21 43" },
        { "fn f(a: [b,m,k], x: [b,k]) { let r[i,j] = a[i,j] @ x[i]  return r }", "f64,f64",
          "2,1,2", "1 2 3 4; 1 10 1 100", "21 403" },
        { "fn f(a: [2,m,k], x: [1,k,n]) = a @ x", "f64,f64", "1,2,1", "1 2 3 4; 1 10",
          "21 43" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, state)
{
    static const array_row rows[] = {
        { "fn f(x: [n]) { var a: [n] = 0  a[0] = x[0]\n"
          "  for i in 1 .. n { a[i] = a[i-1] + x[i] }  return a }",
          "f64", "3", "1 2 3", "1 3 6" },
        { "fn f(x: [n]) -> y: [n] { for i in 0 .. n {\n"
          "  if x[i] > 2 { y[i] = 1 } else { if x[i] > 1 { y[i] = 2 } } } }",
          "f64", "3", "1 2 3", "0 2 1" },
        { "fn f(x: [n]) -> y: [n] { for i in n-1 .. -1 by -1 {\n"
          "  if x[i] > 2 { continue }  if x[i] < 0 { break }  y[i] = x[i] } }",
          "f64", "4", "1 -1 2 3", "0 0 2 0" },
        { "fn f(x: [n]) -> y: [n] { y[i] = 2*x[i]  if x[0] > 1 { return y }  y = x*3 }", "f64",
          "2", "1 2", "3 6" },
        { "fn f(x: [n]) -> y: [n] { y[i] = 2*x[i]  if x[0] > 0 { return y }  y = x*3 }", "f64",
          "2", "1 2", "2 4" },
        { "fn f(x: [n]) { if x[0] > 0 { return x*2 }  return x }", "f64", "2", "1 2", "2 4" },
        { "fn f(x: [n]) { for i in 0 .. n { if x[i] > 1 { return x*i } }  return x }", "f64",
          "3", "1 2 3", "1 2 3" },
        { "fn f(x: [n]) { for i in 0 .. n { if x[i] > 2 { return x*i } }  return x }", "f64",
          "3", "1 2 3", "2 4 6" },
        { "fn f(x: [n]) { var s = x  while sum(s) > 1 { s = s/2 }  return s }", "f64", "2",
          "1 3", "0.25 0.75" },
        { "fn f(x: [n]) { var s = x  if x[0] > 0 { s[1] = 7  s = s + 1 } else { s = 0 }\n"
          "  return s }",
          "f64", "2", "1 3", "2 8" },
        { "fn f(x: [n]) { var s = x  if x[0] > 1 { s[1] = 7  s = s + 1 } else { s = 0 }\n"
          "  return s }",
          "f64", "2", "1 3", "0 0" },
        { "fn f(z: i32[n]) -> h: [3] { for i in 0 .. n { h[z[i]] += 1 } }", "i32", "4",
          "0 2 2 1", "1 1 2" },
        { "fn f(z: i32[n]) -> h: [3] { for i in 0 .. n { h[z[i]] += 1 } }", "i32", "4",
          "0 2 3 1", "index" },
        { "fn f(z: i32[n]) -> h: [3] {\n"
          "  for i in 0 .. n { if z[i] < 3 { h[z[i]] += 1 } } }",
          "i32", "4", "0 2 3 1", "1 1 1" },
        { "fn f(x: [n]) -> y: [n] { for i in 0 .. n { y[i] = x[i+1] } }", "f64", "2", "1 2",
          "index" },
        { "fn f(x: [n,n]) { var a = x  for k in 0 .. n { a[k] = a[k] + 1  a[k,k] = 0 }\n"
          "  return a }",
          "f64", "2", "1 2 3 4", "0 3 4 0" },
        { "fn f(x: [n]) { var a = x  for k in 0 .. 3 { let b = a\n"
          "  a[i] = b[n-1-i] + 1 }  return a }",
          "f64", "2", "1 2", "5 4" },
        { "fn f(x: [n]) -> (a: [n], b: f64[n]) { a = x  b[i] = i }", "f32", "2", "1 2",
          "1 2; 0 1" },
        { "fn f(x: [n]) -> y: i64[n] { for i in 0 .. n { y[i] = i > 0 ? y[i-1] + 1 : 5 } }",
          "f32", "3", "0 0 0", "5 6 7" },
        { "fn f(x: [n]) -> y { y[i] = 2*x[i] }", "f32", "2", "1 2", "2 4" },
        { "fn f(x: [n]) -> y { for k in 0 .. 2 { y[i] = 2*x[i] } }", "f32", "2", "1 2",
          "E0122" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, calls)
{
    static const array_row rows[] = {
        { "fn half(x: [2*n]) -> y: [n] { y[i] = x[i] + x[i+n] }\nfn f(x: [4]) = half(x)", "f64",
          "", "1 2 3 4", "4 6" },
        { "fn half(x: [2*n]) -> y: [n] { y[i] = x[i] + x[i+n] }\nfn f(x: [2*k+2]) = half(x)",
          "f64", "1", "1 2 3 4", "4 6" },
        { "fn conv(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }\n"
          "fn f(x: [m], k: [w]) = conv(x, k)",
          "f64,f64", "3,2", "1 2 3; 1 10", "21 32" },
        { "fn pad(x: [n]; k: dim) -> y: [n+2*k] { y[i] = i >= k && i < n + k ? x[i-k] : 0 }\n"
          "fn f(x: [n]) = pad(x; 1)",
          "f64", "2", "1 2", "0 1 2 0" },
        { "fn pad(x: [n]; k: dim) -> y: [n+2*k] { y[i] = i >= k && i < n + k ? x[i-k] : 0 }\n"
          "fn f(x: [n]) = pad(x; n)",
          "f64", "2", "1 2", "0 0 1 2 0 0" },
        { "fn each(x: [n]; g: fn) -> y: [n] { y[i] = g(x[i]) }\n"
          "fn sq(x) = x*x\nfn f(x: [n]) = each(x; sq)",
          "f64", "2", "1 2", "1 4" },
        { "fn whole(x: [n]; g: fn) -> y: [n] = g(x)\n"
          "fn rev(x: [n]) -> y: [n] { y[i] = x[n-1-i] }\nfn f(x: [n]) = whole(x; rev)",
          "f64", "2", "1 2", "2 1" },
        { "fn scale(x: [n], w: [n] = 2; b: [n] = 1) = x*w + b\nfn f(x: [n]) = scale(x)", "f64",
          "2", "1 2", "3 5" },
        { "fn f(x: [n]; b: [n] = 1) = x + b", "f64", "2", "1 2", "2 3" },
        { "fn g(x: [n]) { var s: [n] = 0  for i in 0 .. n { s[i] = x[i] }  return s }\n"
          "fn f(x: [n]) { if x[0] > 5 { return g(x) }  return -g(x) }",
          "f64", "2", "1 2", "-1 -2" },
        { "fn f(x: [n]; k: i32 = 2) -> y: [k] { y[i] = x[i] }", "f64", "3", "1 2 3", "1 2" },
        { "fn f(x: [n]; k: i32 = 2) -> y: [k] { y[i] = x[i] }", "f64", "1", "1", "index" },
        { "fn f(x: [n]; k: i32 = 2) = sum[i in 0 .. k](x[i])", "f64", "3", "1 2 4", "3" },
        { "fn f(x: [n], k: i32) = sum[i in 0 .. k](x[i])", "f64,i32", "3", "1 2 4; 2", "3" },
        { "fn f(x: [n], k: i32) = sum[i in 0 .. k](x[i])", "f64,i32", "3", "1 2 4; 4",
          "index" },
        { "fn each(x: [n]; g: fn) = g(x)\nfn f(x: [n]) = each(x; sum) + each(x; max)", "f64",
          "2", "1 2", "5" },
        { "fn g(x: [n]) = n\nfn f(x: [k]) = g(x) + 0.5", "f64", "2", "1 2", "2.5" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, prelude)
{
    static const array_row rows[] = {
        { "fn f(x: [n]) = softmax(x)", "f64", "2", "1000 1000", "0.5 0.5" },
        { "fn f(x: [m,n]) = softmax(x)", "f64", "2,2", "0 0 1 1", "0.5 0.5 0.5 0.5" },
        { "fn f(x: [n]) = log_softmax(x)", "f64", "2", "0 0", "-0.6931472 -0.6931472" },
        { "fn f(x: [n]) = softmin(x)", "f64", "2", "0 1000", "1 0" },
        { "fn f(x: [4]) = glu(x)", "f64", "", "1 2 0 1000", "0.5 2" },
        { "fn f(x: [2]) = (swiglu(x), geglu(x))", "f64", "", "2 1", "1.462117; 1.682689" },
        { "fn f(x: [n]) = layer_norm(x; eps = 0)", "f64", "4", "1 1 3 3", "-1 -1 1 1" },
        { "fn f(x: [n]) = rms_norm(x; 0)", "f64", "2", "1 7", "0.2 1.4" },
        { "fn f(x: [n]) = residual(x; softmax)", "f64", "2", "1 1", "1.5 1.5" },
        { "fn f(x: [n]) = dropout(x; 0)", "f64", "2", "1 2", "1 2" },
        { "fn f(p: [n], t: [n]) = (mse(p, t), mae(p, t), huber(p, t))", "f64,f64", "2",
          "1 5; 1 2", "4.5; 1.5; 1.25" },
        { "fn f(p: [n], t: [n]) = (bce(p, t), bce_logits(p, t))", "f64,f64", "2", "0.5 1; 1 1",
          "0.3465736; 0.3936693" },
        { "fn f(p: [n], t: [n]) = (bce(p, t), kl(p, t))", "f64,f64", "2", "0 1; 0 1", "0; 0" },
        { "fn f(p: [n], t: [n]) = bce_logits(p, t)", "f64,f64", "2", "inf -1000; 1 1", "500" },
        { "fn f(p: [n], t: [n]) = (hinge(p, t), log_cosh(p, t))", "f64,f64", "2", "0.5 2; 1 -1",
          "1.75; 1.214722" },
        { "fn f(z: [n], y: i32) = (xent(z, y), nll(z, y))", "f64,i32", "2", "0 0; 1",
          "0.6931472; -0" },
        { "fn f(z: [m,n], y: i32[m]) = xent(z, y)", "f64,i32", "2,2", "0 0 0 1000; 1 1",
          "0.6931472 0" },
        { "fn f(z: [n], y: i32) = xent(z, y; smooth = 0.25)", "f64,i32", "2", "0 2; 0",
          "1.876928" },
        { "fn f(z: [n], y: i32) = xent(z, y; smooth = 0)", "f64,i32", "2", "-inf 0; 1", "0" },
        { "fn f(x: [n]) = (mean(x), var(x), std(x), norm(x), logsumexp(x))", "f64", "2", "3 4",
          "3.5; 0.25; 0.5; 5; 4.313262" },
        { "fn f(x: [n]) = logsumexp(-1/x)", "f64", "2", "0 0", "-inf" },
        { "fn f(p: [n], g: [n], v: [n]) = (adagrad(p, g, v), 1)", "f64,f64,f64", "1",
          "1; 3; 16", "E0120" },
        { "fn f(p: [n], g: [n], v: [n]) = adagrad(p, g, v)", "f64,f64,f64", "1", "1; 3; 16",
          "0.994; 25" },
        { "fn f(p: [n], g: [n], v: [n]) = rmsprop(p, g, v; rho = 0, eps = 0)", "f64,f64,f64",
          "1", "1; 3; 16", "0.99; 9" },
        { "fn f(p: [n], g: [n]) = adamw(p, g, 0, 0; eps = 0)", "f64,f64", "1", "1; 3",
          "0.99899; 0.3; 0.009" },
    };
    ARRAY_CHECK(rows);
}

/* Two steps each, worked out by hand from the published formulas: of p = 1 with gradient 2, decay
 * 0.5 where there is one; momentum, weights and rates are such that all numbers are short. */
Test(lower_array, optimisers)
{
    static const array_row rows[] = {
        { "fn f(p: [n], g: [n]) { let (q, v) = sgd(p, g; lr = 0.5, mu = 0.5)  return sgd(q, g, "
          "v; "
          "lr = 0.5, mu = 0.5) }",
          "f64,f64", "1", "1; 2", "-1.5; 3" },
        { "fn f(p: [n], g: [n]) { let (q, v) = sgd(p, g; lr = 0.5, mu = 0.5, nesterov = 1)  "
          "return sgd(q, g, v; lr = 0.5, mu = 0.5, nesterov = 1) }",
          "f64,f64", "1", "1; 2", "-2.25; 3" },
        { "fn f(p: [n], g: [n]) { let (q, v) = sgd(p, g; lr = 0.5, mu = 0.5, decay = 0.5)  "
          "return sgd(q, g, v; lr = 0.5, mu = 0.5, decay = 0.5) }",
          "f64,f64", "1", "1; 2", "-1.8125; 3.125" },
        { "fn f(p: [n], g: [n]) { let (q, m) = lion(p, g, 0; lr = 0.5, decay = 0.5)  "
          "return lion(q, -g, m; lr = 0.5, b2 = 0.5, decay = 0.5) }",
          "f64,f64", "1", "1; 2", "0.6875; -0.99" },
        { "fn f(p: [n], g: [n]) = lion(p, g, 0)", "f64,f64", "2", "1 -1; 0 -3",
          "1 -0.9999; 0 -0.03" },
        { "fn f(p: [n], g: [n]) { let (q, m, v) = adam(p, g, 0, 0; lr = 0.5, b1 = 0.5, b2 = "
          "0.75, "
          "eps = 1)  return adam(q, g, m, v; lr = 0.5, b1 = 0.5, b2 = 0.75, eps = 1, t = 2) }",
          "f64,f64", "1", "1; 2", "0.3333333; 1.5; 1.75" },
        { "fn f(p: [n], g: [n]) { let (q, m, v) = adamw(p, g, 0, 0; lr = 0.5, b1 = 0.5, b2 = "
          "0.75, "
          "eps = 1, decay = 0.5)  return adamw(q, g, m, v; lr = 0.5, b1 = 0.5, b2 = 0.75, eps "
          "= 1, "
          "decay = 0.5, t = 2) }",
          "f64,f64", "1", "1; 2", "-0.02083333; 1.5; 1.75" },
        { "fn f(p: [n], g: [n]) { let (q, v) = rmsprop(p, g, 0; lr = 0.5, rho = 0.75, eps = 1) "
          " "
          "return rmsprop(q, g, v; lr = 0.5, rho = 0.75, eps = 1) }",
          "f64,f64", "1", "1; 2", "0.06949913; 1.75" },
        { "fn f(p: [n], g: [n]) { let (q, v) = adagrad(p, g, 0; lr = 0.5, eps = 0)  "
          "return adagrad(q, g, v; lr = 0.5, eps = 0) }",
          "f64,f64", "1", "1; 2", "0.1464466; 8" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, clipping_and_learning_rates)
{
    static const array_row rows[] = {
        { "fn f(g: [n]) = (clip_norm(g), clip_norm(g; most = 5), clip_value(g; most = 3.5))",
          "f64", "2", "3 -4", "0.6 -0.8; 3 -4; 3 -3.5" },
        { "fn f(g: [n]) = clip_norm(g)", "f64", "2", "0 nan", "0 nan" },
        { "fn f(t: [n]) = (constant(t), constant(t; lr = 2))", "f64", "2", "0 7",
          "0.1 0.1; 2 2" },
        { "fn f(t: [n]) = step_decay(t; lr = 1, every = 3, factor = 0.5)", "f64", "4",
          "0 2 3 7", "1 1 0.5 0.25" },
        { "fn f(t: [n]) = exponential_decay(t; lr = 1, every = 2, factor = 0.25)", "f64", "4",
          "0 1 2 4", "1 0.5 0.25 0.0625" },
        { "fn f(t: [n]) = cosine_decay(t; lr = 1, steps = 6, last = 0.5)", "f64", "5",
          "0 2 3 6 9", "1 0.875 0.75 0.5 0.5" },
        { "fn f(t: [n]) = warmup(t; lr = 2, steps = 4)", "f64", "4", "0 1 3 9", "0.5 1 2 2" },
        { "fn f(t: [n]) = warmup(t; lr = cosine_decay(1.0; lr = 4, steps = 2), steps = 4)",
          "f64", "2", "0 9", "0.5 2" },
        { "fn f(t: [n]) = one_cycle(t; lr = 2, steps = 8, rise = 0.5, first = 0.25, last = 0)",
          "f64", "6", "0 2 4 6 8 9", "0.5 1.25 2 1 0 0" },
        { "fn f(l: [n], best: [n], bad: [n]) = plateau(8, best, bad, l; factor = 0.5, patience "
          "= "
          "2)",
          "f64,f64,f64", "4", "1 3 3 3; 2 2 2 2; 2 0 1 2", "8 8 8 4; 1 2 2 2; 0 1 2 0" },
    };
    ARRAY_CHECK(rows);
}

/* Each element has its own draw, the same at every stage, and all samples differ. */
Test(lower_array, random_numbers)
{
    static const array_row rows[] = {
        { "fn f(x: [n]) -> y: [n] { y[i] = rand() < 0 || rand() >= 1 ? 1 : 0 }", "f64", "3",
          "0 0 0", "0 0 0" },
        { "fn g() = rand()\nfn f(x: [n]) { let r[i] = g() + 0*x[i]\n"
          "  return any[i in 1 .. n](r[i] == r[i-1]) }",
          "f64", "9", "0 0 0 0 0 0 0 0 0", "0" },
        { "fn f(x: [n]) { let r[i,j] = rand() + 0*(x[i] + x[j])  return r[0,1] == r[1,0] }",
          "f64", "2", "0 0", "0" },
        { "fn f(x: [n]) = all(dropout(x + 1; 0.5)*2 == 4 || dropout(x; 1.5) == 0)", "f64", "2",
          "0 0", "1" },
    };
    ARRAY_CHECK(rows);
}

Test(lower_array, parameters)
{
    static const array_row rows[] = {
        { "fn f(x: [k]) = dense(x; 2)", "f64", "2", "1 2; 1 10 100 1000; 0.5 0.25",
          "201.5 2010.25" },
        { "fn f(x: [m,k]) = dense(x; 1, relu)", "f64", "2,2", "1 2 3 -4; 1 1; 0.5", "3.5 0" },
        { "fn f(x) { param w: f32 = 2  return w*x }", "f32", "", "3; 5", "15" },
        { "fn f(x: [k]) { let a = dense(x; 1)  let b = dense(x; 1)  return a - b }", "f64", "1",
          "1; 5; 1; 3; 0", "3" },
        { "fn f(x: [1]) { var y = x  for i in 0 .. 3 { y = dense(y; 1) }  return y }", "f64",
          "", "1; 2; 1", "15" },
        { "fn f(x: [k]) = dense(dense(x; 3); 3)", "f64", "1", "1", "E0230" },
    };
    ARRAY_CHECK(rows);
}

static graph *initial(lower_text *t, const char *fn, const char *path, const int64_t *dims)
{
    static const jit_dtype in[] = { JIT_F32, JIT_I32 };
    specialisation s = { .fn = program_find(t->program, fn), .in = in, .dims = dims };
    cr_assert(s.fn);
    s.n_in = s.fn->n_args;
    return lower_param_init(t->program, &s, path, t->ar, &t->d);
}

Test(lower_array, parameters_are_named_by_their_paths)
{
    static const char *const paths[] = { "mlp.h.W", "mlp.h.b", "mlp.dense.W", "mlp.dense.b" };
    static const jit_dtype in[] = { JIT_F32, JIT_I32 };
    lower_text t;
    lower_text_make(&t, "fn mlp(x: [784]) -> [10] {\n"
                        "  let h = dense(x; 128, relu)\n"
                        "  return dense(h; 10)\n"
                        "}\n"
                        "fn loss(x: [784], y: i32; k = 1) = k*xent(mlp(x), y)\n"
                        "fn block(x: [k]) -> [k] = dense(x; k)\n"
                        "fn deep(x: [k]) { let r = residual(x; block)  return r }\n"
                        "fn data(x: [k]) { param W: [k] = x  return W @ x }\n");
    cr_assert(t.program);
    for (int32_t n = 1; n <= 2; n++) {
        specialisation s = { .fn = program_find(t.program, n == 1 ? "mlp" : "loss"), .in = in };
        s.n_in = n;
        graph *g = lower_function(t.program, &s, t.ar, &t.d);
        cr_assert(g);
        cr_assert_eq(g->n_inputs, n + 4);
        for (int32_t i = 0; i < 4; i++) {
            cr_expect_str_eq(g->inputs[n + i].name, paths[i]);
            cr_expect(g->inputs[n + i].shared);
            cr_expect_eq(g->inputs[n + i].dtype, JIT_F32);
        }
        cr_expect(!g->inputs[0].shared);
    }
    graph *a = initial(&t, "mlp", "mlp.h.W", NULL);
    graph *b = initial(&t, "loss", "mlp.h.W", NULL);
    cr_assert(a && b);
    cr_expect_eq(graph_shape_at(a, a->outputs[0].value)->rank, 2);
    cr_expect_eq(graph_shape_at(b, b->outputs[0].value)->rank, 2);
    static const int64_t k[] = { 8 };
    cr_expect_not_null(initial(&t, "deep", "deep.r.block.dense.W", k));
    cr_expect_not_null(initial(&t, "block", "dense.W", k));
    cr_expect_null(initial(&t, "mlp", "mlp.W", NULL));
    cr_expect_eq(t.err.diagnostic[0].code, 231);
    cr_expect_null(initial(&t, "data", "data.W", k));
    cr_expect_eq(t.err.diagnostic[1].code, 232);
    cr_expect_null(initial(&t, "block", "dense.W", NULL)); /* he_uniform(k, k) of any k */
    cr_expect_eq(t.err.diagnostic[2].code, 232);
    lower_text_free(&t);
}

Test(lower_array, algorithms)
{
    static const array_row rows[] = {
        { "fn f(q: [t,d], k: [s,d], v: [s,e]) -> [t,e] {\n"
          "  let z[i,j] = sum[l](q[i,l]*k[j,l])/sqrt(d)\n"
          "  return softmax(z) @ v\n"
          "}",
          "f64,f64,f64", "1,1,2,1", "0; 1 1; 1 3", "2" },
        { "fn f(x: [t,k], W: [k,h], U: [h,h], b: [h]) -> y: [t,h] {\n"
          "  var s: [h] = 0\n"
          "  for i in 0 .. t { s = x[i] @ W + s @ U + b  y[i] = s }\n"
          "}",
          "f64,f64,f64,f64", "2,1,1", "1 2; 1; 10; 0.5", "1.5 17.5" },
        { "fn f(x: [h,w]) -> y: [h,w] {\n"
          "  y[i,j] = sum[a in 0 .. 3, b in 0 .. 3](\n"
          "    i+a >= 1 && i+a <= h && j+b >= 1 && j+b <= w ? x[i+a-1,j+b-1] : 0)/9\n"
          "}",
          "f64", "2,2", "9 9 9 9", "4 4 4 4" },
        { "fn f(x: [n,d], c: [k,d]) -> (a: i64[n], c2: [k,d]) {\n"
          "  let d2[i,j] = sum[l]((x[i,l] - c[j,l])**2)\n"
          "  a[i] = argmin[j](d2[i,j])\n"
          "  var m: [k] = 0\n"
          "  for i in 0 .. n {\n"
          "    m[a[i]] += 1\n"
          "    for l in 0 .. d { c2[a[i],l] += x[i,l] }\n"
          "  }\n"
          "  c2[j,l] = c2[j,l]/max(m[j], 1)\n"
          "}",
          "f64,f64", "3,2,2", "0 0 0 2 10 10; 0 0 9 9", "0 0 1; 0 1 10 10" },
        { "fn f(x: bool[h,w]) -> y: bool[h,w] {\n"
          "  let s[i,j]: [h,w] = sum[a in 0 .. 3, b in 0 .. 3](x[(i+a-1+h) % h, (j+b-1+w) % "
          "w])\n"
          "  y[i,j] = s[i,j] == 3 || (x[i,j] && s[i,j] == 4)\n"
          "}",
          "bool", "4,4", "0 0 0 0 1 1 1 0 0 0 0 0 0 0 0 0", "0 1 0 0 0 1 0 0 0 1 0 0 0 0 0 0" },
        { "fn f(A: [n,n]) -> L: [n,n] {\n"
          "  for j in 0 .. n {\n"
          "    L[j,j] = sqrt(A[j,j] - sum[k in 0 .. j](L[j,k]*L[j,k]))\n"
          "    for i in j+1 .. n {\n"
          "      L[i,j] = (A[i,j] - sum[k in 0 .. j](L[i,k]*L[j,k]))/L[j,j]\n"
          "    }\n"
          "  }\n"
          "}",
          "f64", "3", "4 2 2 2 5 3 2 3 6", "2 0 0 1 2 0 1 1 2" },
        { "fn f(x: [n]) -> p: bool[n] {\n"
          "  p[i] = i >= 2\n"
          "  for i in 2 .. n { if p[i] { for j in i*i .. n by i { p[j] = false } } }\n"
          "}",
          "f32", "10", "0 0 0 0 0 0 0 0 0 0", "0 0 1 1 0 1 0 1 0 0" },
        { "fn f(x: [n]) {\n"
          "  var a = x\n"
          "  for i in 1 .. n {\n"
          "    var j = i\n"
          "    while j > 0 && a[j-1] > a[j] { let t = a[j]  a[j] = a[j-1]  a[j-1] = t  j -= 1 "
          "}\n"
          "  }\n"
          "  return a\n"
          "}",
          "f64", "4", "3 1 4 2", "1 2 3 4" },
        { "fn f(x: [m,n]) -> y: [m,n] {\n"
          "  for k in 0 .. n { for i in 0 .. m { y[i,k] = k > 0 ? y[i,k-1]*x[i,k] : x[i,k] } "
          "}\n"
          "}",
          "f64", "2,3", "1 2 3 4 5 6", "1 2 6 4 20 120" },
        { "fn f(x: [b,n]) {\n"
          "  let mu = mean(x; axis = 0)\n"
          "  return (x - mu)*rsqrt(mean((x - mu)**2; axis = 0))\n"
          "}",
          "f64", "2,2", "1 2 3 4", "-1 -1 1 1" },
        { "fn f(x: [n]) -> y: [n] { for i in 0 .. n { y[i] = i // 2 }  y[i] += x[n-1-i] }",
          "f64", "3", "1 2 3", "3 2 2" },
    };
    ARRAY_CHECK(rows);
}
