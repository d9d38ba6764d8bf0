/* Every message about files, and that nothing damaged is taken for an array. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "csv.h"
#include "files_support.h"
#include "idx.h"
#include "npy.h"
#include "npz.h"
#include "safetensors.h"

#define F4_HEADER "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static const uint8_t zeros[64];

static void expect_error(const char *path, jit_status status, int32_t code)
{
    jit_array a = { .rank = -1 };
    jit_error err;
    cr_assert_eq(jit_array_load(&a, path, &err), status, "%s: %d not %d: %s", path,
                 (int)err.status, (int)status, err.diagnostic[0].message);
    cr_assert_eq(err.diagnostic[0].code, code, "%s: E%04d %s", path, err.diagnostic[0].code,
                 err.diagnostic[0].message);
    cr_assert(err.diagnostic[0].message[0]);
    cr_assert_null(a.data);
    jit_array_free(&a); /* harmless */
}

static void expect_damaged(const char *name, bytes b, int32_t code)
{
    files_take(files_path(name), b);
    expect_error(files_path(name), JIT_ERR_FORMAT, code);
}

static bytes npy(const char *header)
{
    return bytes_npy(1, header, bytes_of(zeros, 24));
}

/* A copy of `b` (taken) with n bytes replaced; places < 0 count from the end. */
static bytes patch(bytes b, int place, const char *with, size_t n)
{
    memcpy(b.at + (place < 0 ? (size_t)((int)b.n + place) : (size_t)place), with, n);
    return b;
}

Test(file_errors, of_paths, .fini = files_remove_folder)
{
    jit_array a = jit_array_of(JIT_F32, NULL, 0, NULL);
    static const struct row {
        const char *path;
        jit_status status;
        int32_t code;
    } rows[] = {
        { "/nowhere/x.npy", JIT_ERR_FILE, 602 }, { "", JIT_ERR_ARGUMENT, 601 },
        { "x.txt", JIT_ERR_ARGUMENT, 601 },      { ".npy", JIT_ERR_ARGUMENT, 601 },
        { "npy", JIT_ERR_ARGUMENT, 601 },        { "/nowhere/x.npz:m", JIT_ERR_FILE, 602 },
        { "/nowhere/x.idx", JIT_ERR_FILE, 602 }, { "/idx/x.bin", JIT_ERR_ARGUMENT, 601 },
        { "x.npy:m", JIT_ERR_ARGUMENT, 601 }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_error(rows[i].path, rows[i].status, rows[i].code);
    expect_error(NULL, JIT_ERR_ARGUMENT, 600);
    cr_assert_eq(mkdir(files_path("folder.npy"), 0777), 0);
    expect_error(files_path("folder.npy"), JIT_ERR_FILE, 602);
    cr_assert_eq(jit_array_load(NULL, "x.npy", NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_array_save(&a, NULL, NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_array_save(NULL, "x.npy", NULL), JIT_ERR_ARGUMENT);
}

Test(file_errors, of_long_and_strange_names)
{
    char path[3000], message[64];
    jit_error err;
    jit_array a;
    memset(path, 'd', sizeof path);
    (void)strcpy(path + sizeof path - 20, "\n\x1b[31mname.npy");
    cr_assert_eq(jit_array_load(&a, path, &err), JIT_ERR_FILE);
    (void)snprintf(message, sizeof message, "?\?[31mname.npy': file name too long");
    cr_assert(strstr(err.diagnostic[0].message, message), "%s", err.diagnostic[0].message);
    for (const char *c = err.diagnostic[0].message; *c; c++)
        cr_assert((unsigned char)*c >= 0x20);
}

Test(file_errors, of_npy_headers, .fini = files_remove_folder)
{
    static const struct row {
        const char *header;
        int32_t code;
    } rows[] = {
        { "", 612 },
        { "{", 612 },
        { "{}", 612 },
        { "{'descr': '<f4'}", 612 },
        { "['descr']", 612 },
        { F4_HEADER "x", 612 },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': 6}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,, 3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0, 3)}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", 612 },
        { "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}", 613 },
        { "{'descr': '<f4", 612 },
        { "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr': <f4, 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3)}", 612 },
        { "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3)}", 613 },
        { "{'descr': '', 'fortran_order': False, 'shape': (2, 3)}", 613 },
        { "{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '<c16', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '<U4', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '|S1', 'fortran_order': False, 'shape': (24,)}", 613 },
        { "{'descr': '|V4', 'fortran_order': False, 'shape': (6,)}", 613 },
        { "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '<f16', 'fortran_order': False, 'shape': (3,)}", 613 },
        { "{'descr': '<z4', 'fortran_order': False, 'shape': (6,)}", 613 },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", 613 },
        { "{'descr': ('<f4', (6,)), 'fortran_order': False, 'shape': (1,)}", 613 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}", 606 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 3)}", 606 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807)}", 606 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (92233720368547758070, )}", 612 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", 605 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 605 },
        { "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 4)}", 605 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", 605 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 605 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_damaged("x.npy", npy(rows[i].header), rows[i].code);
}

Test(file_errors, of_npy_frames, .fini = files_remove_folder)
{
    char *header = malloc(70000);
    cr_assert(header);
    (void)snprintf(header, 70000, "%-69999s", F4_HEADER);
    expect_damaged("x.npy", bytes_npy(2, header, bytes_of(zeros, 24)), 612);
    free(header);
    expect_damaged("x.npy", bytes_of("", 0), 610);
    expect_damaged("x.npy", bytes_of("\x93NUMP", 5), 610);
    expect_damaged("x.npy", patch(npy(F4_HEADER), 1, "n", 1), 610);
    expect_damaged("x.npy", patch(npy(F4_HEADER), 6, "\0", 1), 611);
    expect_damaged("x.npy", patch(npy(F4_HEADER), 6, "\4", 1), 611);
    expect_damaged("x.npy", patch(npy(F4_HEADER), 7, "\1", 1), 611);
    expect_damaged("x.npy", patch(npy(F4_HEADER), 8, "\xFF\xFF", 2), 612);
    expect_damaged("x.npy", bytes_of("\x93NUMPY\2\0\0\0", 10), 605);
    expect_damaged("x.npy", bytes_of("\x93NUMPY\2\0\xFF\xFF\xFF\x7F", 12), 612);
    expect_damaged("x.npy", bytes_join(npy(F4_HEADER), bytes_of("x", 1)), 605);
}

Test(file_errors, of_idx, .fini = files_remove_folder)
{
    static const uint32_t shape[] = { 2, 3, 4 },
                          huge[9] = { 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF };
    bytes good = bytes_idx(8, 3, shape, bytes_of(zeros, 24));
    bytes packed = bytes_deflate(bytes_of(good.at, good.n), 31);
    expect_damaged("x.idx", bytes_of("", 0), 605);
    expect_damaged("x.idx", bytes_of("\0\0\10", 3), 605);
    expect_damaged("x.idx", bytes_of("\0\1\10\1", 4), 620);
    expect_damaged("x.idx", bytes_of("PK\3\4", 4), 620);
    expect_damaged("x.idx", bytes_idx(10, 3, shape, bytes_of(zeros, 24)), 620);
    expect_damaged("x.idx", bytes_idx(8, 9, huge, bytes_of(zeros, 24)), 606);
    expect_damaged("x.idx", bytes_idx(8, 3, huge, bytes_of(zeros, 24)), 606);
    expect_damaged("x.idx", bytes_idx(8, 2, huge, bytes_of(zeros, 24)), 606);
    expect_damaged("x.idx", bytes_idx(8, 1, huge, bytes_of(zeros, 24)), 605);
    expect_damaged("x.idx", bytes_idx(14, 3, shape, bytes_of(zeros, 24)), 605);
    expect_damaged("x.idx", bytes_idx(8, 3, shape, bytes_of(zeros, 25)), 605);
    expect_damaged("x.gz", bytes_deflate(bytes_idx(8, 3, shape, bytes_of(zeros, 25)), 31), 605);
    expect_damaged("x.gz", bytes_deflate(bytes_idx(8, 3, shape, bytes_of(zeros, 23)), 31), 605);
    expect_damaged("x.gz", bytes_deflate(bytes_idx(8, 1, huge, bytes_of(zeros, 8)), 31), 605);
    expect_damaged("x.gz", bytes_of(packed.at, packed.n - 1), 607);
    expect_damaged("x.gz", bytes_join(bytes_of(packed.at, packed.n), bytes_of(zeros, 4)), 607);
    expect_damaged("x.gz", patch(bytes_of(packed.at, packed.n), -6, "\x55\x55", 2), 607);
    expect_damaged("x.gz", patch(bytes_of(packed.at, packed.n), 2, "\7", 1), 607);
    bytes_free(&good);
    bytes_free(&packed);
}

/* Places in an archive of one member "w.npy": the fields of its three records. */
Test(file_errors, of_npz, .fini = files_remove_folder)
{
    for (int method = 0; method <= 8; method += 8) {
        bytes good = bytes_zip("w.npy", method, npy(F4_HEADER));
        int central = (int)good.n - 22 - 46 - 5;
        const struct row {
            int place;
            const char *with;
            size_t n;
            int32_t code;
        } rows[] = {
            { -22, "x", 1, 630 },                 /* the end record */
            { -2, "\1", 1, 630 },                 /* its comment */
            { -18, "\1", 1, 630 },                /* disks */
            { -10, "\xFF\xFF\xFF\xFF", 4, 630 },  /* directory size */
            { -6, "\xFF\xFF\xFF\xFF", 4, 630 },   /* directory place */
            { -6, "\0\0\0\0", 4, 630 },           /* elsewhere */
            { -12, "\xFF\xFF", 2, 630 },          /* entries */
            { central, "x", 1, 630 },             /* directory entry */
            { central + 8, "\1", 1, 632 },        /* encrypted */
            { central + 10, "\14", 1, 632 },      /* bzip2 */
            { central + 16, "\0\0\0\0", 4, 633 }, /* crc */
            { central + 28, "\xFF", 1, 630 },     /* name length */
            { central + 42, "\xFF\xFF", 2, 630 }, /* place of the member */
            { central + 42, "\1\0", 2, 630 },
            { central + 42, "\xFF\xFF\xFF\xFF", 4, 630 },
            { 28, "\xFF\xFF", 2, 630 }, /* local extra length */
            { 30 + 5, "\7", 1, method ? 607 : 610 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            expect_damaged(
                "x.npz",
                patch(bytes_of(good.at, good.n), rows[i].place, rows[i].with, rows[i].n),
                rows[i].code);
        /* Sizes: more than there is, and more than deflate could make of it. */
        expect_damaged("x.npz", patch(bytes_of(good.at, good.n), central + 24, "\0\2", 2),
                       method ? 605 : 630);
        expect_damaged("x.npz", patch(bytes_of(good.at, good.n), central + 24, "\0\0\0\x7F", 4),
                       method ? 607 : 630);
        expect_damaged("x.npz", patch(bytes_of(good.at, good.n), central + 20, "\0\2", 2), 630);
        expect_damaged("x.npz", bytes_of(good.at, good.n - 1), 630);
        files_put(files_path("x.npz"), good);
        expect_error(files_path("x.npz:v"), JIT_ERR_ARGUMENT, 631);
        bytes_free(&good);
    }
    expect_damaged("x.npz", bytes_of("", 0), 630);
    expect_damaged("x.npz", bytes_of(zeros, 64), 630);
    bytes packed = bytes_zip("w.npy", 8, npy(F4_HEADER)), tail;
    size_t central = packed.n - 22 - 46 - 5;
    packed.at[central + 20] = (uint8_t)(packed.at[central + 20] + 3); /* and what follows it */
    packed.at[packed.n - 6] = (uint8_t)(packed.at[packed.n - 6] + 3);
    tail = bytes_of(packed.at + central, packed.n - central);
    packed.n = central;
    expect_damaged("x.npz", bytes_join(bytes_join(packed, bytes_of("end", 3)), tail), 605);
    bytes text = bytes_zip("readme", 0, bytes_of("text", 4));
    files_put(files_path("x.npz"), text);
    expect_error(files_path("x.npz"), JIT_ERR_ARGUMENT, 631);
    expect_damaged("x.npz", bytes_zip("w.npy", 0, bytes_of("text", 4)), 610);
    bytes_free(&text);
}

Test(file_errors, of_csv, .fini = files_remove_folder)
{
    static const struct row {
        const char *text;
        int32_t code;
        const char *part; /* of the message */
    } rows[] = {
        { "1,2\n3\n", 641, "line 2 of" },
        { "a,b\n1,2,3\n", 641, "line 2 of" },
        { "1\n\n2,3\n", 641, "line 3 of" },
        { "1,x\n", 640, "column 2: 'x'" },
        { "x,1\n", 640, "column 1: 'x'" },
        { "a,b\nc,d\n", 640, "line 2 of" },
        { "1,\n", 640, "column 2: ''" },
        { "1,,2\n", 640, "column 2: ''" },
        { "1;2\n3;4\n5;6", 640, "line 1 of" },
        { "1 2\n", 640, "'1 2'" },
        { "1;2\n", 640, "'1;2'" },
        { "0x10\n", 640, "'0x10'" },
        { "a,-.5b\n", 640, "'a'" },
        { "1,0x10\n", 640, "'0x10'" },
        { "1,1e\n", 640, "'1e'" },
        { "1,1e+\n", 640, "'1e+'" },
        { "1,--1\n", 640, "'--1'" },
        { "1,.\n", 640, "'.'" },
        { "1,1.2.3\n", 640, "'1.2.3'" },
        { "1,nan(1)\n", 640, "'nan(1)'" },
        { "1,infinit\n", 640, "'infinit'" },
        { "1,\x1b[31m\n", 640, "'?[31m'" },
        { "1,\"2\n", 642, "line 1" },
        { "1,2\n3,\"4\"5\n", 642, "line 2" },
        { "\"a\n\nb\",c\n1,2\n3,d\n", 640, "line 5" },
        { "\"a\n", 642, "line 1" },
        { "1,2\n3,4,5\n6\n", 641, "line 2 of" },
        { "1\n2,3,4,5,6,7,8,9\n", 641, "line 2 of" },
        { "1,5;2,5\n", 640, "'5;2'" },
        { "1,000\n\"1,000\",2\n", 640, "line 2 of 'x', column 1: '1,000'" },
        { "\xFF\xFE"
          "1",
          640, "UTF-16" },
        { "\xFE\xFF", 640, "UTF-16" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_array a;
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        cr_assert_not(csv_parse(&a, "x", rows[i].text, strlen(rows[i].text), &d), "%s",
                      rows[i].text);
        cr_assert_eq(err.diagnostic[0].code, rows[i].code, "%s: %s", rows[i].text,
                     err.diagnostic[0].message);
        cr_assert(strstr(err.diagnostic[0].message, rows[i].part), "%s: %s", rows[i].text,
                  err.diagnostic[0].message);
    }
    expect_damaged("x.f32", bytes_of(zeros, 7), 650);
    expect_damaged("x.f64", bytes_of(zeros, 12), 650);
}

/* -- damage by chance */

typedef bool (*parser)(jit_array *, const char *, const void *, size_t, diag *);

typedef struct sample {
    const char *name;
    parser parse;
    bytes b;
    bool cut_is_error; /* no shorter file is whole */
} sample;

/* Parses an exact copy, so that a sanitizer sees every byte read beyond. */
static bool try_parse(const sample *s, const uint8_t *at, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    jit_array a;
    jit_error err;
    diag d;
    cr_assert(exact);
    memcpy(exact, at, n);
    diag_init(&d, &err, NULL);
    bool good = s->parse(&a, s->name, exact, n, &d);
    cr_assert_eq(good, err.status == JIT_OK, "%s", s->name);
    cr_assert(good || err.diagnostic[0].code >= 600, "%s: %s", s->name,
              err.diagnostic[0].message);
    cr_assert(good || (err.status != JIT_ERR_MEMORY && err.status != JIT_ERR_INTERNAL),
              "%s: %s", s->name, err.diagnostic[0].message);
    if (good) {
        /* deflate makes at most 1032 bytes of one; a table has a number for every two bytes */
        cr_assert_leq(jit_array_count(&a), 1032 * (int64_t)n + 2048, "%s", s->name);
        jit_array_free(&a);
    }
    free(exact);
    return good;
}

static size_t mutate(uint8_t *at, size_t n, uint64_t *seed)
{
    static const uint8_t special[] = { 0, 1, 0x7F, 0x80, 0xFF, '9', ',', '(' };
    for (uint64_t k = files_random(seed) % 4; k < 4 && n > 0; k--) {
        uint64_t r = files_random(seed);
        size_t place = (size_t)(r >> 8) % n, length = 1 + (r >> 40) % 4;
        if (length > n - place)
            length = n - place;
        switch (r % 5) {
        case 0:
            at[place] ^= (uint8_t)(1 << (r >> 60 & 7));
            break;
        case 1:
            memset(at + place, special[r >> 50 & 7], length);
            break;
        case 2:
            memmove(at + place, at + place + length, n - place - length);
            n -= length;
            break;
        case 3:
            at[place] = (uint8_t)(r >> 32);
            break;
        default:
            n = r >> 61 ? n : place;
        }
    }
    return n;
}

static void damage(const sample *s, int variants)
{
    uint64_t seed = 12345;
    uint8_t *copy = malloc(s->b.n + 1);
    cr_assert(copy);
    cr_assert(try_parse(s, s->b.at, s->b.n), "%s", s->name);
    for (size_t n = 0; n < s->b.n; n++)
        cr_assert(!try_parse(s, s->b.at, n) || !s->cut_is_error, "%s cut to %zu", s->name, n);
    for (int i = 0; i < variants; i++) {
        memcpy(copy, s->b.at, s->b.n);
        (void)try_parse(s, copy, mutate(copy, s->b.n, &seed));
    }
    free(copy);
}

static bool address_space_is_ours(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false;
#endif
#endif
    return true;
}

Test(file_errors, damaged_files_are_refused_or_small)
{
    static const uint32_t shape[] = { 2, 3, 4 };
    static const char table[] = "a,\"b \"\"c\",d\n1,2.5,-3e4\n\"4\",nan,inf\n";
    static const char deflated[] = "{'descr': '<i2', 'fortran_order': True, 'shape': (3, 4), }";
    static const char tensors[] =
        "{\"__metadata__\":{\"by\":\"\\u00e9\"}, \"w\":"
        "{\"dtype\":\"I16\",\"shape\":[3,4],\"data_offsets\":[0,24]}}";
    sample samples[] = {
        { "npy", npy_parse, npy(F4_HEADER), true },
        { "npy 3.0", npy_parse, bytes_npy(3, deflated, bytes_of(zeros, 24)), true },
        { "npz", npz_parse, bytes_zip("w.npy", 0, npy(F4_HEADER)), true },
        { "npz deflated", npz_parse, bytes_zip("w.npy", 8, npy(deflated)), true },
        { "idx", idx_parse, bytes_idx(8, 3, shape, bytes_of(zeros, 24)), true },
        { "idx gzip", idx_parse, bytes_deflate(bytes_idx(8, 3, shape, bytes_of(zeros, 24)), 31),
          true },
        { "safetensors", safetensors_parse, bytes_safetensors(tensors, bytes_of(zeros, 24)),
          true },
        { "csv", csv_parse, bytes_of(table, sizeof table - 1), false },
    };
    if (address_space_is_ours()) {
        const struct rlimit limit = { 1U << 29, 1U << 29 };
        cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        damage(&samples[i], 3000);
        bytes_free(&samples[i].b);
    }
}
