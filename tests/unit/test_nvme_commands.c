/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What examples/nvme-identify/ makes of a controller's answers, also of one that lies. */
#include "unit.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../examples/nvme-identify/nvme.h"

static unsigned char page[NVME_PAGE];
static unsigned char answer[NVME_PAGE]; /* what Identify puts into the page */

static unsigned char disk[512]; /* its only block */
static unsigned int calls, fail_from;

uint64_t nvme_iova(const struct nvme *nvme, unsigned int number)
{
        (void)nvme;
        return number;
}

unsigned char *nvme_data(const struct nvme *nvme)
{
        (void)nvme;
        return page;
}

int nvme_error(struct nvme *nvme, int r, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        if (!nvme->error[0])
                vsnprintf(nvme->error, sizeof(nvme->error), format, ap);
        va_end(ap);
        return r;
}

int nvme_run(struct nvme *nvme, struct nvme_queue *queue, const char *what,
             const struct nvme_command *command)
{
        (void)what;
        if (queue == &nvme->io) {
                bool write = command->opcode == NVME_WRITE;

                if (calls++ >= fail_from)
                        return -EIO; /* the text is the library's */
                memcpy(write ? disk : page, write ? page : disk, 512);
                return 0;
        }
        assert_int_equal(command->opcode, NVME_ADMIN_IDENTIFY);
        memcpy(page, answer, sizeof(page));
        return 0;
}

static void test_lists_go_up(void **state)
{
        static const struct {
                uint32_t after, first;
                int r;
        } cases[] = {
                { 0, 1, 0 },
                { 0, 0, 0 },
                { 1, 2, 0 },
                { 1, 0, 0 },
                { 7, 4711, 0 },
                { 1, 1, -EPROTO },
                { 2, 1, -EPROTO },
                { 0xfffffffe, 0xffffffff, 0 },
                { 0xffffffff, 3, -EPROTO },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct nvme nvme = { .version = 0x10400 };
                uint32_t next = 99, list = htole32(cases[i].first);

                memcpy(answer, &list, sizeof(list));
                assert_int_equal(nvme_next_namespace(&nvme, cases[i].after, &next), cases[i].r);
                assert_int_equal(next, cases[i].r < 0 ? 99 : cases[i].first);
                assert_int_equal(nvme.error[0] != 0, cases[i].r < 0);
        }
}

/* Before 1.1 they are numbered without a gap. */
static void test_old_controllers(void **state)
{
        struct nvme nvme = { .version = 0x10000 };
        uint32_t next;

        (void)state;
        memset(answer, 0, sizeof(answer));
        answer[516] = 2;
        for (uint32_t after = 0; after < 4; after++) {
                assert_int_equal(nvme_next_namespace(&nvme, after, &next), 0);
                assert_int_equal(next, after < 2 ? after + 1 : 0);
        }
}

static void test_names(void **state)
{
        static const char identify[] = "????SERIAL\0\x1b[2J \xff       A model";
        struct nvme_controller controller;
        struct nvme nvme = { 0 };

        (void)state;
        memset(answer, 0, sizeof(answer));
        memcpy(answer, identify, sizeof(identify));
        memset(answer + 64, 'f', 8);
        assert_int_equal(nvme_identify_controller(&nvme, &controller), 0);
        assert_string_equal(controller.serial, "SERIAL??[2J ?");
        assert_string_equal(controller.model, "A model");
        assert_string_equal(controller.firmware, "ffffffff");
}

static void test_formats(void **state)
{
        static const struct {
                uint32_t format;
                uint32_t size;
        } cases[] = {
                { 9 << 16, 512 },  { 12 << 16, 4096 }, { 31 << 16, UINT32_C(1) << 31 },
                { 0, 0 },          { 8 << 16, 0 },     { 32 << 16, 0 },
                { 0xff << 16, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint32_t format = htole32(cases[i].format);
                struct nvme_namespace ns = { .nsid = 99 };
                struct nvme nvme = { 0 };

                memset(answer, 0, sizeof(answer));
                answer[0] = 1;
                answer[7] = 0x80;
                answer[26] = 0xff; /* the last format, and bits that mean something else */
                memcpy(answer + 128 + 15 * 4, &format, 4);
                assert_int_equal(nvme_identify_namespace(&nvme, 3, &ns), cases[i].size ? 0 : -ENXIO);
                assert_int_equal(ns.nsid, cases[i].size ? 3 : 99);
                if (cases[i].size)
                        assert_true(ns.block_size == cases[i].size &&
                                    ns.n_blocks == ((UINT64_C(1) << 63) | 1));
        }
}

/* Read, written, read, written back, read. */
static void test_write_test(void **state)
{
        struct nvme_namespace ns = { .nsid = 1, .n_blocks = 1, .block_size = 512 };
        unsigned char before[512];

        (void)state;
        for (size_t i = 0; i < sizeof(before); i++)
                before[i] = (unsigned char)(i * 5);
        for (unsigned int n = 0; n <= 5; n++) {
                struct nvme nvme = { 0 };

                memcpy(disk, before, sizeof(disk));
                calls = 0;
                fail_from = n;
                assert_int_equal(nvme_write_test(&nvme, &ns, 0), n < 5 ? -EIO : 0);
                assert_int_equal(memcmp(disk, before, sizeof(disk)) != 0, n == 2 || n == 3);
                if (n == 0 || n == 5)
                        assert_string_equal(nvme.error, "");
                else
                        assert_string_equal(nvme.error,
                                            "block 0; what was there before could not be written back");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lists_go_up), cmocka_unit_test(test_old_controllers),
                cmocka_unit_test(test_names),       cmocka_unit_test(test_formats),
                cmocka_unit_test(test_write_test),
        };

        return run_unit_tests("nvme commands", tests);
}
