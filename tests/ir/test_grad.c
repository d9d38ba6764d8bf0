/* Derivatives: values known by hand; every function of the prelude against differences; loops. */
#include <criterion/criterion.h>

#include "array_run.h"

Test(grad, of_numbers)
{
    static const lower_case rows[] = {
        { "fn p(x) = x**3 fn f(x) = grad(p)(x)", "f64", "2", "f64 12" },
        { "fn p(x) = x**3 fn f(x) = grad(grad(p))(x)", "f64", "2", "f64 12" },
        { "fn p(x) = x**4 fn q(x) = grad(grad(p))(x) fn f(x) = grad(q)(x)", "f64", "2",
          "f64 48" },
        { "fn p(x, y) = x*x*y fn f(x, y) = grad(p; y)(x, y)", "f32,f32", "3,5", "f32 9" },
        { "fn p(x, y) = x*x*y fn f(x, y) = value_and_grad(p; x, y)(x, y)", "f32,f32", "3,5",
          "f32 45, f32 30, f32 9" },
        { "fn p(x, y) = (x*x*y, x + y, 7) fn f(x, y) = value_and_grad(p; x, y)(x, y)",
          "f32,f32", "3,5", "f32 45, f32 30, f32 9, f32 8, i64 7" },
        { "fn p(x; a) = a*x*x fn f(x) = grad(p; a)(x; 4)", "f64", "3", "f64 9" },
        { "fn p(x, y) = x*y fn f(x) = grad(p)(x, x)", "f64", "3", "f64 3" },
        { "fn p(x, y) = x*y fn f(x) = grad(p; x, y)(x, x)", "f64", "3", "f64 3, f64 3" },
        { "fn f(x) = grad(exp)(x)", "f64", "0", "f64 1" },
        { "fn p(x) = 3 fn f(x) = grad(p)(x)", "f64", "0", "f64 0" },
        { "fn p(x) = x*stop(x) fn f(x) = grad(p)(x)", "f64", "5", "f64 5" },
        { "fn p(x) = f64(f32(x))*2 fn f(x) = grad(p)(x)", "f64", "5", "f64 2" },
        { "fn p(x) = x*floor(x) fn f(x) = grad(p)(x)", "f64", "2.5", "f64 2" },
        { "fn f(x) = grad(stop)(x)", "f64", "2.5", "f64 0" },
    };
    LOWER_CHECK(rows);
}

Test(grad, at_kinks_and_of_the_side_taken)
{
    static const lower_case rows[] = {
        { "fn f(x) = grad(relu)(x)", "f64", "0", "f64 0" },
        { "fn f(x) = grad(abs)(x)", "f64", "0", "f64 0" },
        { "fn p(x) = clamp(x, 0, 1) fn f(x) = grad(p)(x)", "f64", "1", "f64 0" },
        { "fn p(x, y) = max(x, y) fn f(x, y) = grad(p; x, y)(x, y)", "f64,f64", "1,1",
          "f64 0, f64 1" },
        { "fn p(x) = x > 0 ? sqrt(x) : 0 fn f(x) = grad(p)(x)", "f64", "0", "f64 0" },
        { "fn p(x) = x > 0 ? log(x) : x fn f(x) = grad(p)(x)", "f64", "-1", "f64 1" },
        { "fn p(x) { if x > 0 { return sqrt(x) } return 2*x } fn f(x) = grad(p)(x)", "f64", "0",
          "f64 2" },
    };
    LOWER_CHECK(rows);
}

Test(grad, by_hand)
{
    static const lower_case rows[] = {
        { "fn h(x) = x*x grad fn h(x, g) = 7*g fn f(x) = grad(h)(x)", "f64", "1", "f64 7" },
        { "fn h(x) = x*x grad fn h(x, g) = 7*g fn p(x) = 2*h(3*x) fn f(x) = grad(p)(x)", "f64",
          "1", "f64 42" },
        { "fn h(x, y; a) = x*y*a grad fn h(x, y, g; a) = (g*y*a, g*a) "
          "fn p(x, y) = h(x, y; 2) fn f(x, y) = grad(p; x, y)(x, y)",
          "f64,f64", "3,5", "f64 10, f64 2" },
        { "fn h(x) = x*x grad fn h(x, g) = g*x*x fn f(x) = grad(grad(h))(x)", "f64", "3",
          "f64 6" },
        { "fn h(x, y) = x*y grad fn h(x, y, g) = g fn f(x, y) = grad(h)(x, y)", "f64,f64",
          "3,5", "E0308" },
    };
    LOWER_CHECK(rows);
}

Test(grad, of_loops)
{
    static const array_row rows[] = {
        { "fn p(x) { var s = 1 for i in 0 .. 5 { s = s*x } return s } fn f(x) = grad(p)(x)",
          "f64", "", "2", "80" },
        { "fn p(x) { var s = x for i in 10 .. 1 by -3 { s = s*i } return s } "
          "fn f(x) = grad(p)(x)",
          "f64", "", "2", "280" },
        { "fn p(x) { var s = x for i in 0 .. 2 { for j in 0 .. 2 { s = s*s } } return s } "
          "fn f(x) = grad(p)(x)",
          "f64", "", "1", "16" },
        { "fn p(x) { var s = x for i in 0 .. 0 { s = s*s } return s } fn f(x) = grad(p)(x)",
          "f64", "", "3", "1" },
        { "fn p(x) { var s = x for i in 0 .. 4 { if s < 10 { s = s*s } } return s } "
          "fn f(x) = grad(p)(x)",
          "f64", "", "2", "32" },
        { "fn p(x; n: i32) { var s = 1 for i in 0 .. n { s = s*x } return s } "
          "fn f(x) = grad(p)(x; 3)",
          "f64", "", "2", "12" },
    };
    ARRAY_CHECK(rows);
}

Test(grad, what_has_none)
{
    static const lower_case rows[] = {
        { "fn p(x) { var s = x while s < 10 { s = s*s } return s } fn f(x) = grad(p)(x)", "f64",
          "2", "E0306" },
        { "fn p(x, n: i32) { var s = x for i in 0 .. n { s = s*s } return s } "
          "fn f(x, n: i32) = grad(p)(x, n)",
          "f64,i32", "2,3", "E0306" },
        { "fn p(x) = bitcast(bitcast(x, u64), f64) fn f(x) = grad(p)(x)", "f64", "2", "E0306" },
        { "fn p(x) = x*x fn f(x) = grad(p; param)(x)", "f64", "2", "E0307" },
    };
    LOWER_CHECK(rows);
}

Test(grad, of_arrays)
{
    static const array_row rows[] = {
        { "fn p(x: [n]) = sum(x*x) fn f(x: [n]) = grad(p)(x)", "f64", "3", "1 2 3", "2 4 6" },
        { "fn p(x: [n]) = prod(x) fn f(x: [n]) = grad(p)(x)", "f64", "3", "2 3 4", "12 8 6" },
        { "fn p(x: [n]) = prod(x) fn f(x: [n]) = grad(p)(x)", "f64", "3", "2 0 4", "0 8 0" },
        { "fn p(x: [n]) = prod(x) fn f(x: [n]) = grad(p)(x)", "f64", "3", "2 0 0", "0 0 0" },
        { "fn p(x: [n]) = max(x) fn f(x: [n]) = grad(p)(x)", "f64", "4", "1 3 3 2", "0 1 0 0" },
        { "fn p(x: [m,n]) = min[i,j](x[i,j]) fn f(x: [m,n]) = grad(p)(x)", "f64", "2,2",
          "4 1 1 3", "0 1 0 0" },
        { "fn p(x: [n]) = mean(x) fn f(x: [n]) = grad(p)(x)", "f64", "4", "1 2 3 4",
          "0.25 0.25 0.25 0.25" },
        { "fn p(x: [n], y: i32) = xent(x, y) fn f(x: [n], y: i32) = grad(p)(x, y)", "f64,i32",
          "2", "0 0; 1", "0.5 -0.5" },
        { "fn p(x: [n], y: i32) = xent(x, y; smooth = 0.5) "
          "fn f(x: [n], y: i32) = grad(p)(x, y)",
          "f64,i32", "2", "0 0; 1", "0.25 -0.25" },
        { "fn p(x: [n], z: [m]) = sum[i](x[z[i]]*(i + 1)) "
          "fn f(x: [n], z: i64[m]) = grad(p)(x, z)",
          "f64,i64", "2,3", "5 7; 1 0 1", "2 4" },
        { "fn p(x: [n+w-1], k: [w]) = sum[i in 0 .. n](sum[j](x[i+j]*k[j])**2) "
          "fn f(x: [n+w-1], k: [w]) = grad(p; k)(x, k)",
          "f64,f64", "2,2", "1 2 3; 1 1", "26 42" },
        { "fn p(x: [k], w: [k,m]) = sum((x @ w)**2) "
          "fn f(x: [k], w: [k,m]) = grad(p; w, x)(x, w)",
          "f64,f64", "2,1", "1 2; 3 4", "22 44; 66 88" },
        { "fn p(x: [n]; a = 0.5) { var s = 0 for i in 0 .. n { s = a*s + x[i] } return s } "
          "fn f(x: [n]) = grad(p)(x)",
          "f64", "3", "1 2 3", "0.25 0.5 1" },
        { "fn q(x: [n]) -> y: [n] { var s = 0 for i in 0 .. n { s = s + x[i]  y[i] = s*s } } "
          "fn p(x: [n]) = sum(q(x)) fn f(x: [n]) = grad(p)(x)",
          "f64", "2", "1 2", "8 6" },
        { "fn h(x) { var s = 1 for i in 0 .. 2 { s = s*x } return s } "
          "fn q(x: [n]) -> y: [n] { y[i] = h(x[i])*prod[j](x[j]*x[i]) } "
          "fn p(x: [n]) = sum(q(x)) fn f(x: [n]) = grad(p)(x)",
          "f64", "2", "1 2", "42 81" },
        { "fn p(x) = x*x fn f(x: [n]) = grad(p)(x)", "f64", "3", "1 2 3", "2 4 6" },
        { "fn l(x: [k], w: [k,m]) = 2*(x @ w) "
          "fn p(x: [n,k], w: [k,m]) = (sum(sum(l(x, w)**2)), l(x, w), argmax(x)) "
          "fn f(x: [n,k], w: [k,m]) = value_and_grad(p; w)(x, w)",
          "f64,f64", "2,2,1", "1 2 2 0; 3 4", "628; 184 176; 22 12; 1 0" },
        { "fn p(x: [n]) = sum(x*x) fn q(x: [n]) = sum(grad(p)(x)**2) fn f(x: [n]) = grad(q)(x)",
          "f64", "2", "1 2", "8 16" },
    };
    ARRAY_CHECK(rows);
}
