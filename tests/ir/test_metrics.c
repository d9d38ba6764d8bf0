/* The metrics of the prelude, by value. */
#include <criterion/criterion.h>

#include "array_run.h"

Test(metrics, of_one_sample)
{
    static const array_row rows[] = {
        { "fn f(z: [k], y: i32) = accuracy(z, y)", "f64,i32", "3", "1 3 2; 1", "1" },
        { "fn f(z: [k], y: i32) = accuracy(z, y)", "f32,i32", "3", "1 3 2; 2", "0" },
        { "fn f(z: [k], y: i32) = accuracy(z, y)", "f32,i32", "2", "3 3; 1", "0" },
        { "fn f(z: [k], y: u8) = accuracy(z, y)", "f32,u8", "1", "3; 0", "1" },
        { "fn f(z: [k], y: i32) = (top_k(z, y; k = 1), top_k(z, y; k = 2), top_k(z, y))",
          "f64,i32", "6", "9 7 8 6 4 5; 2", "0; 1; 1" },
        { "fn f(z: [k], y: i32) = top_k(z, y; k = 1)", "f64,i32", "2", "3 3; 1", "1" },
        { "fn f(p: [n], t: [n]) = binary_accuracy(p, t)", "f64,f64", "4",
          "0.2 0.7 0.5 0.9; 0 0 0 1", "1 0 1 1" },
        { "fn f(p: [n], t: [n]) = binary_accuracy(p, t; threshold = 0.8)", "f32,f32", "2",
          "0.7 0.9; 0 1", "1 1" },
        { "fn f(z: [n], t: [n]) = logit_accuracy(z, t)", "f64,f64", "4", "-2 2 0 nan; 0 1 0 1",
          "1 1 1 0" },
    };
    ARRAY_CHECK(rows);
}

Test(metrics, of_all_samples)
{
    static const array_row rows[] = {
        { "fn f(p: [n], t: [n]) = rmse(p, t)", "f64,f64", "2", "1 2; 4 6", "3.535534" },
        { "fn f(p: [n], t: [n]) = r2(p, t)", "f64,f64", "3", "1 2 3; 1 2 4", "0.7857143" },
        { "fn f(p: [n], t: [n]) = r2(p, t)", "f64,f64", "2", "1 1; 1 1", "1" },
        { "fn f(p: [n], t: [n]) = r2(p, t)", "f64,f64", "2", "1 2; 1 1", "0" },
        { "fn f(z: [n,k], y: i32[n]) = confusion(z, y)", "f64,i32", "4,3",
          "1 2 3 3 1 2 0 1 0 0 5 0; 2 1 1 1", "0 0 0 1 2 0 0 0 1" },
        { "fn f(z: [n,k], y: i32[n]) = f1(z, y)", "f64,i32", "3,3", "1 2 3 3 1 2 0 1 0; 2 1 1",
          "0.5555556" },
        { "fn f(z: [n,k], y: i32[n]) = f1(z, y)", "f32,i32", "2,3", "1 2 0 3 1 2; 1 0", "1" },
        { "fn f(p: [n], t: [n]) = binary_f1(p, t)", "f64,f64", "4", "0.2 0.7 0.8 0.1; 0 0 1 1",
          "0.5" },
        { "fn f(p: [n], t: [n]) = binary_f1(p, t)", "f64,f64", "2", "0.2 0.1; 0 0", "0" },
    };
    ARRAY_CHECK(rows);
}
